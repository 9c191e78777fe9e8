"""Runs one command on many hosts, and keeps the runs; what failed in the last one is kept in the state file."""

from __future__ import annotations

import asyncio
import logging
from itertools import count

from backend.commands.many.last import LastRun, LastRuns
from backend.commands.many.run import GroupRun, HostSink, Surroundings
from backend.commands.many.values import GroupSpec
from backend.commands.values import GRACE
from backend.errors import FairleadError
from backend.tasks import ended_within

log = logging.getLogger(__name__)

_ENDED_KEPT = 3
"""Runs that are over and whose output is kept."""
_CLOSE_LIMIT = 2 * GRACE + 2.0


class ManyService:
    """Starts runs and keeps the last of them."""

    def __init__(self, around: Surroundings, last: LastRuns) -> None:
        self._around = around
        self._last = last
        self._runs: list[GroupRun] = []
        self._recording: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    def start(self, spec: GroupSpec, sink: HostSink | None = None) -> GroupRun:
        """Start it and return at once. Production hosts are asked about once, all of them together."""
        over = [run for run in self._runs if run.over]
        for run in over[:-_ENDED_KEPT]:
            self._runs.remove(run)
        run = GroupRun(f"many-{next(self._numbers)}", spec, self._around, sink)
        self._runs.append(run)
        task = asyncio.create_task(self._record(run))
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)
        return run

    def again(self, run: GroupRun) -> GroupRun | None:
        """Run the same on the hosts on which it failed; None where there are none, or it is not over."""
        if not run.over or not run.failed:
            return None
        return self.start(run.spec.on(run.failed))

    def all(self) -> tuple[GroupRun, ...]:
        """Those under way and the last that are over, oldest first."""
        return tuple(self._runs)

    @property
    def under_way(self) -> int:
        """Hosts of all runs that are not over."""
        return sum(run.counts.hosts - run.counts.over for run in self._runs if not run.over)

    async def last(self) -> LastRun | None:
        """What is known of the last run that was over, of this program or an earlier one. Raises as Store."""
        return await self._last.last()

    async def recorded(self) -> None:
        """Return when what is over is in the state file."""
        if over := [task for task in self._recording if not task.done()]:
            await asyncio.wait(over)

    async def close(self) -> None:
        """Stop what runs; bounded."""
        running = [run for run in self._runs if not run.over]
        for run in running:
            run.stop()
        if not await ended_within((run.wait() for run in running), _CLOSE_LIMIT):
            for run in running:
                run.abandon()
            await ended_within((run.wait() for run in running), _CLOSE_LIMIT)
        await self.recorded()

    async def _record(self, run: GroupRun) -> None:
        await run.wait()
        if run.error is not None or run.spec.command.command.startswith(b" "):
            return
        command = run.spec.command
        try:
            await self._last.add(command.command, command.cwd, len(run.hosts), run.failed)
        except FairleadError as error:
            log.warning("what failed cannot be kept: %s", error.message)
