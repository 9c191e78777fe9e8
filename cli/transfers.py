"""How a transfer looks on stderr: a line of progress on a terminal, a line for each problem, a summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from backend.clock import Clock
from backend.events import EventBus
from backend.files.model import Lane
from backend.files.transfer import (
    ItemProblem,
    Transfer,
    TransferChanged,
    TransferOutcome,
    TransferProgress,
    TransferProgressed,
    TransferState,
)
from backend.sizes import size_text
from backend.stall import STANDS_STILL, StallWatch
from cli.failures import print_json
from cli.narration import Narration
from cli.units import counted, seconds_text

if TYPE_CHECKING:
    from backend.files.sync.model import SyncOutcome


class TransferView:
    """Tells about one transfer while it runs. `close` when it has ended."""

    def __init__(
        self,
        transfer: Transfer,
        *,
        bus: EventBus,
        clock: Clock,
        narration: Narration,
        as_json: bool,
        several: Callable[[], str] | None = None,
    ) -> None:
        """`several`: where it is one of several, the line of progress of all of them together."""
        self._transfer = transfer
        self._clock = clock
        self._watch = StallWatch()
        self._narration = narration
        self._as_json = as_json
        self._several = several
        self._told = 0
        self._resume_told = False
        self._paused = False
        self._subscriptions = (
            bus.subscribe(TransferProgressed, self._on_event),
            bus.subscribe(TransferChanged, self._on_event),
        )

    def _on_event(self, event: TransferProgressed | TransferChanged) -> None:
        if event.transfer_id == self._transfer.id:
            self._update()

    def _update(self) -> None:
        progress = self._transfer.progress
        self._tell_pause()
        if progress.resumed_bytes and not self._resume_told:
            self._resume_told = True
            name = "" if self._several is None else f"{self._transfer.id}: "
            there = f"{size_text(progress.resumed_bytes)} ({progress.resumed_bytes} bytes)"
            self._narration.say(f"{name}resumed at {there}")
        self._tell_problems()
        if self._several is not None:
            self._narration.progress(self._several())
            return
        still = self._watch.look(progress.bytes_done, self._clock.monotonic())
        still = still if self._transfer.state is TransferState.COPYING else 0.0
        self._narration.progress(f"{self._transfer.state:<12} {progress_line(progress, still=still)}")

    async def keep_up(self) -> None:
        """Look every second until cancelled: a transfer that stands still tells nothing of itself."""
        while True:
            await self._clock.sleep(1.0)
            self._update()

    def _tell_pause(self) -> None:
        """Somebody else has paused it, and here it looks as if it hung."""
        paused = self._transfer.state is TransferState.PAUSED
        if paused is self._paused:
            return
        self._paused, identity = paused, self._transfer.id
        how = f" is paused; go on with: fairlead transfers resume {identity}" if paused else " goes on"
        self._narration.say(f"{identity}{how}")

    def _tell_problems(self) -> None:
        for problem in self._transfer.problems[self._told :]:
            self._told += 1
            self._tell(problem)

    def _tell(self, problem: ItemProblem) -> None:
        if self._as_json:
            print_json(problem_json(problem))
        else:
            self._narration.say(problem_line(problem))

    def close(self) -> None:
        """The last problems are told; the line of progress goes."""
        for subscription in self._subscriptions:
            subscription.cancel()
        self._tell_problems()
        self._narration.end_progress()


def problem_line(problem: ItemProblem) -> str:
    """One line for one file."""
    if problem.error is None:
        return f"skipped {problem.path}: {problem.note}" if problem.note else f"skipped {problem.path}"
    return f"failed {problem.path}: {problem.error.message} ({problem.error.code})"


def problem_json(problem: ItemProblem) -> dict[str, object]:
    if problem.error is None:
        return {"skipped": {"path": problem.path, "note": problem.note}}
    return {"error": {**problem.error.to_json(), "path": problem.path}}


def progress_line(progress: TransferProgress, *, still: float = 0.0) -> str:
    """`62 %  2.6 GB of 4.2 GB  48.2 MB/s  31 s left  3 of 12 files  model.bin`; what is not known is left out.

    `still` is for how many seconds nothing has moved.
    """
    parts = [_share(progress), _bytes(progress), *_pace(progress, still)]
    if progress.files_total != 1:
        total = "" if progress.files_total is None else f" of {progress.files_total}"
        parts.append(f"{progress.files_done}{total} files")
    parts += [f"{progress.failed} failed"] if progress.failed else []
    parts += [str(progress.lane)] if progress.lane is Lane.ARCHIVE else []
    return "  ".join([*filter(None, parts), progress.current])


def together(transfers: Sequence[Transfer]) -> str:
    """`2 of 5 transfers  62 %  2.6 GB of 4.2 GB  48.2 MB/s`; the whole is known when that of each is."""
    told = [transfer.progress for transfer in transfers]
    totals = [progress.bytes_total for progress in told]
    rates = [progress.rate for progress in told if progress.rate is not None]
    whole = TransferProgress(
        bytes_done=sum(progress.bytes_done for progress in told),
        bytes_total=None if None in totals else sum(total or 0 for total in totals),
        rate=sum(rates) if rates else None,
    )
    ended = sum(transfer.outcome is not None for transfer in transfers)
    parts = [f"{ended} of {len(transfers)} transfers", _share(whole), _bytes(whole), *_pace(whole, 0)]
    return "  ".join(filter(None, parts))


def _pace(progress: TransferProgress, still: float) -> list[str]:
    if still >= STANDS_STILL:
        return [f"no progress for {still:.0f} s"]
    rate = [f"{size_text(progress.rate)}/s"] if progress.rate is not None else []
    return rate + ([f"{seconds_text(progress.seconds_left)} left"] if progress.seconds_left is not None else [])


def _share(progress: TransferProgress) -> str:
    return f"{100 * progress.bytes_done // progress.bytes_total:3d} %" if progress.bytes_total else ""


def _bytes(progress: TransferProgress) -> str:
    done = size_text(progress.bytes_done)
    return done if progress.bytes_total is None else f"{done} of {size_text(progress.bytes_total)}"


def summary(outcome: TransferOutcome) -> str:
    """How it ended, in one line; everything that was not simply copied is counted."""
    progress = outcome.progress
    files = counted(progress.files_done, "file")
    parts = [f"{files}, {size_text(progress.bytes_done)} in {seconds_text(outcome.seconds)}"]
    if progress.resumed_bytes:
        parts.append(f"{size_text(progress.sent_bytes)} sent, {size_text(progress.resumed_bytes)} were there already")
    parts += [f"{progress.verified} verified (SHA-256)"] if progress.verified else []
    parts += [f"{progress.skipped} skipped"] if progress.skipped else []
    parts += [f"{progress.failed} failed"] if progress.failed else []
    parts += [f"{outcome.problems_dropped} problems not listed"] if outcome.problems_dropped else []
    parts += [f"went on after being cut off {_times(progress.restarts)}"] if progress.restarts else []
    return ", ".join(parts)


def remarks(outcome: TransferOutcome | SyncOutcome) -> list[str]:
    """What follows the list of problems: what a person should know besides, and for each kind of failure what to do."""
    lines = [f"note {note.path}: {note.note}" for note in outcome.notes]
    failures = {problem.error.code: problem.error for problem in outcome.problems if problem.error is not None}
    for error in failures.values():
        lines += [f"  - {item.text}" + (f"  {item.command}" if item.command else "") for item in error.advice]
    return lines


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
