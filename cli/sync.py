"""How a sync looks: its plan on stdout, a line for each name; progress, problems and a summary on stderr."""

from __future__ import annotations

from typing import Any

from backend.clock import Clock
from backend.connection.connector import FileKind
from backend.events import Event, EventBus
from backend.fd_writer import FdWriter
from backend.files.sync.compare import Plan
from backend.files.sync.model import CARRIED, Action, Counts, Do, SyncOutcome, SyncState
from backend.files.sync.rounds import Tried
from backend.files.sync.selection import Selection
from backend.files.sync.service import Sync, SyncChanged
from backend.files.sync.spool import Spool
from backend.files.transfer import TransferProgressed
from backend.sizes import size_text
from backend.text import show_bytes
from cli.failures import json_line
from cli.listing import name_json
from cli.narration import Narration
from cli.transfers import progress_line
from cli.units import seconds_text

_LOOKED_AT = (Do.KEEP, Do.EXTRA, Do.EXCLUDE, Do.SKIP, Do.BLOCK)
_UNTOLD = frozenset({Do.KEEP, Do.EXCLUDE})
_REFUSED = "refused"
"""In place of `delete`, where nothing is deleted after all; and of what would have taken the place."""


# --- the plan ----------------------------------------------------------------------------------------------------


async def tell_plan(plan: Plan, selection: Selection, *, as_json: bool) -> Counts:
    """Write what is done, name by name, in the order in which it is; the counts of it."""
    out = FdWriter(1)
    line = _json_line if as_json else _text_line

    async def tell(spool: Spool) -> None:
        async for batch in spool.batches():
            told = [one for one in batch if one.do not in _UNTOLD or (as_json and one.do is Do.EXCLUDE)]
            await out.write(b"".join(line(one, _verb(one, selection)) for one in told))

    await tell(plan.changes)
    await tell(plan.deletions)
    counts = (await Tried.of(plan, selection)).counts
    for do in _LOOKED_AT:
        counts.of[do] = plan.counts.of[do]
    return counts


def _verb(action: Action, selection: Selection) -> str:
    return action.do if action.do in _LOOKED_AT or selection.wants(action) else _REFUSED


def _text_line(action: Action, verb: str) -> bytes:
    size = size_text(action.size) if action.do in CARRIED and action.kind is FileKind.FILE else ""
    return f"{verb:<8} {size:>9}  {path_text(action)}  ({action.reason})\n".encode()


def _json_line(action: Action, verb: str) -> bytes:
    pointer = {} if action.points_to is None else name_json(action.points_to, "points_to")
    path = name_json(b"/".join(action.parts) or b".", "path")
    told = {"action": verb, **path, "kind": action.kind.value, "reason": action.reason, "bytes": action.size}
    return json_line({"plan": {**told, **pointer}}).encode()


def path_text(action: Action) -> str:
    """A name as people see it: directories end in a slash, links say where they point."""
    path = show_bytes(b"/".join(action.parts) or b".")
    if action.kind is FileKind.DIRECTORY:
        return f"{path}/"
    return path if action.points_to is None else f"{path} -> {show_bytes(action.points_to)}"


async def deletion_lines(plan: Plan, most: int) -> list[str]:
    """The deletions of a plan for a question; beyond `most` they are counted."""
    lines: list[str] = []
    async for batch in plan.deletions.batches():
        lines += [f"  delete {path_text(one)}" for one in batch[: most - len(lines)]]
        if len(lines) >= most:
            break
    more = plan.counts.deletions - len(lines)
    return [*lines, f"  and {more:,} more; --dry-run shows all of them"] if more > 0 else lines


def dry_run_json(plan: Plan, counts: Counts, seconds: float) -> dict[str, Any]:
    """As a sync ends, with nothing sent."""
    outcome = SyncOutcome(
        done=counts,
        seconds=seconds,
        rounds=0,
        files=counts.files,
        bytes=counts.bytes,
        failed=plan.failed + counts.of[Do.BLOCK],
    )
    return {**outcome.to_json(), "dry_run": True}


# --- in words ----------------------------------------------------------------------------------------------------


def counts_text(counts: Counts) -> str:
    """`copy 3 files (12.3 kB), make 2 directories, delete 5 names (1.2 MB)`; what is nothing is left out."""
    of = counts.of
    parts = [f"copy {_some(counts.files, 'file')} ({size_text(counts.bytes)})"] if counts.files else []
    parts += [f"make {_some(of[Do.MAKE], 'directory', 'directories')}"] if of[Do.MAKE] else []
    parts += [f"change mode or time of {of[Do.ADJUST]:,}"] if of[Do.ADJUST] else []
    parts += [f"delete {_some(of[Do.DELETE], 'name')} ({size_text(counts.deleted_bytes)})"] if of[Do.DELETE] else []
    return ", ".join([*(parts or ["change nothing"]), *_left(counts)])


def _left(counts: Counts) -> list[str]:
    of = counts.of
    parts = [f"{of[Do.EXTRA]:,} more at the destination left there"] if of[Do.EXTRA] else []
    parts += [f"{of[Do.EXCLUDE]:,} excluded"] if of[Do.EXCLUDE] else []
    parts += [f"{of[Do.SKIP]:,} skipped"] if of[Do.SKIP] else []
    return parts + ([f"{of[Do.BLOCK]:,} blocked by another kind of file"] if of[Do.BLOCK] else [])


def summary(outcome: SyncOutcome) -> str:
    """How it ended, in one line."""
    of = outcome.done.of
    parts = [f"{_some(outcome.files, 'file')}, {size_text(outcome.bytes)} in {seconds_text(outcome.seconds)}"]
    if outcome.resumed_bytes:
        parts.append(f"{size_text(outcome.sent_bytes)} sent, {size_text(outcome.resumed_bytes)} were there already")
    parts += [f"{outcome.verified:,} verified (SHA-256)"] if outcome.verified else []
    parts += [f"{_some(of[Do.MAKE], 'directory', 'directories')} made"] if of[Do.MAKE] else []
    parts += [f"{of[Do.ADJUST]:,} given mode or time"] if of[Do.ADJUST] else []
    parts += [f"{of[Do.DELETE]:,} deleted"] if of[Do.DELETE] else []
    parts += _left(outcome.done)
    parts += [f"{outcome.failed:,} failed"] if outcome.failed else []
    parts += [f"{outcome.rounds} rounds"] if outcome.rounds > 1 else []
    return ", ".join(parts)


def _some(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


# --- while it runs -----------------------------------------------------------------------------------------------


class SyncView:
    """One line of progress on a terminal. `close` when it has ended."""

    def __init__(self, sync: Sync, *, bus: EventBus, clock: Clock, narration: Narration) -> None:
        self._sync = sync
        self._clock = clock
        self._narration = narration
        self._subscriptions = (bus.subscribe(SyncChanged, self._hear), bus.subscribe(TransferProgressed, self._hear))

    def _hear(self, event: Event) -> None:
        self._update()

    def _update(self) -> None:
        progress, transfer = self._sync.progress, self._sync.transfer
        again = f" (round {progress.round})" if progress.round > 1 else ""
        match progress.state:
            case SyncState.COMPARING:
                self._narration.progress(f"comparing{again}  {progress.seen:,} names")
            case SyncState.COPYING if transfer is not None:
                self._narration.progress(f"{transfer.state:<12} {progress_line(transfer.progress)}")
            case SyncState.DELETING:
                self._narration.progress(f"deleting{again}  {progress.deleted:,} names")
            case _:
                self._narration.end_progress()

    async def keep_up(self) -> None:
        """Look every second until cancelled."""
        while True:
            await self._clock.sleep(1.0)
            self._update()

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.cancel()
        self._narration.end_progress()
