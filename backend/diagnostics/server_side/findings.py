"""What looking at a host from inside has come to: frozen values, and how they read as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from backend.dataclass import dataclass
from backend.diagnostics.server_side.causes import SAYINGS, Cause
from backend.errors import Advice, FairleadError
from backend.text import clean_line


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why the server may have turned somebody away."""

    cause: Cause
    sentence: str
    evidence: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    """Commands among it are for the host itself."""
    logged: bool = False
    """The server's log says so, of this login: it is certain."""

    def to_json(self) -> dict[str, Any]:
        """One element of `findings` in `server_side`."""
        return {
            "code": self.cause.value,
            "certain": self.logged,
            "message": self.sentence,
            "evidence": dict(self.evidence),
            "advice": [item.to_json() for item in self.advice],
        }


def finding(cause: Cause, *, logged: bool = False, **evidence: str) -> Finding:
    """A finding with the words of its cause."""
    told = {name: clean_line(value) for name, value in evidence.items()}
    saying = SAYINGS[cause]
    return Finding(cause, saying.say(told), told, saying.advise(told), logged)


@dataclass(frozen=True, slots=True)
class ServerSide:
    """The server's side of the story."""

    host: str
    """Where the login is refused."""
    by: str
    """The name under which the host was looked at."""
    user: str
    """Whose login is refused."""
    seen_as: str
    """The account that looked."""
    findings: tuple[Finding, ...]
    """Most likely cause first."""
    log: tuple[str, ...] = ()
    """What the server's log has about this login, oldest line first."""
    unseen: tuple[str, ...] = ()
    """What that account may not look at, so that a cause may hide there."""
    fine: tuple[str, ...] = ()
    """What was looked at and is in order, in a few words each."""

    doubt: str = ""
    """Why it may have been another machine; empty where nothing speaks for that."""

    def doubted(self, why: str) -> ServerSide:
        """The same, with a doubt."""
        return replace(self, doubt=why)

    @property
    def sentence(self) -> str:
        """What it comes to, in one sentence."""
        if self.findings:
            return self.findings[0].sentence
        hidden = f" Not seen: {', '.join(self.unseen)}." if self.unseen else ""
        return f"Nothing there speaks against the login of {self.user}.{hidden}"

    def to_json(self) -> dict[str, Any]:
        """`server_side` in the output of `fairlead diagnose --inside --json`."""
        return {
            "by": self.by,
            "user": self.user,
            "seen_as": self.seen_as,
            "message": self.sentence,
            "findings": [one.to_json() for one in self.findings],
            "log": list(self.log),
            "unseen": list(self.unseen),
            "fine": list(self.fine),
            "doubt": self.doubt or None,
        }


@dataclass(frozen=True, slots=True)
class NotSeen:
    """The host could not be looked at from inside."""

    by: str
    error: FairleadError

    def to_json(self) -> dict[str, Any]:
        """`server_side`, likewise."""
        return {"by": self.by, "error": self.error.to_json()}
