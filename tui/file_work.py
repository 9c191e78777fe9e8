"""What is done with chosen files, apart from asking about it: counting, removing, finding taken names. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.errors import Code, FairleadError
from backend.files.filesystem import FileSystem, TreeCount
from backend.files.paths import join_inside, to_text
from backend.files.transfer import ConflictPolicy, Direction, TransferRequest
from backend.requests.model import CopyFiles
from backend.text import show_bytes
from tui.format import size_text
from tui.widgets.file_rows import Row


@dataclass(slots=True)
class Removed:
    """What a removal came to."""

    count: TreeCount = field(default_factory=lambda: TreeCount(0, 0, 0))
    errors: list[FairleadError] = field(default_factory=list)


def request(
    rows: Sequence[Row], *, here: FileSystem, directory: bytes, there: FileSystem, goal: bytes, policy: ConflictPolicy
) -> TransferRequest:
    """The copy of `rows` of `directory` into the directory `goal` on the other side. One of the two sides is local."""
    host = here.host or there.host
    assert host is not None, "one side is a host"
    return TransferRequest(
        direction=Direction.PUT if here.host is None else Direction.GET,
        host=host,
        sources=tuple(to_text(join_inside(directory, row.name)) for row in rows),
        destination=to_text(goal).rstrip("/") + "/",
        on_conflict=policy,
    )


def as_action(wanted: TransferRequest) -> CopyFiles:
    """The same copy as a request that can wait for its host."""
    return CopyFiles(
        wanted.direction,
        wanted.sources,
        wanted.destination,
        verify=wanted.verify,
        on_conflict=wanted.on_conflict,
        rate_limit=wanted.rate_limit,
    )


async def taken(files: FileSystem, directory: bytes, rows: Sequence[Row]) -> list[Row]:
    """Those of `rows` whose names are taken in `directory`. Raises FairleadError when that cannot be told."""
    found = []
    for row in rows:
        try:
            await files.stat(join_inside(directory, row.name), follow=False)
        except FairleadError as error:
            if error.code is not Code.NOT_FOUND:
                raise
        else:
            found.append(row)
    return found


async def count(files: FileSystem, directory: bytes, rows: Sequence[Row]) -> TreeCount:
    """All that removing `rows` would remove."""
    total = TreeCount(0, 0, 0)
    for row in rows:
        total = _sum(total, await files.count(join_inside(directory, row.name)))
    return total


async def remove(files: FileSystem, directory: bytes, rows: Sequence[Row]) -> Removed:
    """Remove `rows` with all that they hold; what fails is noted and the others go on."""
    removed = Removed()
    for row in rows:
        try:
            done = await files.remove(join_inside(directory, row.name), recursive=row.is_directory)
        except FairleadError as error:
            removed.errors.append(error)
        else:
            removed.count = _sum(removed.count, done)
    return removed


def _sum(one: TreeCount, other: TreeCount) -> TreeCount:
    return TreeCount(
        one.files + other.files,
        one.directories + other.directories,
        one.bytes + other.bytes,
        one.unreadable + other.unreadable,
    )


def count_words(total: TreeCount) -> str:
    """`1,812 files and 40 directories, 4.2 GB`; a lower bound says so."""
    parts = []
    if total.files or not total.directories:
        parts.append(f"{total.files:,} file{'' if total.files == 1 else 's'}")
    if total.directories:
        parts.append(f"{total.directories:,} director{'y' if total.directories == 1 else 'ies'}")
    words = f"{' and '.join(parts)}, {size_text(total.bytes)}"
    if total.unreadable:
        words = f"at least {words} ({total.unreadable:,} directories could not be read)"
    return words


def names(rows: Sequence[Row], *, most: int = 5) -> str:
    """A list for people, one to a line."""
    shown = [f"  {row.shown}{'/' if row.is_directory else ''}" for row in rows[:most]]
    return "\n".join([*shown, f"  and {len(rows) - most:,} more"] if len(rows) > most else shown)


def bad_name(name: str) -> str:
    """What is wrong with a name for a file; empty when nothing is."""
    if not name.strip():
        return "Type a name, or press esc to leave it."
    if "/" in name or "\0" in name or name in {".", ".."}:
        return "A name has no slash in it and is neither . nor .."
    return ""


def place(files: FileSystem, directory: bytes) -> str:
    """`web-1:/srv/app`, or a local path."""
    return f"{files.host}:{show_bytes(directory)}" if files.host else show_bytes(directory)
