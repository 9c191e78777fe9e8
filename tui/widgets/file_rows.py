"""The rows of a directory: sorted, filtered, chosen, with a cursor that stays on its file. Pure.

A hundred thousand rows come in batches. What one call does takes a few milliseconds; what takes longer is a generator
that is taken step by step. Rows are known by their bytes: two names that look alike stay two.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Generator, Iterable, Iterator
from typing import Any

from backend.connection.connector import Entry
from tui.widgets.file_order import PLACED, SWEEP, Key, View, inserted, key_of, passing, passing_steps, sort_steps
from tui.widgets.file_row import Packed, Row, file_size, is_plain, name_of, packed, unpacked


class FileRows:
    """A directory as it is seen: all rows in order, and those of them that are shown."""

    def __init__(self) -> None:
        self.view = View()
        """What is shown now, and how it is sorted. `rearrange` changes it."""
        self.reverse = False
        """Shown the other way round; directories stay first."""
        self._rows: list[Packed] = []
        """In order of arrival."""
        self._sizes: list[int] = []
        """Of each row, the bytes of its file."""
        self._order: list[Key] = []
        """Of those that are in their places."""
        self._shown: list[Key] = []
        self._numbers: dict[bytes, int] = {}
        self._unusable: set[int] = set()
        self._chosen: set[int] = set()
        self._chosen_size = 0
        self._to_choose: frozenset[bytes] = frozenset()
        self._cursor = 0
        self._cursor_number: int | None = None
        self._spent: list[list[Any]] = []
        """What is no longer needed; `tidy` lets go of it."""

    # --- what is there -----------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Rows that are shown."""
        return len(self._shown)

    def row(self, index: int) -> Row:
        """One of the rows that are shown, in their order."""
        return self._unpacked(self._shown[self._place(index)][-1])

    def _unpacked(self, number: int) -> Row:
        return unpacked(self._rows[number])

    def _place(self, index: int) -> int:
        """The place in `_shown` of what is shown at `index`, and the other way round."""
        if not self.reverse:
            return index
        directories = bisect_left(self._shown, (True,))
        return directories - 1 - index if index < directories else len(self._shown) - 1 - (index - directories)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Shown rows, in order."""
        if not self.reverse:
            return (self._unpacked(key[-1]) for key in self._shown[start:stop])
        return (self.row(index) for index in range(*slice(start, stop).indices(len(self._shown))))

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
        return None if number is None else self._unpacked(number)

    def clear(self, view: View, *, choose: Collection[bytes] = ()) -> None:
        """Another directory, or the same one anew, in that view: no rows. `choose` names those that are chosen when
        they come."""
        self._spent += [self._shown, self._order, self._rows]
        self._rows, self._order, self._shown, self._sizes = [], [], [], []
        self._numbers, self._unusable = {}, set()
        self.choose_none()
        self._to_choose = frozenset(choose)
        self._cursor, self._cursor_number = 0, None
        self.view = view

    def tidy(self) -> Generator[None, None, None]:
        """Let go of what is no longer needed, step by step: all at once it takes a while."""
        while self._spent:
            del self._spent[0][-SWEEP:]
            if not self._spent[0]:
                del self._spent[0]
            yield

    # --- filling -------------------------------------------------------------------------------------------------

    def add(self, entries: Iterable[Entry]) -> None:
        """Rows that have come; `settle` puts them in their places. A name that is told twice is one file."""
        for entry in entries:
            number = len(self._rows)
            if self._numbers.setdefault(entry.name, number) == number:
                row = packed(entry)
                self._rows.append(row)
                self._sizes.append(file_size(row))
                if not is_plain(entry.name):
                    self._unusable.add(number)
                elif entry.name in self._to_choose:
                    self._toggle(number)

    def complete(self) -> None:
        """All rows have come: what was to be chosen and is not among them is gone."""
        self._to_choose = frozenset()

    def settle(self) -> None:
        """Put rows that have come in their places, as many as one call may; `waiting` tells what is left."""
        start = len(self._order)
        arrived = self._rows[start : start + PLACED]
        if arrived:
            keys = sorted(key_of(self.view.sort_by, row, number) for number, row in enumerate(arrived, start))
            self._order = inserted(self._order, keys)
            self._shown = inserted(self._shown, passing(keys, self.view))
            self._find_cursor()

    # --- what is shown -------------------------------------------------------------------------------------------

    def rearrange(self, view: View) -> Generator[None, None, None]:
        """Show the rows as `view` has it, step by step; what is shown changes with the last step.

        Rows that come meanwhile wait: do not `settle` before the end. Nothing has changed where it is not taken so far.
        """
        order = self._order
        if view.sort_by is not self.view.sort_by:
            order = yield from sort_steps(self._rows[: len(order)], view.sort_by)
        shown = yield from passing_steps(self._shown if view.narrows(self.view) else order, view)
        self._spent += [self._shown] if order is self._order else [self._shown, self._order]
        self._order, self._shown, self.view = order, shown, view
        self._find_cursor()

    def turn_round(self) -> None:
        """The other way round; the cursor stays on its file."""
        self.reverse = not self.reverse
        self._find_cursor()

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
        self._cursor_number = self._shown[self._place(self._cursor)][-1] if self._shown else None

    def move_to_name(self, name: bytes) -> bool:
        """Put the cursor on the file of this name; False when it is not shown."""
        number = self._numbers.get(name)
        index = self._index_of(number) if number is not None else None
        if index is not None:
            self.move_to(index)
        return index is not None

    def _index_of(self, number: int) -> int | None:
        key = key_of(self.view.sort_by, self._rows[number], number)
        index = bisect_left(self._shown, key)
        return self._place(index) if index < len(self._shown) and self._shown[index] == key else None

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
        return tuple(unpacked(row) for row in sorted((self._rows[number] for number in self._chosen), key=name_of))

    @property
    def chosen_count(self) -> int:
        return len(self._chosen)

    @property
    def chosen_size(self) -> int:
        """Bytes of the chosen files; what directories hold is not counted."""
        return self._chosen_size

    def is_chosen(self, row: Row) -> bool:
        return self._numbers.get(row.name) in self._chosen

    def toggle(self, row: Row) -> None:
        """Choose a row, or no longer."""
        self._toggle(self._numbers[row.name])

    def _toggle(self, number: int) -> None:
        self._chosen ^= {number}
        size = self._sizes[number]
        self._chosen_size += size if number in self._chosen else -size

    def choose_all(self) -> None:
        """Choose every shown row that can be worked on, or none when all of them are."""
        everything = len(self._shown) == len(self._rows)
        shown = set(range(len(self._rows)) if everything else (key[-1] for key in self._shown)) - self._unusable
        self._chosen = self._chosen - shown if shown <= self._chosen else self._chosen | shown
        self._chosen_size = sum(map(self._sizes.__getitem__, self._chosen))

    def choose_none(self) -> None:
        self._chosen, self._chosen_size, self._to_choose = set(), 0, frozenset()

    @property
    def chosen_names(self) -> frozenset[bytes]:
        """Those of the chosen rows, and of such as are yet to come."""
        return self._to_choose | {name_of(self._rows[number]) for number in self._chosen}

    @property
    def has_subject(self) -> bool:
        """Whether there is something for an action to be about."""
        return bool(self._chosen) or ((row := self.current) is not None and row.usable)

    @property
    def subject(self) -> tuple[Row, ...]:
        """What an action is about: the chosen rows, else the one under the cursor."""
        if self._chosen:
            return self.chosen
        return (self.current,) if self.current is not None else ()
