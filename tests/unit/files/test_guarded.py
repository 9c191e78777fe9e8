"""A host's files behind the production guard: everything of the contract either looks, or asks first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from backend.connection.connector import Attributes, FileKind
from backend.errors import Code, FairleadError
from backend.files.contract import FileSystem
from backend.files.guarded import GuardedFileSystem

LOOKS = {
    *("home", "start", "resolve", "list", "stat", "named", "readlink", "real", "count", "account_ids", "read"),
    *("space", "search", "tree_size"),
}
FILE = Attributes(FileKind.FILE)


async def _content() -> AsyncIterator[bytes]:
    yield b"x"


CHANGES: dict[str, tuple[Any, ...]] = {
    "mkdir": (b"/a",),
    "create": (b"/a",),
    "symlink": (b"/a", b"b"),
    "hardlink": (b"/a", b"/b"),
    "rename": (b"/a", b"/b"),
    "replace": (b"/a", b"/b"),
    "copy_file": (b"/a", b"/b", FILE),
    "remove": (b"/a",),
    "chmod": (b"/a", 0o600),
    "chown": (b"/a", 1, 2),
    "set_modified": (b"/a", 1.0),
    "write": (b"/a", _content()),
    "rewrite": (b"/a", _content()),
}


class Recording:
    """Notes every call."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def method(*args: Any, **kwargs: Any) -> None:
            self.calls.append(name)

        return method


def guarded(inner: Recording, asked: list[str], *, agrees: bool) -> GuardedFileSystem:
    async def permit(host: str, change: str) -> None:
        asked.append(change)
        if not agrees:
            raise FairleadError(Code.PRODUCTION_HOST, evidence={"why": "no"}, host=host)

    return GuardedFileSystem(cast(FileSystem, inner), "db", permit)


def test_every_word_of_the_contract_is_one_or_the_other() -> None:
    words = {name for name in vars(FileSystem) if not name.startswith("_")} - {"host", "change"}
    assert words == LOOKS | set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_is_asked_about_and_not_done_after_a_no(name: str) -> None:
    inner, asked = Recording(), list[str]()
    with pytest.raises(FairleadError):
        await getattr(guarded(inner, asked, agrees=False), name)(*CHANGES[name])
    assert len(asked) == 1
    assert "/a" in asked[0]
    assert inner.calls == []


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_is_done_once_after_a_yes(name: str) -> None:
    inner, asked = Recording(), list[str]()
    await getattr(guarded(inner, asked, agrees=True), name)(*CHANGES[name])
    assert (len(asked), inner.calls) == (1, [name])


async def test_several_steps_are_one_question() -> None:
    inner, asked = Recording(), list[str]()
    async with guarded(inner, asked, agrees=True).change("Delete two") as files:
        await files.remove(b"/a")
        await files.remove(b"/b")
    assert (asked, inner.calls) == (["Delete two"], ["remove", "remove"])


async def test_what_is_agreed_to_already_is_not_asked_about_again() -> None:
    inner, asked = Recording(), list[str]()
    async with guarded(inner, asked, agrees=False).change("Delete", agreed=True) as files:
        await files.remove(b"/a")
    assert (asked, inner.calls) == ([], ["remove"])
