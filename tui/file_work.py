"""What is done with chosen files, apart from asking about it: counting, finding taken names. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from backend.connection.connector import FileKind
from backend.errors import Code, FairleadError
from backend.files.filesystem import FileSystem, TreeCount
from backend.files.paths import join_inside, name_of, to_bytes, to_text
from backend.files.transfer import ConflictPolicy, Direction, TransferRequest
from backend.requests.model import CopyFiles
from backend.sizes import size_text
from backend.tasks import closing, for_each
from backend.text import show_bytes
from tui.widgets.file_row import Row

ASKED_ONE_BY_ONE = 256
"""Names above which the whole directory is listed rather than each of them looked for."""
AT_ONCE = 16
"""Questions under way."""


def brings_to(request: TransferRequest, host: str | None, directory: bytes) -> bool:
    """Whether a copy may have put something into `directory` of `host`: its goal, or part of a tree that it brings."""
    goal = to_bytes(request.destination).rstrip(b"/")
    trees = (goal + b"/" + name_of(to_bytes(source)) + b"/" for source in request.sources)
    in_it = (directory + b"/").startswith(tuple(trees))
    return host == request.changed_host and (in_it or directory == (goal or b"/"))


def request(
    rows: Sequence[Row], *, here: FileSystem, directory: bytes, there: FileSystem, goal: bytes, policy: ConflictPolicy
) -> TransferRequest:
    """The copy of `rows` of `directory` into the directory `goal` on the other side. At least one side is a host."""
    direction = Direction.PUT if here.host is None else Direction.GET if there.host is None else Direction.BETWEEN
    host = here.host or there.host
    assert host is not None, "one side is a host"
    return TransferRequest(
        direction=direction,
        host=host,
        to_host=there.host if direction is Direction.BETWEEN else None,
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
    if len(rows) > ASKED_ONE_BY_ONE:
        names = await _names_in(files, directory)
        return [row for row in rows if row.name in names]
    there = await for_each(rows, lambda row: is_there(files, join_inside(directory, row.name)), at_once=AT_ONCE)
    return [row for row, is_taken in zip(rows, there, strict=True) if is_taken]


async def _names_in(files: FileSystem, directory: bytes) -> set[bytes]:
    """None where there is no such directory yet."""
    names: set[bytes] = set()
    try:
        async with closing(files.list(directory)) as batches:
            async for batch in batches:
                names.update(entry.name for entry in batch)
    except FairleadError as error:
        if error.code is not Code.NOT_FOUND:
            raise
    return names


async def is_there(files: FileSystem, path: bytes) -> bool:
    """Whether a name is taken. Raises FairleadError when that cannot be told."""
    try:
        await files.stat(path, follow=False)
    except FairleadError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return False
    return True


async def count(files: FileSystem, directory: bytes, rows: Sequence[Row]) -> TreeCount:
    """All that removing `rows` would remove. Only trees are looked into; the rest has been listed."""
    trees = [row for row in rows if row.kind in (FileKind.DIRECTORY, FileKind.UNKNOWN)]
    plain = [row for row in rows if row.kind not in (FileKind.DIRECTORY, FileKind.UNKNOWN)]
    counts = await for_each(trees, lambda row: files.count(join_inside(directory, row.name)), at_once=AT_ONCE)
    return reduce(_sum, counts, TreeCount(len(plain), 0, sum(row.size or 0 for row in plain)))


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
