"""Sequences of commands that belong to the service, whatever screen started them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.clock import Clock
from backend.commands.executor import CommandService, CommandSpec
from backend.commands.sequence import Heard, OnFailure, Repeats, SequenceRun, Step
from backend.tasks import cancel_all


class InTurn:
    """A sequence that runs."""

    def __init__(self, run: SequenceRun, task: asyncio.Task[tuple[Step, ...]]) -> None:
        self._run = run
        self._task = task

    async def wait(self) -> tuple[Step, ...]:
        """How each command went. Raises FairleadError where none was begun; cancelling the wait stops nothing."""
        return await asyncio.shield(self._task)

    def stop(self) -> None:
        """Stop the command that runs, and begin none after it."""
        self._run.stop()

    @property
    def over(self) -> bool:
        return self._task.done()

    def runs(self, command_id: str) -> bool:
        """Whether it is this command that runs now, or that waits to be run again."""
        return not self.over and self._run.current_id == command_id


class SequenceService:
    """Starts sequences and keeps them until they are over."""

    def __init__(self, commands: CommandService, clock: Clock) -> None:
        self._commands = commands
        self._clock = clock
        self._under_way: dict[asyncio.Task[tuple[Step, ...]], InTurn] = {}

    def start(
        self,
        host: str,
        specs: Sequence[CommandSpec],
        *,
        on_failure: OnFailure,
        repeats: Repeats,
        heard: Heard = lambda news: None,
    ) -> InTurn:
        """Begin, and return at once."""
        run = SequenceRun(self._commands, self._clock, on_failure=on_failure, repeats=repeats)
        task = asyncio.create_task(run.run(host, specs, heard=heard), name=f"sequence on {host}")
        task.add_done_callback(self._over)
        self._under_way[task] = begun = InTurn(run, task)
        return begun

    def of(self, command_id: str) -> InTurn | None:
        """The sequence that this command belongs to, while it goes on."""
        return next((each for each in self._under_way.values() if each.runs(command_id)), None)

    def _over(self, task: asyncio.Task[tuple[Step, ...]]) -> None:
        del self._under_way[task]
        if not task.cancelled():
            task.exception()  # whoever waits is told

    async def close(self) -> None:
        """Begin no further command; bounded by what stops the one that runs."""
        for each in self._under_way.values():
            each.stop()
        await cancel_all(tuple(self._under_way))
