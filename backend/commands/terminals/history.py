"""The rows that have left a screen at its top."""

from __future__ import annotations

from collections import deque

from backend.commands.terminals.cells import Line, line_of
from backend.commands.terminals.emulator import PLAIN, Look, Row, Run

HISTORY_LIMIT = 10_000
_Packed = str | tuple[tuple[str, ...], tuple[Look, ...]]
"""A plain row as its text, others as the texts and looks of their runs: few objects, for the garbage collector looks at
all there are time and again."""


class History:
    """The newest `limit` of them."""

    def __init__(self, limit: int = HISTORY_LIMIT) -> None:
        self._rows: deque[_Packed] = deque(maxlen=limit)
        self._wrapped: deque[bool] = deque(maxlen=limit)
        self._limit = limit
        self.gone = 0
        """How many were dropped."""

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> Row:
        return _unpacked(self._rows[number])

    def goes_on(self, number: int) -> bool:
        """Whether a row wrapped into the next one."""
        return self._wrapped[number]

    def push(self, line: Line) -> None:
        if len(self._rows) == self._limit:
            self.gone += 1
        self._rows.append(_packed(line.whole()))
        self._wrapped.append(line.wrapped)

    def pull(self, columns: int) -> Line:
        """Take the newest back."""
        return line_of(_unpacked(self._rows.pop()), columns, wrapped=self._wrapped.pop())

    def clear(self) -> None:
        self.gone += len(self._rows)
        self._rows.clear()
        self._wrapped.clear()


def _packed(row: Row) -> _Packed:
    if not row:
        return ""
    if len(row) == 1 and row[0].look is PLAIN:
        return row[0].text
    return tuple(run.text for run in row), tuple(run.look for run in row)


def _unpacked(packed: _Packed) -> Row:
    if isinstance(packed, str):
        return (Run(packed),) if packed else ()
    return tuple(map(Run, *packed))
