"""Seeded trouble: what goes wrong with a connection, when, and what is being done meanwhile. Plans, and their stage."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random

from mocks.relay import Direction, Relay
from tests.support.openssh import Sshd

SPIKE = 2.0
"""Seconds by which a delay spike holds everything back."""


class Trouble(StrEnum):
    """What can go wrong."""

    CUT = "cut"
    """Reset on both sides."""
    FINISH = "finish"
    """Ended in good order, from outside."""
    HALF_UP = "half-close up"
    HALF_DOWN = "half-close down"
    HOLE = "black hole"
    SLICES = "one-byte slices"
    SPIKE = "delay spike"
    RESTART = "server restart"
    REFUSE = "nobody listens"
    SUSPEND = "suspended client"


@dataclass(frozen=True, slots=True)
class Blow:
    """One piece of trouble."""

    trouble: Trouble
    at: float
    """Seconds after the work has begun."""
    lasts: float
    """Seconds, for trouble that lasts."""


class Task(StrEnum):
    """What is being done."""

    QUICK = "quick command"
    LONG = "long command"
    PUT = "put"
    GET = "get"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work."""

    task: Task
    name: str
    size: int
    """Bytes, for copies."""
    at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    seed: int
    jobs: tuple[Job, ...]
    blows: tuple[Blow, ...]

    @classmethod
    def of(cls, seed: int, *, jobs: int, suspend: bool) -> Plan:
        """The plan that belongs to `seed`; the same one each time."""
        chance = Random(seed)
        tasks = (
            [Task.PUT, Task.GET, *chance.choices(list(Task), k=jobs)][:jobs] if jobs > 1 else [chance.choice([*Task])]
        )
        chance.shuffle(tasks)
        work = tuple(
            Job(
                task,
                f"{number}-{task.value.replace(' ', '-')}",
                chance.randrange(50_000, 900_000),
                chance.random() * 0.4,
            )
            for number, task in enumerate(tasks)
        )
        kinds = [kind for kind in Trouble if suspend or kind is not Trouble.SUSPEND]
        blows = tuple(
            Blow(chance.choice(kinds), chance.uniform(0.05, 0.8), chance.uniform(0.1, 1.2))
            for _ in range(chance.randint(1, 3))
        )
        return cls(seed, work, tuple(sorted(blows, key=lambda blow: blow.at)))


@dataclass
class Stage:
    """Where the trouble happens: a relay before a server, and a process that can be suspended."""

    relay: Relay
    server: Sshd
    suspend: asyncio.subprocess.Process | None = None
    _restarting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def trouble(self, plan: Plan) -> None:
        """Everything of the plan, in its time; afterwards all is well again."""
        try:
            async with asyncio.TaskGroup() as group:
                for blow in plan.blows:
                    group.create_task(self._strike(blow))
        finally:
            self.heal()

    def heal(self) -> None:
        self.relay.set(delay=0.0, slice=None)
        self.relay.heal()
        self.relay.listen()

    async def _strike(self, blow: Blow) -> None:
        begin, end = self._moves()[blow.trouble]
        await asyncio.sleep(blow.at)
        await _made(begin)
        if end is not None:
            await asyncio.sleep(blow.lasts)
            await _made(end)

    def _moves(self) -> dict[Trouble, tuple[Move, Move | None]]:
        """How each trouble begins, and how it ends where it lasts."""
        relay = self.relay
        return {
            Trouble.CUT: (relay.cut, None),
            Trouble.FINISH: (relay.finish, None),
            Trouble.HALF_UP: (lambda: relay.half_close(Direction.UP), None),
            Trouble.HALF_DOWN: (lambda: relay.half_close(Direction.DOWN), None),
            Trouble.RESTART: (self._restart, None),
            Trouble.HOLE: (relay.black_hole, relay.heal),
            Trouble.SLICES: (lambda: relay.set(slice=1), lambda: relay.set(slice=None)),
            Trouble.SPIKE: (lambda: relay.set(delay=SPIKE), lambda: relay.set(delay=0.0)),
            Trouble.REFUSE: (self._refuse, relay.listen),
            Trouble.SUSPEND: (lambda: self._signal(signal.SIGSTOP), lambda: self._signal(signal.SIGCONT)),
        }

    async def _restart(self) -> None:
        async with self._restarting:
            await asyncio.to_thread(self.server.restart)

    def _refuse(self) -> None:
        self.relay.refuse()
        self.relay.cut()

    def _signal(self, number: signal.Signals) -> None:
        if self.suspend is not None and self.suspend.returncode is None:
            self.suspend.send_signal(number)


Move = Callable[[], Awaitable[None] | None]


async def _made(move: Move) -> None:
    waiting = move()
    if waiting is not None:
        await waiting


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds."""

    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Held:
        """Descriptors, and threads apart from the executor's, which are kept for the next work."""
        own = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
        return cls(sum(1 for _ in Path("/proc/self/fd").iterdir()), len(own))


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
