"""The order of a directory's rows: by what they are sorted, and sorting and narrowing step by step. Pure.

A step takes a few milliseconds, so that keys are heard between two of them however many rows there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Sequence
from enum import Enum
from typing import Any

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from tui.widgets.file_row import Packed, kind_of, number_of

RUN = 2048
"""Rows that are sorted at a time."""
PLACED = 1024
"""Rows that are put in their places among those that are there at a time."""
SWEEP = 8192
"""Rows that are looked through at a time."""


class SortBy(Enum):
    """What a directory is sorted by. Directories come first always."""

    NAME = "name"
    SIZE = "size"
    """Largest first."""
    TIME = "changed"
    """Latest first."""
    KIND = "kind"
    """Links, files by the ends of their names, the rest."""

    @property
    def next(self) -> SortBy:
        """The one that the sort key goes to."""
        members = list(SortBy)
        return members[(members.index(self) + 1) % len(members)]


@dataclass(frozen=True, slots=True)
class View:
    """Which rows of a directory are shown, and in what order."""

    sort_by: SortBy = SortBy.NAME
    hidden: bool = False
    """Names that start with a dot are shown as well."""
    text: str = ""
    """Only names that hold it, whatever its case; empty: all."""

    def narrows(self, other: View) -> bool:
        """Whether this shows nothing that `other` does not, in the same order."""
        same = (self.sort_by, self.hidden) == (other.sort_by, other.hidden)
        return same and bool(other.text) and other.text in self.text


Key = tuple[Any, ...]
"""What a row is sorted by, then its folded name, its name, and its number in order of arrival.

A key holds no row: the garbage collector need not look at it, and the lists of keys can be sorted as they are.
"""


_DIRECTORY = number_of(FileKind.DIRECTORY)


def key_of(sort_by: SortBy, row: Packed, number: int) -> Key:
    """The key of a row."""
    name, _, folded, kind, size, _, modified, *_ = row
    behind = kind != _DIRECTORY
    if sort_by is SortBy.SIZE:
        return (behind, -(size or 0), folded, name, number)
    if sort_by is SortBy.TIME:
        return (behind, -(modified or 0.0), folded, name, number)
    if sort_by is SortBy.KIND:
        return (behind, kind_of(kind).value, _extension(folded), folded, name, number)
    return (behind, folded, name, number)


def _extension(folded: str) -> str:
    stem, _, extension = folded.rpartition(".")
    return extension if stem else ""


def sort_steps(rows: Sequence[Packed], sort_by: SortBy) -> Generator[None, None, list[Key]]:
    """Sort in steps: runs first, then pairs of runs merged."""
    runs: list[list[Key]] = []
    for start in range(0, len(rows), RUN):
        part = rows[start : start + RUN]
        runs.append(sorted(key_of(sort_by, row, number) for number, row in enumerate(part, start)))
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


def inserted(keys: list[Key], arrived: list[Key]) -> list[Key]:
    """Both, in order; `arrived` is short, so its places are looked up rather than all keys compared."""
    merged: list[Key] = []
    taken = 0
    for key in arrived:
        place = bisect_right(keys, key, lo=taken)
        merged += keys[taken:place]
        merged.append(key)
        taken = place
    return merged + keys[taken:]


def passing(keys: list[Key], view: View) -> list[Key]:
    """The keys of rows that are to be seen."""
    text = view.text.casefold()
    if text:
        keys = [key for key in keys if text in key[-3]]
    return keys if view.hidden else [key for key in keys if key[-2][:1] != b"."]


def passing_steps(keys: list[Key], view: View) -> Generator[None, None, list[Key]]:
    """The same, in steps."""
    found: list[Key] = []
    for start in range(0, len(keys), SWEEP):
        found += passing(keys[start : start + SWEEP], view)
        yield
    return found
