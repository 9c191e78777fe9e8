"""What became of each try of a login, and what that means: evidence for people, and the failure that is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.connection.credentials import MOST_OFFERS, KeyOffer, KeyProblem
from backend.connection.host_keys import shorten
from backend.connection.retry import SlowLogin, SpentLogin
from backend.connection.target import Hop
from backend.connection.vault import Secret
from backend.errors import Advice, AuthError, Code, ConnectError
from backend.text import clean_line

_MOST_NAMED = 8
"""Keys that were not tried and are named; the rest is counted."""


@dataclass(slots=True)
class Try:
    """What the server is looking at."""

    method: str
    detail: str = ""
    mark: bytes = b""
    """Which key is shown."""
    secret: Secret | None = None
    """The password in it; kept once the server has taken it."""
    new_secret: Secret | None = None
    """The password that is to take its place."""
    by_person: bool = False
    """A person has given something for it."""
    only_now: bool = False
    """Something in it is good for this login alone, as a one-time code."""

    @property
    def repeats(self) -> bool:
        """Whether it can be made again without a person. An exchange without a password was decided by something that
        is not known here, such as a question on somebody's phone."""
        without_password = self.secret is None and self.new_secret is None
        return not self.only_now and not (self.method == "keyboard-interactive" and without_password)

    def wipe(self) -> None:
        for secret in (self.secret, self.new_secret):
            if secret is not None:
                secret.wipe()
        self.secret = self.new_secret = None


class Record:
    """The tries of one login at `hop`."""

    def __init__(self, hop: Hop) -> None:
        self._hop = hop
        self.current: Try | None = None
        self.accepted: list[Try] = []
        self.refused: list[Try] = []
        self.offered: tuple[str, ...] = ()
        """The methods that may go on."""
        self.left_out: tuple[KeyOffer, ...] = ()
        self.problems: list[KeyProblem] = []
        self.remarks: list[str] = []
        """Certificates that are left out, and why."""
        self.agent_problem = ""
        self.expired = ""
        """The server wants a new password, in its own words."""
        self.held_back: AuthError | None = None
        """Why nothing was shown to the server at all."""
        self.endless = False
        """The server asked on and on."""
        self.declined: list[str] = []

    @property
    def every(self) -> tuple[Try, ...]:
        return (*self.accepted, *self.refused, *([self.current] if self.current else ()))

    @property
    def at_the_limit(self) -> bool:
        """Whether one more refusal may end the login for too many tries, and ban this address."""
        return len(self.refused) >= MOST_OFFERS

    def answered(self, methods: Sequence[str]) -> Try | None:
        """The server refused what it was shown, or took it as one of several; what it refused."""
        self.offered = tuple(methods)
        current, self.current = self.current, None
        if current is None:
            return None
        taken = current.method not in methods
        (self.accepted if taken else self.refused).append(current)
        return None if taken else current

    def succeeded(self) -> None:
        if self.current is not None:
            self.accepted.append(self.current)
            self.current = None

    def decline(self, what: str) -> None:
        """Nobody gave `what`."""
        if what not in self.declined:
            self.declined.append(what)

    @property
    def evidence(self) -> dict[str, str]:
        """What was tried and what the server offers, for people."""
        told = {
            "user": self._hop.user,
            "tried": "; ".join(_told(part) for part in (*self.accepted, *self.refused)) or "nothing",
            "offered": ", ".join(self.offered) or "nothing",
        }
        if refused := sum(1 for part in self.refused if part.method != "publickey"):
            told["refused_secrets"] = str(refused)
        if self.left_out:
            told["left_out"] = _not_tried(self.left_out)
        if self.agent_problem:
            told["agent"] = self.agent_problem
        if self.declined:
            told["not_answered"] = ", ".join(self.declined)
        unusable = [f"{shorten(item.path)}: {item.reason or item.mode}" for item in self.problems]
        if unusable := [*unusable, *self.remarks]:
            told["unusable"] = "; ".join(unusable)
        return told

    def failure(self) -> AuthError:
        """Why nothing logged in, as the most specific code that is true."""
        if self.held_back is not None:
            return self.held_back
        if self.endless:
            return self._error(Code.AUTH_ENDLESS)
        if self.expired:
            return self._error(Code.AUTH_PASSWORD_EXPIRED, reason=self.expired)
        if any(part.method != "publickey" for part in self.refused):
            return self._error(Code.AUTH_DENIED)
        if problem := self._worst_problem():
            return self._error(problem.code, **problem.evidence)
        if self.refused:
            return self._error(Code.AUTH_DENIED)
        if self.declined:
            return self._error(Code.NEEDS_PERSON, what=" and ".join(self.declined))
        return self._error(Code.AUTH_NO_METHOD)

    def too_many(self, reason: str) -> AuthError:
        return self._error(Code.AUTH_TOO_MANY, reason=reason)

    def cut_off(self, reason: str) -> ConnectError:
        """The connection went before the server had decided."""
        kind = SpentLogin if any(part.by_person for part in self.every) else ConnectError
        return kind(Code.CONNECTION_LOST, evidence={"reason": reason}, host=self._hop.name)

    def timed_out(self) -> AuthError:
        """AUTH_TIMEOUT; a SlowLogin where the same attempt may be made again by itself: the server has refused nothing
        and nothing that a person gave went with it."""
        told = {**self.evidence, "seconds": f"{self._hop.timeouts.login:g}"}
        spent = self.refused or any(part.by_person for part in self.every)
        kind = AuthError if spent else SlowLogin
        return kind(Code.AUTH_TIMEOUT, evidence=told, host=self._hop.name)

    def _error(self, code: Code, **more: object) -> AuthError:
        error = AuthError(code, evidence={**self.evidence, **more}, host=self._hop.name)
        if not self.left_out or code not in _ABOUT_KEYS:
            return error
        step = Advice(
            "Not all keys were tried. Name the one for this host with -i, or with IdentityFile and IdentitiesOnly in "
            "~/.ssh/config; for a key of the agent its public half will do."
        )
        return AuthError(code, evidence=error.evidence, host=self._hop.name, advice=(step, *error.advice))

    def _worst_problem(self) -> KeyProblem | None:
        order = (Code.AUTH_PASSPHRASE, Code.AUTH_KEY_PERMISSIONS, Code.AUTH_KEY_UNREADABLE)
        ranked = sorted(self.problems, key=lambda problem: order.index(problem.code))
        return ranked[0] if ranked else None


_ABOUT_KEYS = frozenset({Code.AUTH_DENIED, Code.AUTH_NO_METHOD, Code.AUTH_TOO_MANY, Code.NEEDS_PERSON})


def _told(part: Try) -> str:
    return f"{part.method} {part.detail}".strip()


def _not_tried(offers: Sequence[KeyOffer]) -> str:
    named = ", ".join(clean_line(offer.description) for offer in offers[:_MOST_NAMED])
    more = f" and {len(offers) - _MOST_NAMED} others" if len(offers) > _MOST_NAMED else ""
    return f"{len(offers)} more keys, so as not to be shut out for too many tries: {named}{more}"
