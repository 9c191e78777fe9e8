"""Services that stand still: each test sets the very state it wants to see on the screen.

Only for states that are hard to hold on to in the demo world; whatever the demo world can show is tested there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from backend.commands.history import Entry
from backend.commands.running import RunningCommand
from backend.connection.connector import Link, LinkFacts
from backend.connection.interaction import Interaction
from backend.connection.outcomes import RouteOutcome
from backend.connection.route_memory import Remembered
from backend.connection.session import Session
from backend.connection.state import SessionChanged, SessionState
from backend.connection.target import Target
from backend.connection.vault import Vault
from backend.container import Container
from backend.diagnostics.explain import Explanation
from backend.diagnostics.ladder import Rung
from backend.diagnostics.remedies.keys import KeyAtHand
from backend.diagnostics.remedies.model import Remedy
from backend.diagnostics.remedies.service import Adjust, Applied, Choice
from backend.diagnostics.remedies.space import Room
from backend.diagnostics.slowness.report import SlowReport
from backend.diagnostics.slowness.values import Progress
from backend.errors import Code, FairleadError
from backend.events import EventBus
from backend.hosts.book import HostEntry, HostSource
from backend.settings import Settings
from screenshots.at_rest import watch_threads
from tests.tui.fake_about import FakeForwards, FakeGuard, FakeHealth, FakeRequests, FakeVerification
from tests.tui.fake_health import FakeDeepChecks, FakeMetricHistory, FakeTrends

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)


class StillClock:
    """A time that does not pass."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 1000.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


FACTS = LinkFacts(
    host="web-1",
    user="deploy",
    address="10.0.4.7:22",
    route=("bastion",),
    server_version="OpenSSH_9.6",
    kex="mlkem768x25519-sha256",
    cipher="aes128-gcm@openssh.com",
    mac="",
    host_key="SHA256:9fQ0vWkVdD8bLq0e2xYhZt1uT6nS3mC5rP7aB4jK2wE",
    auth_method="publickey",
    auth_detail="SHA256:Qm3x… from the agent",
)


class FakeSession:
    """A session whose state the test sets; it notes what was asked of it."""

    def __init__(self, host: str, bus: EventBus) -> None:
        self.host = host
        self._bus = bus
        self.state = SessionState.IDLE
        self.target: Target | None = None
        self.facts: LinkFacts | None = None
        self.shared_with: tuple[str, ...] = ()
        self.latencies: deque[float] = deque(maxlen=60)
        self.last_change: SessionChanged | None = None
        self.routes: tuple[RouteOutcome, ...] = ()
        self.remembered: Remembered | None = None
        self.asked: list[str] = []
        self.failure: FairleadError | None = None
        self.held_back = asyncio.Event()
        """Cleared, connecting goes on only when it is set again."""
        self.held_back.set()

    def become(
        self,
        state: SessionState,
        *,
        reason: str = "",
        ago: float = 0.0,
        error: FairleadError | None = None,
        attempt: int = 0,
        retry_in: float | None = None,
        given_up_in: float | None = None,
    ) -> None:
        """Be in `state` since `ago` seconds, and say so."""
        retry_at = None if retry_in is None else 1000.0 + retry_in
        at = NOW - timedelta(seconds=ago)
        given_up_at = None if given_up_in is None else 1000.0 + given_up_in
        change = SessionChanged(self.host, self.state, state, reason, at, error, attempt, retry_at, given_up_at)
        self.state, self.last_change = state, change
        self._bus.publish(change)

    async def link(self) -> Link:
        self.asked.append("link")
        await self.held_back.wait()
        if self.failure is not None:
            self.become(SessionState.FAILED, error=self.failure)
            raise self.failure
        self.become(SessionState.READY)
        return cast(Link, object())

    def retry_now(self) -> None:
        self.asked.append("retry_now")

    def stop(self) -> None:
        self.asked.append("stop")

    async def disconnect(self) -> None:
        self.asked.append("disconnect")
        self.become(SessionState.CLOSED)


class FakeSessions:
    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._sessions: dict[str, FakeSession] = {}

    def get(self, host: str) -> FakeSession:
        return self._sessions.setdefault(host, FakeSession(host, self._bus))

    def all(self) -> tuple[Session, ...]:
        return cast("tuple[Session, ...]", tuple(self._sessions.values()))


@dataclass
class FakeBook:
    entries: tuple[HostEntry, ...] = ()
    problem: FairleadError | None = None
    settings: Settings = field(default_factory=Settings)
    targets: dict[str, tuple[Target, ...]] = field(default_factory=dict)

    async def list(self) -> tuple[HostEntry, ...]:
        if self.problem is not None:
            raise self.problem
        return self.entries

    async def routes(self, name: str) -> tuple[Target, ...]:
        return self.targets.get(name, ())


class FakeDiagnostics:
    """Plays the rungs a test has laid out; `more` lets the climb go on after a rung that is under way."""

    def __init__(self) -> None:
        self.rungs: list[Rung] = []
        self.pause_after: int | None = None
        self.more = asyncio.Event()
        self.closed = False
        self.climbed: list[tuple[str, Adjust | None]] = []

    async def climb(self, host: str, *, adjust: Adjust | None = None) -> AsyncGenerator[Rung, None]:
        self.climbed.append((host, adjust))
        try:
            for number, rung in enumerate(self.rungs, start=1):
                yield rung
                if number == self.pause_after:
                    await self.more.wait()
        finally:
            self.closed = True


class FakeRemedies:
    """Says what it would have done."""

    def __init__(self) -> None:
        self.applied: list[tuple[Remedy, Choice | None]] = []
        self.at_hand: tuple[KeyAtHand, ...] = ()
        self.room: Room | None = None
        self.failure: FairleadError | None = None

    async def keys(self, remedy: Remedy) -> tuple[KeyAtHand, ...]:
        return self.at_hand

    async def apply(self, remedy: Remedy, choice: Choice | None = None) -> Applied:
        if self.failure is not None:
            raise self.failure
        self.applied.append((remedy, choice))
        return Applied(remedy.host, f"{remedy.id.value} done.", remedy.undo, room=self.room)


class FakeSlowness:
    """Plays what a test has laid out; `more` lets it go on after the first items."""

    def __init__(self) -> None:
        self.items: list[Progress | SlowReport] = []
        self.failure: FairleadError | None = None
        self.pause_after: int | None = None
        self.more = asyncio.Event()
        self.closed = 0

    async def measure(self, host: str) -> AsyncGenerator[Progress | SlowReport, None]:
        try:
            if self.failure is not None:
                raise self.failure
            for number, item in enumerate(self.items, start=1):
                yield item
                if number == self.pause_after:
                    await self.more.wait()
        finally:
            self.closed += 1


@dataclass
class FakeList:
    """A service of which only the list of its work is looked at."""

    items: list[Any] = field(default_factory=list)

    def all(self) -> tuple[Any, ...]:
        return tuple(self.items)


@dataclass
class FakeTransfers(FakeList):
    """A queue of transfers in which nothing happens."""

    cut_off: list[Any] = field(default_factory=list)

    @property
    def listed(self) -> list[Any]:
        return list(self.items)

    def find(self, id_: str) -> Any:
        return None

    async def serve(self) -> list[Any]:
        return self.cut_off


class FakeHistory:
    """Nothing was typed before, and nothing is kept."""

    async def entries(self, host: str | None = None, *, holds: str = "", most: int = 0) -> tuple[Entry, ...]:
        return ()

    def keep(self, line: str, command: RunningCommand) -> None:
        return None


class FakeServices:
    """A container of fakes. `open` is what the app calls."""

    def __init__(self, entries: Iterable[HostEntry] = ()) -> None:
        self.bus = EventBus()
        self.clock = StillClock()
        self.vault = Vault()
        self.book = FakeBook(tuple(entries))
        self.sessions = FakeSessions(self.bus)
        self.commands = FakeList()
        self.history = FakeHistory()
        self.transfers = FakeTransfers()
        self.files = object()
        self.diagnostics = FakeDiagnostics()
        self.server_sides: Any = None
        self.health = FakeHealth()
        self.metric_history = FakeMetricHistory()
        self.trends = FakeTrends()
        self.deep_checks = FakeDeepChecks(self.metric_history, self.bus)
        self.forwards = FakeForwards(self.bus, NOW)
        self.requests = FakeRequests(self.bus, NOW)
        self.verification = FakeVerification()
        self.slowness = FakeSlowness()
        self.guard = FakeGuard()
        self.remedies = FakeRemedies()
        self.explanations: dict[Code, Explanation] = {}
        self.opened = 0
        self.closed = 0
        self.interaction: Interaction | None = None

    async def explain(self, error: FairleadError, host: str | None = None) -> Explanation:
        return self.explanations.get(error.code, Explanation(error.evidence, error.advice))

    async def told(self, error: FairleadError, host: str | None = None) -> FairleadError:
        told = await self.explain(error, host)
        return error.explained(told.evidence, told.advice)

    def open(self, interaction: Interaction) -> AbstractAsyncContextManager[Container]:
        return self._open(interaction)

    @asynccontextmanager
    async def _open(self, interaction: Interaction) -> AsyncIterator[Container]:
        watch_threads(asyncio.get_running_loop())
        self.interaction = interaction
        self.opened += 1
        try:
            yield cast(Container, self)
        finally:
            self.closed += 1


def a_few_hosts() -> tuple[HostEntry, ...]:
    """Own entries in two groups, and two of ~/.ssh/config."""
    return (
        HostEntry(
            "web-1", HostSource.OWN, "config.toml:4", "10.0.4.7", "deploy", group="prod", tags=("web",), production=True
        ),
        HostEntry("db-2", HostSource.OWN, "config.toml:12", "10.0.4.9", "deploy", group="prod", tags=("postgres",)),
        HostEntry("gpu-7", HostSource.OWN, "config.toml:19", "10.9.1.7", "mara", group="lab", note="four A100"),
        HostEntry("edge-3", HostSource.SSH_CONFIG, "~/.ssh/config:3"),
        HostEntry("old-nas", HostSource.SSH_CONFIG, "~/.ssh/config:9"),
    )
