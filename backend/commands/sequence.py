"""Several commands on one host, one after the other, each with an outcome of its own; and repeats of those that may be
repeated.

Whether all of them may run is settled before the first begins, so that no refusal leaves half of them done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from random import Random

from backend.clock import Clock
from backend.commands.executor import CommandOutcome, CommandService, CommandSpec, RunningCommand, Sink
from backend.commands.verdict import ENDED, NOT_STARTED
from backend.connection.retry import delay
from backend.dataclass import dataclass
from backend.errors import LinkLost, TimeLimitError

_LONGEST = 30.0
"""Seconds: no wait before a repeat is longer."""


class OnFailure(Enum):
    """What becomes of the commands after one that fails."""

    STOP = "stop"
    GO_ON = "go on"
    """Where it has ended by itself or at its time limit. Where that is not known, the next might run beside it."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """When a command that failed is run again."""

    most: int = 0
    """Repeats after the first attempt."""
    repeatable: bool = False
    """It does no harm twice. Without that, nothing is ever repeated."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one of the commands went."""

    spec: CommandSpec
    outcome: CommandOutcome | None
    """Of the last attempt; None where it was not begun."""
    attempts: int
    command: RunningCommand | None = None
    """The last attempt."""


@dataclass(frozen=True, slots=True)
class Again:
    """A command failed and is run once more."""

    step: int
    """From 0."""
    attempt: int
    """The one that comes, from 2."""
    seconds: float
    """Until then."""
    outcome: CommandOutcome


Heard = Callable[[RunningCommand | Again], None]
"""Told of each attempt as it begins, and of each wait."""


class SequenceRun:
    """Runs commands in order, on one host."""

    def __init__(
        self,
        service: CommandService,
        clock: Clock,
        *,
        on_failure: OnFailure = OnFailure.STOP,
        repeats: Repeats | None = None,
        chance: Random | None = None,
    ) -> None:
        self._service = service
        self._clock = clock
        self._on_failure = on_failure
        self._repeats = repeats or Repeats()
        self._chance = chance or Random()  # noqa: S311
        self._current: RunningCommand | None = None
        self._stopped = False
        self._waiting: asyncio.Future[None] | None = None

    async def run(
        self,
        host: str,
        specs: Sequence[CommandSpec],
        *,
        sink_of: Callable[[int], Sink | None] = lambda step: None,
        heard: Heard = lambda news: None,
    ) -> tuple[Step, ...]:
        """How each of them went. Cancelling stops the one that runs.

        Raises what `CommandService.permit` raises for the first that may not run; then none was begun.
        """
        for spec in specs:
            await self._service.permit(host, spec)
        steps: list[Step] = []
        ended = False
        for number, spec in enumerate(specs):
            if ended or self._stopped:
                steps.append(Step(spec, None, 0))
                continue
            step = await self._one(host, number, spec, sink_of(number), heard)
            steps.append(step)
            assert step.outcome is not None
            failed = not step.outcome.succeeded
            ended = failed and (self._on_failure is OnFailure.STOP or not _surely_over(step.outcome))
        return tuple(steps)

    @property
    def current_id(self) -> str | None:
        """The command that was begun last."""
        return None if self._current is None else self._current.id

    def stop(self) -> None:
        """Stop the one that runs, and begin none after it."""
        self._stopped = True
        if self._current is not None:
            self._current.stop()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _one(self, host: str, number: int, spec: CommandSpec, sink: Sink | None, heard: Heard) -> Step:
        attempt = 0
        while True:
            attempt += 1
            command = self._current = self._service.start(host, spec, sink, agreed=True)
            heard(command)
            try:
                outcome = await command.wait()
            except asyncio.CancelledError:
                command.stop()
                raise
            if self._stopped or attempt > self._repeats.most or not may_run_again(outcome, self._repeats):
                return Step(spec, outcome, attempt, command)
            pause = delay(attempt, self._chance, cap=_LONGEST)
            heard(Again(number, attempt + 1, pause, outcome))
            if not await self._paused(pause):
                return Step(spec, outcome, attempt, command)

    async def _paused(self, seconds: float) -> bool:
        """Wait; whether nobody has stopped it meanwhile."""
        self._waiting = asyncio.get_running_loop().create_future()
        timer = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({timer, self._waiting}, return_when=asyncio.FIRST_COMPLETED)
            return not self._waiting.done()
        finally:
            timer.cancel()


def may_run_again(outcome: CommandOutcome, repeats: Repeats) -> bool:
    """Whether a command that ended so may be run once more: only one that does no harm twice, and that nobody stopped.

    Where a person is needed, as for a password, a repeat would only ask again.
    """
    if not repeats.repeatable or outcome.succeeded:
        return False
    error = outcome.error
    return error is None or isinstance(error, LinkLost | TimeLimitError) or error.retryable


def _surely_over(outcome: CommandOutcome) -> bool:
    """Whether it ended by itself, or is known to have ended."""
    error = outcome.error
    return error is None or (isinstance(error, TimeLimitError) and error.evidence.get("remote") in (ENDED, NOT_STARTED))


def same_for_each(specs: Sequence[bytes], like: CommandSpec) -> tuple[CommandSpec, ...]:
    """Commands that run as `like` does, each in its place."""
    return tuple(replace(like, command=command) for command in specs)
