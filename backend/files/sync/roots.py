"""The two directories of a sync, and which path on one side is which on the other.

As rsync(1) has it: a source that ends in a slash is what is in it; one that does not goes, itself, into the goal.
"""

from __future__ import annotations

from backend.connection.connector import Attributes, FileKind
from backend.dataclass import dataclass
from backend.errors import Advice, Code, FileError
from backend.files.contract import FileSystem
from backend.files.lane import Parts
from backend.files.missing import expect_parent
from backend.files.paths import join_inside, name_of, parent_of
from backend.files.placement import means_contents
from backend.files.sync.model import SyncRequest
from backend.files.sync.sides import Side
from backend.text import show_bytes


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the two trees lie. Paths of a plan begin at the top: the goal's directory, and what stands for it."""

    source_top: bytes
    """Absolute: the source, or what holds it when it goes itself."""
    prefix: Parts
    """What the paths of everything begin with: the source's name when it goes itself, else nothing."""
    found: Attributes
    """Of the source."""
    anchor: bytes
    """A directory that the goal has: nothing is written outside it."""
    base: Parts
    """From there to the top: nothing, or the name of a directory that is to be made."""
    goal_found: Attributes | None
    """Of the goal's directory; None when it is to be made."""

    def source_path(self, parts: Parts) -> bytes:
        return join_inside(self.source_top, *parts)

    def goal_path(self, parts: Parts) -> bytes:
        return join_inside(self.anchor, *self.base, *parts)


async def find_roots(request: SyncRequest, source: Side, goal: Side) -> Roots:
    """Look at both ends. Raises FileError: NOT_FOUND, NOT_DIRECTORY."""
    path, found = await source.look(lambda files: _source(files, request.source.path))
    goal_path, goal_found = await goal.look(lambda files: _goal(files, request.goal.path))
    name = name_of(path)
    text = request.source.path
    contents = not name or text.endswith("/") or means_contents(text)
    return Roots(
        source_top=path if contents else parent_of(path),
        prefix=() if contents else (name,),
        found=found,
        anchor=goal_path if goal_found is not None else parent_of(goal_path),
        base=() if goal_found is not None else (name_of(goal_path),),
        goal_found=goal_found,
    )


async def _source(files: FileSystem, text: str) -> tuple[bytes, Attributes]:
    path = await files.resolve(text)
    found = await files.stat(path)
    if found.kind is not FileKind.DIRECTORY:
        advice = (Advice("A single file is copied by get or put, which leave alone what is the same already."),)
        raise _no_directory(path, advice)
    return path, found


async def _goal(files: FileSystem, text: str) -> tuple[bytes, Attributes | None]:
    path = await files.resolve(text)
    try:
        found = await files.stat(path)
    except FileError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        await expect_parent(files, path)
        return path, None
    if found.kind is not FileKind.DIRECTORY:
        raise _no_directory(path, None)
    return path, found


def _no_directory(path: bytes, advice: tuple[Advice, ...] | None) -> FileError:
    return FileError(Code.NOT_DIRECTORY, evidence={"path": show_bytes(path)}, advice=advice)
