"""The transfers in the order in which they go: a line for each, with a bar while it moves."""

from __future__ import annotations

from collections.abc import Container, Hashable

from textual.content import Content

from backend.files.transfer import TransferRecord, TransferState
from backend.stall import STANDS_STILL, StallWatch
from tui.glyphs import Glyphs
from tui.transfer_looks import transfer_line
from tui.widgets.row_list import RowList


class TransferList(RowList[TransferRecord]):
    """Rows like `⬆ model.bin → web-1:/srv/app  ━━━━━────  62 %  2.6 of 4.2 GB  31 s left`."""

    HELP = """
    Transfers of this workbench and of every other process: those that move, those that wait in the order in which
    they will go, what was cut off, and what has ended, newest first. They stay here over restarts; what was cut off
    goes on by itself when its host is connected.
    """

    def __init__(self, glyphs: Glyphs, home: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._home = home
        self._watches: dict[str, StallWatch] = {}
        self._still: dict[str, float] = {}
        """For how many seconds each of those that copy has not moved."""

        self._stopping: set[str] = set()

    def stop(self, transfer_id: str) -> None:
        """It was told to stop: say so until it has ended."""
        self._stopping.add(transfer_id)
        self.refresh()

    @property
    def standing(self) -> Container[str]:
        """Ids of those that copy and do not move."""
        return {id_ for id_, seconds in self._still.items() if seconds >= STANDS_STILL}

    def look(self, now: float) -> None:
        """See which of them have moved, at `now` in seconds of a monotonic clock."""
        copying = [row for row in self.rows if row.state is TransferState.COPYING]
        self._watches = {row.id: self._watches.get(row.id) or StallWatch() for row in copying}
        self._still = {row.id: self._watches[row.id].look(row.progress.bytes_done, now) for row in copying}
        self._stopping &= {row.id for row in self.rows if row.outcome is None}
        self.refresh()

    def key_of(self, row: TransferRecord) -> Hashable:
        return row.id

    def draw(self, row: TransferRecord, width: int) -> Content:
        return transfer_line(
            row,
            self._glyphs,
            width,
            home=self._home,
            still=self._still.get(row.id, 0.0),
            stopping=row.id in self._stopping,
        )
