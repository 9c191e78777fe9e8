"""Where each source goes: the rules of `cp -r` (POSIX cp), as a pure function.

A destination that is a directory, or is written with a trailing slash, is gone *into*; one that is missing becomes the
copy. A source that ends in `.` or `..` is its contents.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from backend.errors import Advice, Code, FileError
from backend.files.paths import join_inside, name_of, parent_of
from backend.text import show_bytes


@dataclass(frozen=True, slots=True)
class SourcePath:
    """One thing that a person named."""

    path: bytes
    """Absolute."""
    kind: FileKind
    """Of what a link points to."""
    contents: bool = False
    """What is inside the directory, rather than the directory."""


@dataclass(frozen=True, slots=True)
class DestinationPath:
    """Where a person wants things, and what is there."""

    path: bytes
    """Absolute."""
    kind: FileKind | None
    """Of what a link points to; None when there is nothing."""
    into: bool = False
    """Written with a trailing slash."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One source and its place."""

    source: SourcePath
    anchor: bytes
    """A directory that exists (or must): nothing is ever written outside it."""
    base: tuple[bytes, ...]
    """Names below the anchor that the source itself gets; those before the last are directories to be made."""

    @property
    def path(self) -> bytes:
        return join_inside(self.anchor, *self.base)


def means_contents(text: str) -> bool:
    """Whether a source, as written, is the contents of a directory: `.`, `dir/.`, `..`, or an empty text for home."""
    return text.rstrip("/").rpartition("/")[2] in (".", "..") or text == ""


def place(
    sources: Sequence[SourcePath], destination: DestinationPath, *, named: int | None = None
) -> tuple[Placed, ...]:
    """Each source with its place, in order. `named`: how many the person named, where not all of them are there.

    Raises FileError: NOT_DIRECTORY (several sources, or a directory, onto what is none), EXISTS (two of one name).
    """
    prefix: tuple[bytes, ...] = ()
    if destination.kind is FileKind.DIRECTORY:
        anchor = destination.path
    else:
        anchor, prefix = parent_of(destination.path), (name_of(destination.path),)
        _check_can_be_made(sources, destination, several=(named or len(sources)) > 1)
    into = destination.kind is FileKind.DIRECTORY or destination.into
    placed = tuple(Placed(source, anchor, (*prefix, *_own_name(source, into=into))) for source in sources)
    _check_distinct(placed)
    return placed


def _own_name(source: SourcePath, *, into: bool) -> tuple[bytes, ...]:
    name = name_of(source.path)
    return (name,) if into and not source.contents and name else ()


def _check_can_be_made(sources: Sequence[SourcePath], destination: DestinationPath, *, several: bool) -> None:
    missing = destination.kind is None
    path = show_bytes(destination.path)
    if missing and several and not destination.into:
        raise FileError(
            Code.NOT_DIRECTORY,
            f"Several sources need a directory to go into, and there is no {path}.",
            evidence={"path": path},
            advice=(Advice(f"Make it, or end it with a slash to have it made: {path}/"),),
        )
    if missing:
        return
    if several or destination.into or sources[0].kind is FileKind.DIRECTORY:
        raise FileError(Code.NOT_DIRECTORY, evidence={"path": path})


def _check_distinct(placed: Sequence[Placed]) -> None:
    taken: set[bytes] = set()
    for one in placed:
        if one.path in taken and not one.source.contents:
            message = f"Two of the sources are called {show_bytes(name_of(one.path))}; one would replace the other."
            raise FileError(Code.EXISTS, message, evidence={"path": show_bytes(one.path)})
        taken.add(one.path)
