"""`fairlead run` with several commands, or repeats: each has an outcome of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from backend.commands.collecting import Collected
from backend.commands.executor import RunningCommand
from backend.commands.sequence import Again, OnFailure, Repeats, SequenceRun, Step
from backend.commands.verdict import NOT_STARTED
from backend.text import clean_line, show_bytes
from cli.execute import Services
from cli.failures import print_json
from cli.running import JSON_BOUND, Streams, Wanted, collected_json, interrupted, leaves_open
from cli.statuses import Status, status_of, status_of_exit


async def run_in_turn(services: Services, wanted: Wanted) -> int:
    """Run them all; the status is the first failure's, or the last one's where the others were run all the same."""
    steps = _Steps(services, wanted)
    return await (steps.collected() if services.flags.json else steps.streamed())


class _Steps:
    def __init__(self, services: Services, wanted: Wanted) -> None:
        self._services = services
        self._wanted = wanted
        self._specs = wanted.specs(services.container)
        self._current: RunningCommand | None = None
        self._streams = Streams()
        self._kept = [Collected(JSON_BOUND) for _ in self._specs]
        self._run = SequenceRun(
            services.container.commands,
            services.container.clock,
            on_failure=OnFailure.GO_ON if wanted.keep_going else OnFailure.STOP,
            repeats=Repeats(wanted.retry, repeatable=wanted.retry > 0),
        )

    async def streamed(self) -> int:
        steps = await self._held(lambda step: self._streams.take)
        await self._streams.end()
        failed = [step for step in steps if step.outcome is not None and not step.outcome.succeeded]
        for number, step in enumerate(steps):
            if len(steps) > 1 and step not in failed[-1:]:
                self._tell(number, step)
        if not failed:
            return Status.OK
        return self._status(failed[-1])

    def _status(self, step: Step) -> int:
        """Of the last that failed."""
        assert step.outcome is not None
        if (error := step.outcome.error) is not None:
            if unknown := leaves_open(step.outcome):
                self._services.narration.say(unknown)
            raise error
        assert step.outcome.exit is not None
        return status_of_exit(step.outcome.exit)

    def _tell(self, number: int, step: Step) -> None:
        """One line about one that failed or was not begun."""
        if step.outcome is None:
            how = NOT_STARTED
        elif step.outcome.succeeded:
            return
        elif step.outcome.error is not None:
            how = step.outcome.error.message
        else:
            assert step.outcome.exit is not None
            how = f"status {status_of_exit(step.outcome.exit)}"
        self._services.narration.say(f"{number + 1}. {clean_line(show_bytes(step.spec.command))}: {how}")

    async def collected(self) -> int:
        steps = await self._held(lambda step: self._kept[step].take)
        told = [self._json(number, step) for number, step in enumerate(steps)]
        failed = [step for step in steps if step.outcome is not None and not step.outcome.succeeded]
        print_json({"host": self._wanted.host, "steps": told})
        if not failed:
            return Status.OK
        last = failed[-1].outcome
        assert last is not None
        if last.error is not None:
            return status_of(last.error)
        assert last.exit is not None
        return status_of_exit(last.exit)

    def _json(self, number: int, step: Step) -> dict[str, Any]:
        said = collected_json(self._kept[number], step.outcome, self._wanted.encoding)
        command = step.spec.command.decode(self._wanted.encoding, "replace")
        return {"command": command, "attempts": step.attempts, **said}

    async def _held(self, sink_of: Any) -> tuple[Step, ...]:
        """All of it; being interrupted stops what runs first, and tells what is known about its end."""
        running = asyncio.ensure_future(
            self._run.run(self._wanted.host, self._specs, sink_of=sink_of, heard=self._heard)
        )
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._run.stop()
            await asyncio.gather(running, return_exceptions=True)
            await self._streams.leave()
            if self._current is None or self._current.outcome is None:
                raise
            raise interrupted(self._current, self._current.outcome) from None

    def _heard(self, news: RunningCommand | Again) -> None:
        if isinstance(news, RunningCommand):
            self._current = self._streams.command = news
            return
        self._kept[news.step] = Collected(JSON_BOUND)
        why = "failed" if news.outcome.error is None else news.outcome.error.message.rstrip(".")
        self._services.narration.say(
            f"{why}: attempt {news.attempt} of {self._wanted.retry + 1} in {news.seconds:.1f} s"
        )
