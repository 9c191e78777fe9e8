"""What is found out before chosen files are worked on: in few round trips, whatever their number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from backend.connection.connector import Attributes, Entry, FileKind
from backend.errors import Code, FileError
from backend.files.contract import TreeCount
from backend.files.filesystem import FileSystem
from backend.files.model import Direction, TransferRequest
from tui import file_work
from tui.widgets.file_row import Row


@pytest.mark.parametrize(
    ("host", "directory", "expected"),
    [
        ("web", b"/srv", True),
        ("web", b"/srv/run", True),
        ("web", b"/srv/run/a/b", True),
        ("web", b"/srv/runs", False),
        ("web", b"/srv/other", False),
        ("web", b"/", False),
        ("db", b"/srv", False),
        (None, b"/srv", False),
    ],
)
def test_a_copy_brings_something_to_its_goal_and_into_the_trees_it_is_of(
    host: str | None, directory: bytes, expected: bool
) -> None:
    request = TransferRequest(Direction.PUT, "web", ("/home/me/run/", "/home/me/notes"), "/srv/")
    assert file_work.brings_to(request, host, directory) is expected


def test_what_goes_to_the_root_is_seen_there() -> None:
    request = TransferRequest(Direction.GET, "web", ("run",), "/")
    assert [file_work.brings_to(request, None, path) for path in (b"/", b"/run", b"/running")] == [True, True, False]


class Asked:
    """Files that count what they are asked, and answer when all that is asked at once has been."""

    def __init__(self, *names: bytes, error: FileError | None = None) -> None:
        self.names = set(names)
        self.error = error
        self.round_trips = 0
        self._round: asyncio.Event | None = None

    async def _answer(self) -> None:
        if self._round is None:
            self._round, self.round_trips = asyncio.Event(), self.round_trips + 1
            asyncio.get_running_loop().call_later(0.001, self._over)
        await self._round.wait()

    def _over(self) -> None:
        assert self._round is not None
        self._round.set()
        self._round = None

    async def stat(self, path: bytes, *, follow: bool) -> Attributes:
        await self._answer()
        if self.error is not None:
            raise self.error
        if path.rpartition(b"/")[2] not in self.names:
            raise FileError(Code.NOT_FOUND, evidence={"path": "x", "parent": "y"})
        return Attributes(FileKind.FILE)

    async def list(self, path: bytes) -> AsyncIterator[Sequence[Entry]]:
        await self._answer()
        if self.error is not None:
            raise self.error
        yield [Entry(name, Attributes(FileKind.FILE)) for name in self.names]

    async def count(self, path: bytes) -> TreeCount:
        await self._answer()
        return TreeCount(3, 1, 10)

    @property
    def files(self) -> FileSystem:
        return cast(FileSystem, self)


def _rows(count: int, kind: FileKind = FileKind.FILE) -> list[Row]:
    return [Row.of(Entry(b"%d" % number, Attributes(kind, size=2))) for number in range(count)]


@pytest.mark.parametrize("count", [1, file_work.AT_ONCE, 1000])
async def test_taken_names_are_found_in_one_round_trip(count: int) -> None:
    asked = Asked(b"0", b"999", b"other")
    found = await file_work.taken(asked.files, b"/goal", _rows(count))
    assert [row.name for row in found] == ([b"0", b"999"] if count == 1000 else [b"0"])
    assert asked.round_trips == 1


@pytest.mark.parametrize("count", [1, 1000])
async def test_in_a_directory_that_is_not_there_no_name_is_taken(count: int) -> None:
    gone = FileError(Code.NOT_FOUND, evidence={"path": "x", "parent": "y"})
    assert await file_work.taken(Asked(error=gone).files, b"/goal", _rows(count)) == []


@pytest.mark.parametrize("count", [1, 1000])
async def test_a_directory_that_may_not_be_looked_into_is_told(count: int) -> None:
    denied = Asked(error=FileError(Code.PERMISSION, evidence={"path": "/goal"}))
    with pytest.raises(FileError, match="permission denied"):
        await file_work.taken(denied.files, b"/goal", _rows(count))


async def test_what_would_be_deleted_is_counted_without_asking_for_what_was_listed() -> None:
    asked = Asked()
    rows = [*_rows(1000), *_rows(3, FileKind.DIRECTORY), *_rows(1, FileKind.SYMLINK)]
    total = await file_work.count(asked.files, b"/srv", rows)
    assert total == TreeCount(1001 + 9, 3, 2002 + 30)
    assert asked.round_trips == 1
