"""Several commands in turn, from a screen: what becomes of them is told when they are over."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backend.commands.executor import CommandSpec, RunningCommand
from backend.commands.sequence import Again, OnFailure, Repeats, Step
from backend.errors import FairleadError
from backend.text import clean_line, show_bytes
from tui.how_to_run import HowToRun
from tui.messages import Notice, OperationFailed

if TYPE_CHECKING:
    from tui.screens.base import WorkbenchScreen


def run_in_turn(
    screen: WorkbenchScreen, host: str, typed: Sequence[str], specs: Sequence[CommandSpec], how: HowToRun
) -> None:
    """Begin them; the sequence belongs to its service, and what was `typed` to the history."""
    lines = deque(zip(specs, typed, strict=True))

    def heard(news: RunningCommand | Again) -> None:
        if isinstance(news, RunningCommand) and lines and lines[0][0] is news.spec:
            screen.services.history.keep(lines.popleft()[1], news)

    on_failure = OnFailure.GO_ON if how.keep_going else OnFailure.STOP
    repeats = Repeats(how.retries, repeatable=how.retries > 0)
    run = screen.services.sequences.start(host, specs, on_failure=on_failure, repeats=repeats, heard=heard)

    async def tell() -> None:
        try:
            screen.post_message(Notice(summary(await run.wait())))
        except FairleadError as error:
            screen.post_message(OperationFailed(error, "running the commands"))

    screen.run_worker(tell(), group="in-turn", exit_on_error=False)


def summary(steps: Sequence[Step]) -> str:
    """`2 of 3 commands succeeded; 'make test' failed, 1 was not begun.`"""
    done = sum(step.outcome is not None and step.outcome.succeeded for step in steps)
    failed = [step for step in steps if step.outcome is not None and not step.outcome.succeeded]
    left = sum(step.outcome is None for step in steps)
    if len(steps) == 1:
        times = f" at attempt {steps[0].attempts}" if steps[0].attempts > 1 else ""
        return f"The command {'failed' if failed else 'succeeded'}{times}."
    parts = [f"{done} of {len(steps)} commands succeeded"]
    if failed:
        parts.append("; " + ", ".join(f"'{clean_line(show_bytes(step.spec.command))[:40]}'" for step in failed[:3]))
        parts.append(" failed")
    if left:
        parts.append(f", {left} {'was' if left == 1 else 'were'} not begun")
    return "".join(parts) + "."
