"""What the recovery may do, and what came of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass
from backend.events import Event


class Kind(StrEnum):
    """The actions. There are no others: whatever goes further asks for a person."""

    RECONNECT = "reconnect"
    RESTART = "restart"
    CLEAR_TEMP = "clear_temp"


class Outcome(StrEnum):
    """What came of an action."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    """A person, the lists of commands, or nobody to ask on a production host."""
    CAPPED = "capped"
    """It was done as often as it may be."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that may be done to a host."""

    host: str
    kind: Kind
    subject: str = ""
    """The unit that is restarted."""
    why: str = ""
    """What calls for it, as a sentence."""

    @property
    def name(self) -> str:
        """As it is counted and listed: `restart nginx.service`."""
        return f"{self.kind.value} {self.subject}".strip()


@dataclass(frozen=True, slots=True)
class Planned:
    """An action as a dry run tells it."""

    action: Action
    command: str
    """What would run on the host; empty for what happens here."""
    text: str
    """What would happen, as a sentence, with how often it may still be done."""
    allowed: bool
    """Whether its cap leaves room for it."""

    def to_json(self) -> dict[str, Any]:
        one = self.action
        return {
            "host": one.host,
            "action": one.name,
            "why": one.why,
            "command": self.command,
            "text": self.text,
            "allowed": self.allowed,
        }


@dataclass(frozen=True, slots=True)
class RecoveryDone(Event):
    """The recovery has done something, or has not, and says why."""

    action: str
    outcome: Outcome
    text: str
