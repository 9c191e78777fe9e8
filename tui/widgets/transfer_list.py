"""The transfers, newest first: a line for each, with a bar while it moves."""

from __future__ import annotations

from collections.abc import Hashable

from textual.content import Content

from backend.files.transfer import Transfer
from tui.glyphs import Glyphs
from tui.transfer_looks import transfer_line
from tui.widgets.row_list import RowList


class TransferList(RowList[Transfer]):
    """Rows like `⬆ model.bin → web-1:/srv/app  ━━━━━────  62 %  2.6 of 4.2 GB  31 s left`."""

    def __init__(self, glyphs: Glyphs, home: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._home = home

    def key_of(self, row: Transfer) -> Hashable:
        return row.id

    def draw(self, row: Transfer, width: int) -> Content:
        return transfer_line(row, self._glyphs, width, home=self._home)
