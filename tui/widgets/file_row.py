"""One file as a directory lists it, and how thousands of them are kept. Pure."""

from __future__ import annotations

from typing import Any

from backend.connection.connector import Entry, FileKind
from backend.dataclass import dataclass
from backend.text import show_bytes

_KINDS = tuple(FileKind)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_DIRECTORY = _NUMBERS[FileKind.DIRECTORY]

Packed = tuple[Any, ...]
"""A row as it is kept: the fields of `Row` in their order, the kind as a number.

It holds plain values alone, so the garbage collector does not look at it; a hundred thousand objects that it does look
at stop everything for a tenth of a second, again and again.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One file."""

    name: bytes
    shown: str
    """The name for people: one line, no control characters."""
    folded: str
    """For sorting and filtering."""
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
        return is_plain(self.name)

    @classmethod
    def of(cls, entry: Entry) -> Row:
        return unpacked(packed(entry))


def packed(entry: Entry) -> Packed:
    """An entry as it is kept."""
    found = entry.attributes
    shown = show_bytes(entry.name)
    folded = shown.casefold()
    return (
        entry.name,
        shown,
        shown if folded == shown else folded,  # one string for both, mostly
        _NUMBERS[found.kind],
        found.size,
        found.mode,
        found.modified,
        found.owner,
        found.group,
    )


def unpacked(row: Packed) -> Row:
    """The row that was packed."""
    name, shown, folded, kind, *rest = row
    return Row(name, shown, folded, _KINDS[kind], *rest)


def name_of(row: Packed) -> bytes:
    """The name of a packed row."""
    name: bytes = row[0]
    return name


def file_size(row: Packed) -> int:
    """The bytes of a packed row's file; none for a directory."""
    size: int | None = row[4]
    return 0 if row[3] == _DIRECTORY else size or 0


def number_of(kind: FileKind) -> int:
    """A kind as a packed row has it."""
    return _NUMBERS[kind]


def kind_of(number: int) -> FileKind:
    """The kind of a packed row."""
    return _KINDS[number]


def is_plain(name: bytes) -> bool:
    """Whether a name is a single component of a path."""
    return name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name
