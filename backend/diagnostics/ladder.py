"""The ladder: one real connection attempt, told rung by rung, each with evidence, time and verdict.

It uses the same connector, book and checks as every other connection, so it cannot tell another story than they do.
It stops explaining at the first broken rung and never retries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backend.clock import Clock
from backend.connection.connector import Connector
from backend.connection.interaction import Interaction
from backend.errors import Advice, Code, FairleadError
from backend.hosts.book import HostBook


class RungId(StrEnum):
    CONFIG = "config"
    NAME = "name"
    ROUTE = "route"
    TCP = "tcp"
    BANNER = "banner"
    KEX = "kex"
    HOST_KEY = "host_key"
    AUTH = "auth"
    SESSION = "session"
    FILES = "files"
    PERFORMANCE = "performance"


class RungStatus(StrEnum):
    RUNNING = "running"
    PASS = "pass"  # noqa: S105 - a verdict
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    """Not reached, or not applicable."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder."""

    id: RungId
    status: RungStatus
    hop: str
    """The machine it concerns."""
    code: Code | None = None
    summary: str = ""
    """What was found, in a few words."""
    ms: float | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    error: FairleadError | None = None

    def to_json(self) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole ladder."""

    host: str
    rungs: tuple[Rung, ...]

    @property
    def verdict(self) -> str:
        """`ok`, `warn` or `failed`."""
        raise NotImplementedError

    @property
    def failed(self) -> Rung | None:
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """As `fairlead diagnose --json` prints it."""
        raise NotImplementedError


class Diagnostics:
    """Climbs ladders."""

    def __init__(self, *, connector: Connector, book: HostBook, interaction: Interaction, clock: Clock) -> None:
        raise NotImplementedError

    def climb(self, host: str) -> AsyncIterator[Rung]:
        """Each rung as it changes: RUNNING when it begins, then once with its verdict; at the end SKIP for the rest.

        Closing the iterator stops the attempt and closes what it opened.
        """
        raise NotImplementedError

    async def diagnose(self, host: str) -> Diagnosis:
        """Climb to the end."""
        raise NotImplementedError
