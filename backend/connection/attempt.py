"""A login that is being made for one name, and those who wait for the same one under others: they hear what it does, in
their own words, and get what comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from backend.connection.connector import Gate, Link, Observer, PhaseEvent, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.target import Hop, Target
from backend.errors import FairleadError
from backend.tasks import cancel_all


class Attempt:
    """One attempt, made for `target`: its own observer and gate are told through it."""

    def __init__(self, target: Target, observer: Observer | None, gate: Gate | None) -> None:
        self._target = target
        self._observer = observer
        self._gate = gate
        self._seen: list[PhaseEvent] = []
        self._has_turn = False
        self._followers: list[_Follower] = []
        self._outcome: asyncio.Future[Link | None] = asyncio.get_running_loop().create_future()

    # --- who makes it ---

    def hear(self, event: PhaseEvent) -> None:
        """The attempt's observer."""
        self._seen.append(event)
        if self._observer is not None:
            self._observer(event)
        for follower in tuple(self._followers):
            follower.hear(event)

    async def take(self) -> None:
        """Here and below, the attempt's `Gate`. While it has its turn, each follower's other routes wait for theirs."""
        if self._gate is not None:
            await self._gate.take()
        self._turn(held=True)

    async def admit(self, hop: Hop) -> None:
        if self._gate is not None:
            await self._gate.admit(hop)

    def release(self) -> None:
        if self._gate is not None:
            self._gate.release()
        self._turn(held=False)

    def settle(self, outcome: Link | FairleadError | None) -> None:
        """It has ended; None: it was given up, with nothing to tell of the login."""
        if isinstance(outcome, FairleadError):
            self._outcome.set_exception(outcome)
            self._outcome.exception()  # looked at: perhaps nobody follows
        else:
            self._outcome.set_result(outcome)

    def _turn(self, *, held: bool) -> None:
        self._has_turn = held
        for follower in self._followers:
            follower.turn(held=held)

    # --- who waits for it ---

    async def follow(self, target: Target, observer: Observer | None, gate: Gate | None) -> Link | None:
        """The link that was made; None where it was given up. Raises what has ended it, told of `target`."""
        follower = _Follower(target, self._target, observer, gate)
        for event in self._seen:
            follower.hear(event)
        follower.turn(held=self._has_turn)
        self._followers.append(follower)
        try:
            return await asyncio.shield(self._outcome)
        except FairleadError as error:
            raise follower.told(error) from error.__cause__
        finally:
            self._followers.remove(follower)
            await follower.end()


class _Follower:
    """`target`, whose login another attempt makes, for `made_for`."""

    def __init__(self, target: Target, made_for: Target, observer: Observer | None, gate: Gate | None) -> None:
        self._target = target
        self._made_for = made_for
        self._observer = observer
        self._gate = gate
        self._taking: asyncio.Task[None] | None = None

    def hear(self, event: PhaseEvent) -> None:
        if self._observer is None:
            return
        hop = self._same(event.hop)
        match event:
            case PhaseFailed():
                self._observer(replace(event, hop=hop, error=self.told(event.error)))
            case PhasePassed():
                self._observer(replace(event, hop=hop, shared=True))
            case PhaseStarted():
                self._observer(replace(event, hop=hop))

    def told(self, error: FairleadError) -> FairleadError:
        """`error` of the attempt, told of this target."""
        at_fault = next((hop for hop in self._made_for.hops if hop.name == error.hop), None)
        return error.told_of(self._target.name, None if at_fault is None else self._same(at_fault).name)

    def turn(self, *, held: bool) -> None:
        """Take this target's own turn while the attempt has it; nobody waits for that."""
        if self._gate is None:
            return
        if held and self._taking is None:
            self._taking = asyncio.create_task(self._gate.take(), name=f"turn of {self._target.name}")
        elif not held and self._taking is not None:
            self._taking.cancel()
            self._taking = None
            self._gate.release()

    async def end(self) -> None:
        if self._taking is not None:
            await cancel_all([self._taking])

    def _same(self, hop: Hop) -> Hop:
        hops = zip(self._target.hops, self._made_for.hops, strict=True)
        return next((own for own, other in hops if other == hop), hop)
