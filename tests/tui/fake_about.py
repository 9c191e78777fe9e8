"""Services about one host that stand still, for tests that say what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from backend.connection.target import Target
from backend.diagnostics.checks import Check
from backend.errors import FairleadError
from backend.events import EventBus
from backend.forwards.model import ForwardChanged, ForwardState, ForwardView
from backend.forwards.spec import ForwardSpec
from backend.health.values import SshHealth
from backend.priority import Priority
from backend.requests.model import Action, Request, RequestsChanged, RequestState


@dataclass
class FakeHealth:
    """Histories by host."""

    known: dict[str, SshHealth] = field(default_factory=dict)
    trouble: FairleadError | None = None

    async def of(self, host: str) -> SshHealth:
        return self.known.get(host, SshHealth(host))


class FakeForwards:
    """Opens at once whatever it is asked for."""

    def __init__(self, bus: EventBus, now: datetime) -> None:
        self._bus = bus
        self._now = now
        self.listed: tuple[ForwardSpec, ...] = ()
        self.failure: FairleadError | None = None
        self.open: dict[int, ForwardView] = {}

    def views(self, host: str | None = None) -> tuple[ForwardView, ...]:
        return tuple(view for view in self.open.values() if host in (None, view.host))

    def put(self, view: ForwardView) -> None:
        """Have this one listed, and say so."""
        self.open[view.id] = view
        self._bus.publish(ForwardChanged(view.host, view))

    async def start(self, host: str, spec: ForwardSpec) -> ForwardView:
        state = ForwardState.FAILED if self.failure else ForwardState.LISTENING
        reason = self.failure.message if self.failure else ""
        view = ForwardView(len(self.open) + 1, host, spec, state, self._now, reason, self.failure, ("127.0.0.1:8080",))
        self.put(view)
        return view

    async def configured(self, host: str) -> tuple[tuple[ForwardSpec, ...], tuple[ForwardSpec, ...]]:
        return self.listed, ()

    async def stop(self, number: int) -> None:
        self.open.pop(number, None)


class FakeRequests:
    """A queue of which nothing is carried out."""

    def __init__(self, bus: EventBus, now: datetime) -> None:
        self._bus = bus
        self._now = now
        self.kept: list[Request] = []
        self.cancelled: list[int] = []

    async def all(self, host: str | None = None) -> tuple[Request, ...]:
        return tuple(request for request in self.kept if host in (None, request.host))

    async def submit(
        self,
        host: str,
        action: Action,
        *,
        priority: Priority = Priority.NORMAL,
        deadline: datetime | None = None,
        repeatable: bool = False,
    ) -> Request:
        request = Request(
            number=len(self.kept) + 1,
            host=host,
            action=action,
            priority=priority,
            asked=self._now,
            deadline=deadline,
            repeatable=repeatable,
            state=RequestState.WAITING,
        )
        self.kept.append(request)
        self._bus.publish(RequestsChanged(host))
        return request

    async def cancel(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        self.cancelled += numbers
        self.kept = [one for one in self.kept if one.number not in numbers]
        return numbers

    async def move(self, number: int, *, priority: Priority | None = None, before: int | None = None) -> bool:
        one = next(request for request in self.kept if request.number == number)
        self.kept.remove(one)
        places = [index for index, request in enumerate(self.kept) if request.number == before]
        self.kept.insert(places[0] if places else 0, one if priority is None else replace(one, priority=priority))
        return True

    async def set_deadline(self, number: int, deadline: datetime | None) -> bool:
        states = {RequestState.WAITING, RequestState.EXPIRED}
        found = [one for one in self.kept if one.number == number and one.state in states]
        self.kept = [
            replace(one, deadline=deadline, state=RequestState.WAITING, ended=None) if one in found else one
            for one in self.kept
        ]
        return bool(found)

    async def clear(self, host: str | None = None) -> int:
        return 0

    def output_of(self, request: Request) -> Path:
        return Path(f"/nowhere/{request.number}.out")


class FakeVerification:
    """Plays the checks a test has laid out; `more` lets it go on after the first ones."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.failure: FairleadError | None = None
        self.pause_after: int | None = None
        self.more = asyncio.Event()
        self.closed = 0

    async def check(self, host: str) -> AsyncGenerator[Check, None]:
        try:
            if self.failure is not None:
                raise self.failure
            for number, check in enumerate(self.checks, start=1):
                yield check
                if number == self.pause_after:
                    await self.more.wait()
        finally:
            self.closed += 1


@dataclass
class FakeGuard:
    """Notes of whom it has forgotten the refusals."""

    forgotten: list[str] = field(default_factory=list)

    async def forget(self, target: Target) -> int:
        self.forgotten.append(target.name)
        return 4
