"""What was asked of a host while it was away: a command or a copy, with its urgency and its deadline. Values only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.events import Event
from backend.files.model import ConflictPolicy, Direction
from backend.priority import Priority
from backend.text import show_bytes


class RequestState(StrEnum):
    """Where a request stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    """It was carried out; of a command the exit status tells the rest."""
    FAILED = "failed"
    EXPIRED = "expired"
    """Its deadline passed before the host was there. It was never begun."""
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """It was begun, and nobody knows how it ended; it is not done again by itself."""


OPEN = frozenset({RequestState.WAITING, RequestState.RUNNING})


@dataclass(frozen=True, slots=True)
class RunCommand:
    """A command for the login shell."""

    command: bytes
    cwd: bytes | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    time_limit: float | None = None
    """Seconds."""

    @property
    def words(self) -> str:
        """For people, cleaned."""
        return show_bytes(self.command)


@dataclass(frozen=True, slots=True)
class CopyFiles:
    """Files and trees to or from the host. Always safe to repeat: a copy goes on where it stopped."""

    direction: Direction
    sources: tuple[str, ...]
    """Absolute where they are local: the request may be carried out from another directory."""
    destination: str
    verify: bool = True
    on_conflict: ConflictPolicy = ConflictPolicy.OVERWRITE
    rate_limit: int | None = None

    @property
    def words(self) -> str:
        names = " ".join(self.sources)
        return show_bytes(f"{self.direction.value} {names} → {self.destination}".encode("utf-8", "surrogateescape"))


Action = RunCommand | CopyFiles


@dataclass(frozen=True, slots=True)
class RequestResult:
    """How a request ended."""

    exit_status: int | None = None
    signal: str | None = None
    code: str | None = None
    """The failure's stable code."""
    message: str = ""
    files: int | None = None
    """Of a copy: files that are there."""

    @classmethod
    def of_error(cls, error: FairleadError) -> RequestResult:
        return cls(code=error.code.value, message=error.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One entry of the queue."""

    number: int
    host: str
    action: Action
    priority: Priority
    asked: datetime
    deadline: datetime | None
    """Not begun after this."""
    repeatable: bool
    """May be begun again after a link was lost in the middle of it."""
    state: RequestState
    attempts: int = 0
    """How often it was begun."""
    ended: datetime | None = None
    result: RequestResult | None = None

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "id": self.number,
            "host": self.host,
            "what": self.action.words,
            "kind": "run" if isinstance(self.action, RunCommand) else self.action.direction.value,
            "priority": self.priority.name.lower(),
            "asked": self.asked.isoformat(),
            "deadline": self.deadline.isoformat() if self.deadline else None,
            "repeatable": self.repeatable,
            "state": self.state.value,
            "attempts": self.attempts,
            "ended": self.ended.isoformat() if self.ended else None,
            "result": _result_json(self.result),
        }


@dataclass(frozen=True, slots=True)
class RequestsChanged(Event):
    """The queue of a host is no longer what it was; read it again."""

    request: Request | None = None
    """The one that was begun or has ended, as it stands now."""


def action_text(action: Action) -> str:
    """`action` as JSON, for the store; bytes that are not UTF-8 as surrogate escapes."""
    if isinstance(action, RunCommand):
        cwd = None if action.cwd is None else _text(action.cwd)
        kept = {"command": _text(action.command), "cwd": cwd, "env": dict(action.env), "limit": action.time_limit}
        return json.dumps({"run": kept})
    return json.dumps(
        {
            action.direction.value: {
                "sources": list(action.sources),
                "destination": action.destination,
                "verify": action.verify,
                "on_conflict": action.on_conflict.value,
                "rate_limit": action.rate_limit,
            }
        }
    )


def action_of(text: str) -> Action:
    """The reverse of `action_text`. Raises ValueError or KeyError for what this version did not write."""
    ((kind, kept),) = json.loads(text).items()
    if kind == "run":
        cwd = None if kept["cwd"] is None else _bytes(kept["cwd"])
        return RunCommand(_bytes(kept["command"]), cwd, kept["env"], kept["limit"])
    return CopyFiles(
        Direction(kind),
        tuple(kept["sources"]),
        kept["destination"],
        kept["verify"],
        ConflictPolicy(kept["on_conflict"]),
        kept["rate_limit"],
    )


def result_text(result: RequestResult | None) -> str | None:
    """`result` as JSON, for the store."""
    return None if result is None else json.dumps(_result_json(result))


def result_of(text: str | None) -> RequestResult | None:
    return None if text is None else RequestResult(**json.loads(text))


def _result_json(result: RequestResult | None) -> dict[str, Any] | None:
    if result is None:
        return None
    return {name: getattr(result, name) for name in ("exit_status", "signal", "code", "message", "files")}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
