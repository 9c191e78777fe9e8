"""What became of each item of a transfer: counts, problems, notes, and what the journal keeps for the next time."""

from __future__ import annotations

from backend.errors import Code, FairleadError, IntegrityError
from backend.files.carrier import Pending
from backend.files.journal import FinishedItem, Journal
from backend.files.lane import Item
from backend.files.meter import Meter
from backend.files.model import ItemNote, ItemProblem
from backend.files.paths import to_text
from backend.files.problems import of_other_kind
from backend.text import show_bytes

MOST_LISTED = 1000
"""Problems and notes that are listed; the rest is counted."""
WRITE_EVERY, WRITE_BYTES = 500, 1 << 20
"""Finished items, or their bytes, after which the journal is written: what is sent again after a sudden end."""


class Ledger:
    """Keeps account of one transfer."""

    def __init__(self, meter: Meter, journal: Journal, tree: bytes) -> None:
        self.meter = meter
        self.problems: list[ItemProblem] = []
        self.notes: list[ItemNote] = []
        self.dropped = 0
        self._journal = journal
        self._tree = tree
        self._before: dict[bytes, FinishedItem] = {}
        self._unwritten: list[FinishedItem] = []
        self._unwritten_bytes = 0
        self._first_error: FairleadError | None = None
        self._integrity: IntegrityError | None = None

    async def load(self) -> None:
        """What an interrupted run of the same transfer has finished."""
        self._before = await self._journal.finished(self._tree)

    def finished_before(self, item: Item, *, verify: bool) -> FinishedItem | None:
        """The journal's word that `item`, as it is now, was finished; whether it still is must be looked at."""
        known = self._before.get(_name(item)) if self._before else None
        if known is None or (known.size, known.modified) != (item.size, item.attributes.modified or 0.0):
            return None
        return known if known.verified or not verify else None

    def note(self, path: bytes, text: str) -> None:
        if len(self.notes) < MOST_LISTED:
            self.notes.append(ItemNote(show_bytes(path), text))

    def skipped(self, item: Item, reason: str) -> None:
        """Left out on purpose."""
        self.meter.skipped += 1
        self.meter.bytes_dropped += item.size
        self._list(ItemProblem(show_bytes(item.source), None, reason, to_text(item.source)))

    def failed(self, item: Item, error: FairleadError, size: int = 0) -> None:
        """Could not be copied; the others go on."""
        self._failed(item.source, of_other_kind(error, item.attributes.kind, lambda: item.path), size)

    def missing(self, path: bytes, error: FairleadError) -> None:
        """A source that was named and cannot be looked at; the others go on."""
        self._failed(path, error)

    def _failed(self, path: bytes, error: FairleadError, size: int = 0) -> None:
        self.meter.failed += 1
        self.meter.bytes_dropped += size
        self._first_error = self._first_error or error
        if isinstance(error, IntegrityError):
            self._integrity = self._integrity or error
        self._list(ItemProblem(show_bytes(path), error, error.message, to_text(path)))

    def resumed(self, item: Item, known: FinishedItem) -> None:
        """Finished by an earlier run, and still in its place."""
        self.meter.files_done += 1
        self.meter.bytes_done += item.size
        self.meter.resumed_bytes += item.size
        self.meter.verified += known.verified
        self.meter.touch()

    async def finished(self, item: Item, size: int, *, verified: bool) -> None:
        """In its place."""
        self.meter.files_done += 1
        self.meter.verified += verified
        self.meter.touch()
        self._unwritten.append(
            FinishedItem(_name(item), item.parts[-1], size, item.attributes.modified or 0.0, verified)
        )
        self._unwritten_bytes += size
        if len(self._unwritten) >= WRITE_EVERY or self._unwritten_bytes >= WRITE_BYTES:
            await self.write()

    async def write(self) -> None:
        """Bring the journal up to date."""
        items, self._unwritten, self._unwritten_bytes = self._unwritten, [], 0
        try:
            if items:
                await self._journal.add_finished(self._tree, items)
        except BaseException:
            self._unwritten = items + self._unwritten  # writing an item twice does no harm
            raise

    async def close(self, *, complete: bool) -> None:
        """The transfer ends; a complete one leaves nothing in the journal."""
        if complete:
            self._unwritten.clear()
            await self._journal.forget_tree(self._tree)
        else:
            await self.write()

    def verdict(self, *, alone: bool) -> FairleadError | None:
        """Why not all is there: a differing checksum before all else, the one item's own error, or SOME_FAILED."""
        if self._first_error is None:
            return None
        total = self.meter.files_done + self.meter.failed + self.meter.skipped
        if alone or total == 1:
            return self._first_error
        if self._integrity is not None:
            return self._integrity
        return FairleadError(Code.SOME_FAILED, evidence={"failed": self.meter.failed, "total": total})

    def pending_failed(self, pending: Pending, error: FairleadError) -> None:
        """It had arrived, and does not count any more."""
        self.meter.bytes_done -= pending.size
        self.failed(pending.item, error, pending.item.size)

    def _list(self, problem: ItemProblem) -> None:
        if len(self.problems) < MOST_LISTED:
            self.problems.append(problem)
        else:
            self.dropped += 1


def _name(item: Item) -> bytes:
    return item.source + b"\0" + b"/".join((item.anchor, *item.wanted))
