"""The rows of a directory: sorted, filtered, chosen, with a cursor that stays on its file. Pure.

A hundred thousand rows come in batches. What one call does takes a few milliseconds; long sorting is a generator that
is taken step by step. Rows are known by their bytes: two names that look alike stay two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from backend.connection.connector import Entry, FileKind
from backend.text import show_bytes

RUN = 2048
"""Rows that are sorted at a time."""


class SortBy(Enum):
    """What a directory is sorted by. Directories come first always."""

    NAME = "name"
    SIZE = "size"
    """Largest first."""
    TIME = "changed"
    """Latest first."""

    @property
    def next(self) -> SortBy:
        """The one that the sort key goes to."""
        members = list(SortBy)
        return members[(members.index(self) + 1) % len(members)]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One file as it is listed. Two rows are the same only when they are one and the same."""

    name: bytes
    shown: str
    """The name for people: one line, no control characters."""
    folded: str
    """For sorting and filtering."""
    hidden: bool
    kind: FileKind
    size: int | None
    mode: int | None
    modified: float | None
    owner: str = ""
    group: str = ""

    @property
    def is_directory(self) -> bool:
        return self.kind is FileKind.DIRECTORY

    @property
    def usable(self) -> bool:
        """Whether the name is a single component, as every honest server's is."""
        return self.name not in (b"", b".", b"..") and b"/" not in self.name and b"\0" not in self.name

    @classmethod
    def of(cls, entry: Entry) -> Row:
        attributes = entry.attributes
        shown = show_bytes(entry.name)
        return cls(
            entry.name,
            shown,
            shown.casefold(),
            entry.name.startswith(b"."),
            attributes.kind,
            attributes.size,
            attributes.mode,
            attributes.modified,
            attributes.owner,
            attributes.group,
        )


Key = tuple[Any, ...]
"""What a row is sorted by, then its folded name, its name, and its number in order of arrival.

A key holds no row: the garbage collector need not look at it, and the lists of keys can be sorted as they are.
"""


def _key(sort_by: SortBy, row: Row, number: int) -> Key:
    if sort_by is SortBy.SIZE:
        return (not row.is_directory, -(row.size or 0), row.folded, row.name, number)
    if sort_by is SortBy.TIME:
        return (not row.is_directory, -(row.modified or 0.0), row.folded, row.name, number)
    return (not row.is_directory, row.folded, row.name, number)


def sort_steps(rows: Sequence[Row], sort_by: SortBy) -> Generator[None, None, list[Key]]:
    """Sort in steps: runs first, then pairs of runs merged. Each `next` is a few milliseconds for 100,000 rows."""
    runs: list[list[Key]] = []
    for start in range(0, len(rows), RUN):
        runs.append(sorted(_key(sort_by, row, number) for number, row in enumerate(rows[start : start + RUN], start)))
        yield
    while len(runs) > 1:
        merged = []
        for first in range(0, len(runs), 2):
            pair = runs[first : first + 2]
            merged.append((yield from _merge_steps(*pair)) if len(pair) == 2 else pair[0])
        runs = merged
    return runs[0] if runs else []


def _merge_steps(one: list[Key], other: list[Key]) -> Generator[None, None, list[Key]]:
    merged: list[Key] = []
    taken = 0
    for start in range(0, len(one), RUN):
        run = one[start : start + RUN]
        upto = bisect_right(other, run[-1], lo=taken)
        merged += sorted(run + other[taken:upto])  # two sorted runs are only merged (timsort)
        taken = upto
        yield
    return merged + other[taken:]


def _inserted(keys: list[Key], arrived: list[Key]) -> list[Key]:
    """Both, in order; `arrived` is short, so its places are looked up rather than all keys compared."""
    merged: list[Key] = []
    taken = 0
    for key in arrived:
        place = bisect_right(keys, key, lo=taken)
        merged += keys[taken:place]
        merged.append(key)
        taken = place
    return merged + keys[taken:]


class FileRows:
    """A directory as it is seen: all rows in order, and those of them that are shown."""

    def __init__(self) -> None:
        self.sort_by = SortBy.NAME
        self.show_hidden = False
        self.filter_text = ""
        self._rows: list[Row] = []
        """In order of arrival."""
        self._order: list[Key] = []
        """Of those that are in their places."""
        self._shown: list[Key] = []
        self._numbers: dict[bytes, int] = {}
        self._chosen: set[bytes] = set()
        self._cursor = 0
        self._cursor_number: int | None = None

    # --- what is there -----------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Rows that are shown."""
        return len(self._shown)

    def row(self, index: int) -> Row:
        """One of the rows that are shown, in their order."""
        return self._rows[self._shown[index][-1]]

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Shown rows, in order."""
        return (self._rows[key[-1]] for key in self._shown[start:stop])

    @property
    def read(self) -> int:
        """Rows that have come, shown or not."""
        return len(self._rows)

    @property
    def waiting(self) -> int:
        """Rows that have come and are not in their places yet."""
        return len(self._rows) - len(self._order)

    @property
    def hidden(self) -> int:
        """Rows that are there and not shown, because of their names or the filter."""
        return len(self._order) - len(self._shown)

    def neighbour(self, leaving: Iterable[Row]) -> bytes | None:
        """The name that the cursor goes to when `leaving` are gone: its own, else the next one, else the one before."""
        gone = {row.name for row in leaving}
        after = (row.name for row in self.rows(self._cursor) if row.name not in gone)
        before = (self.row(index).name for index in range(self._cursor - 1, -1, -1))
        return next(after, None) or next((name for name in before if name not in gone), None)

    def find(self, name: bytes) -> Row | None:
        """The row of this name, shown or not."""
        number = self._numbers.get(name)
        return None if number is None else self._rows[number]

    def clear(self) -> None:
        """Another directory, or the same one anew: no rows; what is chosen and where the cursor is goes too."""
        self._rows, self._order, self._shown = [], [], []
        self._numbers.clear()
        self._chosen.clear()
        self._cursor, self._cursor_number = 0, None

    # --- filling -------------------------------------------------------------------------------------------------

    def add(self, entries: Iterable[Entry]) -> None:
        """Rows that have come; `settle` puts them in their places."""
        for entry in entries:
            self._numbers[entry.name] = len(self._rows)
            self._rows.append(Row.of(entry))

    def settle(self) -> None:
        """Put rows that have come in their places, as many as one call may; `waiting` tells what is left."""
        start = len(self._order)
        arrived = self._rows[start : start + RUN]
        if arrived:
            keys = sorted(_key(self.sort_by, row, number) for number, row in enumerate(arrived, start))
            self._order = _inserted(self._order, keys)
            self._shown = _inserted(self._shown, self._passing(keys))
            self._find_cursor()

    def resort(self, sort_by: SortBy) -> Generator[None, None, None]:
        """Change the order, step by step; what is shown changes with the last step.

        Rows that come meanwhile wait: do not `settle` before the end.
        """
        order = yield from sort_steps(self._rows[: len(self._order)], sort_by)
        yield
        self._order, self.sort_by = order, sort_by
        self._narrow()

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_only(self, text: str) -> None:
        """Only names that hold `text`, whatever its case; empty: all."""
        narrower = bool(self.filter_text) and self.filter_text in text
        self.filter_text = text
        if narrower:
            self._shown = self._passing(self._shown)
            self._find_cursor()
        else:
            self._narrow()

    def toggle_hidden(self) -> None:
        """Show names that start with a dot, or no longer."""
        self.show_hidden = not self.show_hidden
        self._narrow()

    def _narrow(self) -> None:
        self._shown = self._passing(self._order)
        self._find_cursor()

    def _passing(self, keys: list[Key]) -> list[Key]:
        """The keys of rows that are to be seen."""
        text = self.filter_text.casefold()
        if text:
            keys = [key for key in keys if text in key[-3]]
        return keys if self.show_hidden else [key for key in keys if key[-2][:1] != b"."]

    # --- the cursor ----------------------------------------------------------------------------------------------

    @property
    def cursor(self) -> int:
        """The index of the cursor's row; 0 when nothing is shown."""
        return self._cursor

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.row(self._cursor) if self._shown else None

    def move_to(self, index: int) -> None:
        """Put the cursor on a row; the nearest one when there is none with this index."""
        self._cursor = max(0, min(index, len(self._shown) - 1))
        self._cursor_number = self._shown[self._cursor][-1] if self._shown else None

    def move_to_name(self, name: bytes) -> bool:
        """Put the cursor on the file of this name; False when it is not shown."""
        number = self._numbers.get(name)
        index = self._index_of(number) if number is not None else None
        if index is not None:
            self.move_to(index)
        return index is not None

    def _index_of(self, number: int) -> int | None:
        key = _key(self.sort_by, self._rows[number], number)
        index = bisect_left(self._shown, key)
        return index if index < len(self._shown) and self._shown[index] == key else None

    def _find_cursor(self) -> None:
        """The cursor stays on its file; where that is not shown, it stays in its place."""
        index = self._index_of(self._cursor_number) if self._cursor_number is not None else None
        if index is not None:
            self._cursor = index
        elif self._cursor_number is not None:
            self.move_to(self._cursor)

    # --- choosing --------------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> tuple[Row, ...]:
        """What is chosen, in the order of its names; hidden rows included."""
        return tuple(row for name in sorted(self._chosen) if (row := self.find(name)) is not None)

    @property
    def chosen_count(self) -> int:
        return len(self._chosen)

    @property
    def chosen_size(self) -> int:
        """Bytes of the chosen files; what directories hold is not counted."""
        return sum(row.size or 0 for row in self.chosen if not row.is_directory)

    def is_chosen(self, row: Row) -> bool:
        return row.name in self._chosen

    def toggle(self, row: Row) -> None:
        """Choose a row, or no longer."""
        self._chosen ^= {row.name}

    def choose_all(self) -> None:
        """Choose every shown row, or none when all of them are."""
        names = {key[-2] for key in self._shown}
        self._chosen = self._chosen - names if names <= self._chosen else self._chosen | names

    def choose_none(self) -> None:
        self._chosen.clear()

    @property
    def subject(self) -> tuple[Row, ...]:
        """What an action is about: the chosen rows, else the one under the cursor."""
        if self._chosen:
            return self.chosen
        return (self.current,) if self.current is not None else ()
