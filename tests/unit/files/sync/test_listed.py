"""Visiting a list: directories before what is in them, many at once, and nothing in one that could not be made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FileError, LinkLost
from backend.files.lane import Item
from backend.files.listed import visit_listed
from backend.files.sync.batches import Batches


def item(path: bytes, kind: FileKind = FileKind.DIRECTORY) -> Item:
    return Item(b"/src/" + path, b"/dst", tuple(path.split(b"/")), Attributes(kind))


class Seen:
    """A visitor that remembers, and refuses what it is told to."""

    def __init__(self, *refused: bytes, error: Exception | None = None) -> None:
        self.refused = {tuple(path.split(b"/")) for path in refused}
        self.error = error or FileError(Code.PERMISSION)
        self.made: list[bytes] = []
        self.leaves: list[bytes] = []
        self.problems: list[bytes] = []
        self.most = self._now = 0

    async def directory(self, item: Item) -> bool:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        if item.parts in self.refused:
            raise self.error
        self.made.append(b"/".join(item.parts))
        return True

    async def leaf(self, item: Item) -> None:
        self.leaves.append(b"/".join(item.parts))

    def left_out(self, item: Item, reason: str) -> None:
        raise AssertionError(reason)

    def problem(self, item: Item, error: FileError) -> None:
        self.problems.append(b"/".join(item.parts))


async def listed(*items: Item) -> AsyncIterator[Item]:
    for one in items:
        yield one


FILE = FileKind.FILE


async def test_directories_are_made_many_at_once_and_each_after_its_holder() -> None:
    seen = Seen()
    names = [b"d%d" % number for number in range(100)]
    below = [name + b"/e" for name in names]
    await visit_listed(listed(*map(item, names + below), item(b"d1/e/f", FILE)), seen)
    assert all(seen.made.index(name) < seen.made.index(name + b"/e") for name in names)
    assert seen.leaves == [b"d1/e/f"]
    assert 2 < seen.most <= 16


async def test_what_lies_in_a_directory_that_failed_is_left_out() -> None:
    seen = Seen(b"a")
    await visit_listed(
        listed(item(b"a"), item(b"a/b"), item(b"a/b/c", FILE), item(b"a/d", FILE), item(b"e", FILE)), seen
    )
    assert (seen.made, seen.problems, seen.leaves) == ([], [b"a"], [b"e"])


async def test_what_ends_the_transfer_ends_the_visit() -> None:
    with pytest.raises(LinkLost):
        await visit_listed(listed(item(b"a"), item(b"b")), Seen(b"a", error=LinkLost(Code.CONNECTION_LOST)))


# --- questions put together --------------------------------------------------------------------------------------


async def test_questions_of_one_turn_are_asked_together_and_each_is_answered() -> None:
    asked: list[list[bytes]] = []

    async def ask(sizes: dict[bytes, int]) -> dict[bytes, bytes]:
        asked.append(list(sizes))
        return {path: b"digest of " + path for path in sizes if path != b"unreadable"}

    batches = Batches(ask)  # type: ignore[arg-type]
    answers = await asyncio.gather(*(batches.ask(path, 10) for path in (b"a", b"b", b"unreadable")))
    assert answers == [b"digest of a", b"digest of b", None]
    assert asked == [[b"a", b"b", b"unreadable"]]
    await batches.close()


async def test_large_files_are_asked_about_apart_so_that_an_answer_comes_in_time() -> None:
    asked: list[int] = []

    async def ask(sizes: dict[bytes, int]) -> str:
        asked.append(len(sizes))
        return "it does not say"

    batches = Batches(ask)  # type: ignore[arg-type]
    assert set(await asyncio.gather(*(batches.ask(b"%d" % n, 200 << 20) for n in range(3)))) == {"it does not say"}
    assert asked == [1, 1, 1]
    await batches.close()


async def test_a_question_that_fails_fails_for_those_who_asked() -> None:
    async def ask(sizes: dict[bytes, int]) -> str:
        raise LinkLost(Code.CONNECTION_LOST)

    batches = Batches(ask)  # type: ignore[arg-type]
    with pytest.raises(LinkLost):
        await batches.ask(b"a", 1)
    await batches.close()
