"""Keeps the order of a ladder while it is climbed: each rung is told as running at most once, then one verdict."""

from __future__ import annotations

from collections.abc import Callable

from backend.diagnostics.rungs import Place, Rung, RungStatus, plan

NOT_NEEDED = "not needed"
NOT_REACHED = "not reached"


class Board:
    """The state of one ladder. Pure; `tell` hears of every change, verdicts in the order of the plan."""

    def __init__(self, host: str, tell: Callable[[Rung], None]) -> None:
        self.plan: tuple[Place, ...] = plan(host, None)
        self._tell = tell
        self._settled: set[Place] = set()
        self._running: set[Place] = set()

    @property
    def current(self) -> Place | None:
        """The first rung without a verdict."""
        return next((place for place in self.plan if place not in self._settled), None)

    def open(self, place: Place) -> bool:
        """Whether the rung is planned and has no verdict yet."""
        return place in self.plan and place not in self._settled

    def begin(self, place: Place) -> None:
        """The rung is being climbed; what lies before it and was not climbed was not needed."""
        if self.open(place) and place not in self._running:
            self._pass_by(place)
            self._running.add(place)
            self._tell(Rung(place[1], RungStatus.RUNNING, place[0]))

    def settle(self, rung: Rung) -> None:
        """A verdict; the first one for a rung counts."""
        place = (rung.hop, rung.id)
        if self.open(place):
            self._pass_by(place)
            self._settled.add(place)
            self._tell(rung)

    def finish(self) -> None:
        """Nothing more is climbed: the rest was not reached."""
        for place in self.plan:
            self._skip(place, NOT_REACHED)

    def _pass_by(self, place: Place) -> None:
        for earlier in self.plan[: self.plan.index(place)]:
            self._skip(earlier, NOT_NEEDED)

    def _skip(self, place: Place, why: str) -> None:
        if place not in self._settled:
            self._settled.add(place)
            self._tell(Rung(place[1], RungStatus.SKIP, place[0], summary=why))
