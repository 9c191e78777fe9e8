"""Transfers in a state directory, as an earlier run or another process leaves them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from backend.clock import Clock
from backend.errors import Code, FileError, Interrupted, LinkLost
from backend.files.model import (
    Direction,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.files.queue.book import Snapshot, TransferBook
from backend.files.queue.rules import UNHELD
from backend.leases import Holder
from backend.priority import Priority
from backend.store import Store

_ERRORS = {
    TransferState.FAILED: FileError(Code.PERMISSION, evidence={"path": "/srv/app/x"}),
    TransferState.INTERRUPTED: LinkLost(Code.CONNECTION_LOST, host="web-1"),
    TransferState.CANCELLED: Interrupted(Code.INTERRUPTED, host="web-1"),
}
_HALF = TransferProgress(
    files_total=3, files_done=2, bytes_total=4_200_000_000, bytes_done=2_604_000_000, rate=48.2e6, seconds_left=31
)
_WHOLE = TransferProgress(files_total=1, files_done=1, bytes_total=3100, bytes_done=3100, verified=1)


@asynccontextmanager
async def other_process(state: Path, clock: Clock, transfers: Mapping[str, TransferState]) -> AsyncIterator[None]:
    """A process, called 4711, that has these: by their ids, which name the files, too. It lives in the block."""
    store, holder = Store(state / "fairlead.db"), Holder(state / "holders")
    holder.name = "4711-other"
    book = TransferBook(store, clock, holder)
    for name, at in transfers.items():
        request = TransferRequest(Direction.PUT, "web-1", (f"/home/ann/{name}.bin",), "/srv/app/")
        await book.add(name, request, priority=Priority.NORMAL, by_itself=True, state=TransferState.WAITING)
        await book.save([_snapshot(name, request, at)])
    await store.close()
    try:
        yield
    finally:
        holder.close()


def _snapshot(name: str, request: TransferRequest, state: TransferState) -> Snapshot:
    progress, error = _WHOLE if state is TransferState.DONE else _HALF, _ERRORS.get(state)
    if state not in UNHELD:
        return Snapshot(name, request, state, TransferProgress() if state is TransferState.WAITING else progress)
    problems: tuple[ItemProblem, ...] = ()
    if state is TransferState.FAILED:
        progress = TransferProgress(files_total=3, files_done=2, bytes_total=4200, bytes_done=2600, failed=1)
        problems = (ItemProblem("/srv/app/x", _ERRORS[state], "", "/srv/app/x"),)
    return Snapshot(name, request, state, progress, TransferOutcome(progress, 3.0, problems=problems, error=error))


async def leave(state: Path, clock: Clock, transfers: Mapping[str, TransferState]) -> None:
    """What an earlier run has left."""
    async with other_process(state, clock, transfers):
        pass
