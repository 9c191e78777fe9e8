"""From a request, as a person wrote it, to sources and their places on both machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, ConfigError, FileError
from backend.files.contract import FileSystem
from backend.files.lane import Item
from backend.files.links import follow_named
from backend.files.model import TransferRequest
from backend.files.paths import to_bytes
from backend.files.placement import DestinationPath, Placed, SourcePath, means_contents, place


@dataclass(frozen=True, slots=True)
class Itinerary:
    """What goes where."""

    placed: tuple[Placed, ...]
    attributes: tuple[Attributes, ...]
    """Of the sources, in the same order."""
    several: bool
    """More than one source was named."""

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
    for text in request.sources:
        path = await origin.resolve(text)
        try:
            found.append(await _look(origin, path, text))
        except FileError as error:
            if len(request.sources) == 1:
                raise
            missing(path, error)
    destination = await _destination(goal, request.destination)
    sources = [source for source, _ in found]
    placed = place(sources, destination) if sources else ()
    return Itinerary(placed, tuple(attributes for _, attributes in found), len(request.sources) > 1)


def request_name(request: TransferRequest) -> tuple[bytes, ...]:
    """What makes two requests the same transfer."""
    words = (request.direction.value, request.host, request.destination, *request.sources)
    return tuple(to_bytes(word) for word in words)


async def _look(origin: FileSystem, path: bytes, text: str) -> tuple[SourcePath, Attributes]:
    attributes = await origin.stat(path)
    contents = means_contents(text)
    if text.endswith("/") and attributes.kind is not FileKind.DIRECTORY:
        raise FileError(Code.NOT_DIRECTORY, evidence={"path": text})
    return SourcePath(path, attributes.kind, contents and attributes.kind is FileKind.DIRECTORY), attributes


async def _destination(goal: FileSystem, text: str) -> DestinationPath:
    path = await goal.resolve(text)
    try:
        kind = (await goal.stat(path)).kind
    except FileError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        kind = None
    if kind is not FileKind.DIRECTORY and not text.endswith("/"):
        path = await follow_named(goal, path)
    return DestinationPath(path, kind, into=text.endswith("/"))
