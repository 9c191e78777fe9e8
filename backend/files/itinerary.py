"""From a request, as a person wrote it, to sources and their places on both machines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial as bind

from backend.connection.connector import Attributes, FileChannel, FileKind
from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError, FileError
from backend.files.contract import FileSystem
from backend.files.lane import Item
from backend.files.links import follow_named
from backend.files.missing import missing_parent
from backend.files.model import TransferRequest
from backend.files.paths import join_inside, to_bytes
from backend.files.placement import DestinationPath, Placed, SourcePath, means_contents, place
from backend.tasks import background, for_each
from backend.text import show_bytes

LOOKS_AT_ONCE = 16
"""Sources that are looked at at a time."""


@dataclass(frozen=True, slots=True)
class Itinerary:
    """What goes where."""

    placed: tuple[Placed, ...]
    attributes: tuple[Attributes, ...]
    """Of the sources, in the same order."""
    several: bool
    """More than one source was named."""
    as_copy: bool = False
    """A directory was named, and its destination is not there: it becomes the copy, also when this is planned again."""
    listed: Callable[[], AsyncIterator[Item]] | None = None
    """Exactly what is copied, a directory before what is in it; None for everything that the sources hold."""

    def roots(self) -> list[Item]:
        """The first item of each place."""
        return [
            Item(placed.source.path, placed.anchor, placed.base, found, named=True)
            for placed, found in zip(self.placed, self.attributes, strict=True)
        ]

    @property
    def alone(self) -> bool:
        """One source that is no directory: its failure is the transfer's."""
        return not self.several and all(one.source.kind is not FileKind.DIRECTORY for one in self.placed)


async def plan_itinerary(
    request: TransferRequest, *, origin: FileSystem, goal: FileSystem, missing: Callable[[bytes, FileError], None]
) -> Itinerary:
    """Look at both ends. A missing source among several is told to `missing`; the only one's absence is raised.

    Raises FileError for a destination that cannot take the sources (see `placement.place`).
    """
    if not request.sources:
        raise ConfigError(Code.USAGE, evidence={"problem": "there is nothing to copy"})
    found: list[tuple[SourcePath, Attributes]] = []
    for seen in await for_each(request.sources, bind(_find, origin), at_once=LOOKS_AT_ONCE):
        if isinstance(seen, _Missing):
            if len(request.sources) == 1:
                raise seen.error
            missing(seen.path, seen.error)
        else:
            found.append(seen)
    destination = await _destination(goal, request.destination)
    sources = [source for source, _ in found]
    if request.as_copy and destination.kind is FileKind.DIRECTORY:
        destination = replace(destination, kind=None)
    placed = place(sources, destination, named=len(request.sources)) if sources else ()
    as_copy = destination.kind is None and not destination.into and _is_directory(sources)
    return Itinerary(placed, tuple(attributes for _, attributes in found), len(request.sources) > 1, as_copy)


def _is_directory(sources: Sequence[SourcePath]) -> bool:
    return any(source.kind is FileKind.DIRECTORY for source in sources)


async def expect_the_only_source(request: TransferRequest, origin: FileSystem) -> None:
    """Raise FileError where the only source is missing at an `origin` that costs nothing to look at."""
    if len(request.sources) == 1:
        await _look(origin, await origin.resolve(request.sources[0]), request.sources[0])


async def refuse_itself(itinerary: Itinerary, channel: FileChannel) -> None:
    """What would be copied over itself, or a directory into itself, on one host. Raises FileError (EXISTS)."""
    for placed in itinerary.placed:
        source, anchor = await channel.resolve(placed.source.path), await channel.resolve(placed.anchor)
        goal = join_inside(anchor, *placed.base)
        inside = placed.source.kind is FileKind.DIRECTORY and goal.startswith(source.rstrip(b"/") + b"/")
        if goal == source or inside:
            path = show_bytes(placed.source.path)
            message = f"{path} would be copied {'into' if inside else 'over'} itself."
            advice = (Advice("Name another place for the copy."),)
            raise FileError(Code.EXISTS, message, evidence={"path": path}, advice=advice)


def request_name(request: TransferRequest) -> tuple[bytes, ...]:
    """What makes two requests the same transfer."""
    words = (*request.way, request.destination, *request.sources)
    return tuple(to_bytes(word) for word in words)


@dataclass(frozen=True, slots=True)
class _Missing:
    """A source that could not be looked at."""

    path: bytes
    error: FileError


async def _find(origin: FileSystem, text: str) -> tuple[SourcePath, Attributes] | _Missing:
    path = await origin.resolve(text)
    try:
        return await _look(origin, path, text)
    except FileError as error:
        return _Missing(path, error)


async def _look(origin: FileSystem, path: bytes, text: str) -> tuple[SourcePath, Attributes]:
    attributes = await origin.stat(path)
    contents = means_contents(text)
    if text.endswith("/") and attributes.kind is not FileKind.DIRECTORY:
        raise FileError(Code.NOT_DIRECTORY, evidence={"path": text})
    return SourcePath(path, attributes.kind, contents and attributes.kind is FileKind.DIRECTORY), attributes


async def _destination(goal: FileSystem, text: str) -> DestinationPath:
    path, into = await goal.resolve(text), text.endswith("/")
    # One round trip does for all three.
    async with background(follow_named(goal, path)) as followed, background(missing_parent(goal, path)) as missing:
        kind = await _kind(goal, path)
        if kind is None and (error := await missing) is not None:
            raise error
        if kind is not FileKind.DIRECTORY and not into:
            path = await followed
    return DestinationPath(path, kind, into=into)


async def _kind(files: FileSystem, path: bytes) -> FileKind | None:
    """What is there, links followed; None where nothing is."""
    try:
        return (await files.stat(path)).kind
    except FileError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return None
