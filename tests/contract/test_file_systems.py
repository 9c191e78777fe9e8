"""The file systems behind their contract, over every kind of link and on this machine: names, trees, searches."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from backend.connection.connector import FileChannel, FileKind, Link
from backend.connection.session import Session
from backend.errors import Code, FileError
from backend.files.bulk import Bulk, BulkProgress
from backend.files.contract import FileSystem
from backend.files.local import LocalFileSystem
from backend.files.modes import OwnerChange, parse_mode
from backend.files.name_pattern import NamePattern, typed_pattern
from backend.files.paths import join_inside
from backend.files.remote import RemoteFileSystem
from tests.support.worlds import TIERS, Person, Rig, rig_of

HOSTILE = (b"caf\xe9", b"two\nlines", b"[red]x", b"-rf", b"\xe2\x80\xaegpj", b" ", b"back\\slash", b"*", b"n" * 255)


class LinkedSession:
    """As much of a session as a file system needs, over one link."""

    def __init__(self, rig: Rig, link: Link, channel: FileChannel) -> None:
        self.host, self.target = "server", rig.target
        self._link, self._channel = link, channel

    async def link(self) -> Link:
        return self._link

    async def files(self) -> FileChannel:
        return self._channel


class Desk:
    """A file system and an empty directory of it."""

    def __init__(self, files: FileSystem, work: bytes) -> None:
        self.files, self.work = files, work

    def at(self, *names: bytes) -> bytes:
        return join_inside(self.work, *names)

    async def write(self, content: bytes, *names: bytes) -> bytes:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        await self.files.write(self.at(*names), pieces())
        return self.at(*names)

    async def read(self, path: bytes) -> bytes:
        return b"".join([piece async for piece in self.files.read(path)])

    async def names(self, *names: bytes) -> set[bytes]:
        return {entry.name async for batch in self.files.list(self.at(*names)) for entry in batch}

    async def tree(self) -> None:
        """`tree/` with a file, a link, and a directory with a file in it."""
        await self.files.mkdir(self.at(b"tree", b"below"), parents=True)
        await self.write(b"12345", b"tree", b"five")
        await self.write(b"x" * 300_000, b"tree", b"below", b"large")
        await self.files.symlink(self.at(b"tree", b"link"), b"five")


_WHERE = [
    "here",
    *(pytest.param(tier, marks=pytest.mark.sshd if tier == "sshd" else ()) for tier in TIERS),
]


@pytest.fixture(params=_WHERE)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    if request.param == "here":
        yield Desk(LocalFileSystem(), os.fsencode(tmp_path))
        return
    async with rig_of(request.param, tmp_path) as rig:
        link = await rig.connector.connect(rig.target, Person(), rig.phases.append)
        channel = await link.open_files()
        yield Desk(RemoteFileSystem(cast(Session, LinkedSession(rig, link, channel))), rig.work)
        await channel.close()
        await link.close()


async def code_of(doing: object) -> Code:
    with pytest.raises(FileError) as caught:
        await doing  # type: ignore[misc]
    return caught.value.code


# --- single files ------------------------------------------------------------------------------------------------


async def test_a_file_is_created_empty_and_never_over_another(desk: Desk) -> None:
    await desk.files.create(desk.at(b"new"), mode=0o600)
    assert (await desk.files.stat(desk.at(b"new"))).size == 0
    assert await code_of(desk.files.create(desk.at(b"new"))) is Code.EXISTS


async def test_a_missing_directory_is_named_and_how_to_make_it(desk: Desk) -> None:
    path, file = desk.at(b"none", b"deeper", b"new"), await desk.write(b"x", b"file")
    found = await desk.files.stat(file)

    async def write() -> None:
        await desk.write(b"content", b"none", b"deeper", b"new")

    for making in (
        desk.files.mkdir(path),
        desk.files.create(path),
        desk.files.symlink(path, b"file"),
        desk.files.hardlink(path, file),
        desk.files.rename(file, path),
        desk.files.copy_file(file, path, found),
        write(),
    ):
        with pytest.raises(FileError) as caught:
            await making
        error = caught.value
        assert error.code is Code.NOT_FOUND
        assert error.message == f"There is no directory {os.fsdecode(desk.at(b'none'))}."
        commands = [item.command or "" for item in error.advice]
        assert any("mkdir -p" in one and os.fsdecode(desk.at(b"none", b"deeper")) in one for one in commands)
    assert await code_of(desk.files.rename(desk.at(b"gone"), desk.at(b"new"))) is Code.NOT_FOUND
    with pytest.raises(FileError) as caught:
        await desk.files.rename(desk.at(b"gone"), desk.at(b"new"))
    assert caught.value.evidence["path"] == os.fsdecode(desk.at(b"gone")), "its directory is there: the source is not"


async def test_links_of_both_kinds_are_made(desk: Desk) -> None:
    path = await desk.write(b"content", b"file")
    await desk.files.symlink(desk.at(b"soft"), b"file")
    await desk.files.hardlink(desk.at(b"hard"), path)
    assert await desk.files.readlink(desk.at(b"soft")) == b"file"
    await desk.files.remove(path)
    assert await desk.read(desk.at(b"hard")) == b"content"
    assert await code_of(desk.files.stat(desk.at(b"soft"))) is Code.NOT_FOUND
    assert await code_of(desk.files.hardlink(desk.at(b"hard"), desk.at(b"hard"))) is Code.EXISTS
    assert await code_of(desk.files.hardlink(desk.at(b"other"), desk.at(b"missing"))) is Code.NOT_FOUND


async def test_the_real_path_has_no_links(desk: Desk) -> None:
    await desk.files.mkdir(desk.at(b"dir"))
    await desk.files.symlink(desk.at(b"way"), b"dir")
    real = await desk.files.real(desk.work)
    assert await desk.files.real(desk.at(b"way")) == join_inside(real, b"dir")


async def test_owners_have_names_and_numbers(desk: Desk) -> None:
    path = await desk.write(b"", b"mine")
    plain = await desk.files.stat(path)
    named = await desk.files.named(plain)
    assert named.owner and named.group
    assert await desk.files.account_ids(OwnerChange(named.owner, None)) == (plain.uid, None)
    assert await desk.files.account_ids(OwnerChange("17", "18")) == (17, 18)
    assert await code_of(desk.files.account_ids(OwnerChange("nobody-at-all-is-so-called", None))) is Code.NOT_FOUND


async def test_an_owner_may_be_set_to_what_it_is_and_a_link_is_given_itself(desk: Desk) -> None:
    path = await desk.write(b"", b"mine")
    found = await desk.files.stat(path)
    assert found.uid is not None and found.gid is not None
    await desk.files.symlink(desk.at(b"nowhere"), b"missing")
    await desk.files.chown(path, found.uid, found.gid)
    await desk.files.chown(desk.at(b"nowhere"), found.uid, found.gid)


async def test_a_copy_has_content_mode_and_time_and_replaces_nothing(desk: Desk) -> None:
    for size in (0, 5, 700_000):
        content = os.urandom(size)
        old = await desk.write(content, b"old")
        await desk.files.chmod(old, 0o640)
        await desk.files.set_modified(old, 1_700_000_000.0)
        copied = await desk.files.copy_file(old, desk.at(b"new"), await desk.files.stat(old))
        found = await desk.files.stat(desk.at(b"new"))
        assert (copied, found.size, found.mode, found.modified) == (size, size, 0o640, 1_700_000_000.0)
        assert await desk.read(desk.at(b"new")) == content
        assert await code_of(desk.files.copy_file(old, desk.at(b"new"), found)) is Code.EXISTS
        assert await desk.names() == {b"old", b"new"}
        await desk.files.remove(desk.at(b"new"))


# --- many files --------------------------------------------------------------------------------------------------


async def test_hostile_names_are_made_copied_moved_and_removed(desk: Desk) -> None:
    await desk.files.mkdir(desk.at(b"from"))
    await desk.files.mkdir(desk.at(b"to"))
    for name in HOSTILE:
        await desk.write(name, b"from", name)
    bulk = Bulk(desk.files)
    await bulk.copy([(desk.at(b"from", name), desk.at(b"to", name)) for name in HOSTILE])
    assert (bulk.progress.done, bulk.progress.failed) == (len(HOSTILE), 0)
    for name in HOSTILE:
        assert await desk.read(desk.at(b"to", name)) == name
    await Bulk(desk.files).move([(desk.at(b"to"), desk.at(b"moved"))])
    assert await desk.names(b"moved") == set(HOSTILE)
    removed = await Bulk(desk.files).remove([desk.at(b"from"), desk.at(b"moved")])
    assert (removed.done, removed.failed) == (2 * len(HOSTILE) + 2, 0)
    assert await desk.names() == set()


async def test_a_tree_is_copied_with_links_modes_and_times(desk: Desk) -> None:
    await desk.tree()
    await desk.files.chmod(desk.at(b"tree", b"below"), 0o710)
    await desk.files.set_modified(desk.at(b"tree"), 1_600_000_000.0)
    progress = await Bulk(desk.files).copy([(desk.at(b"tree"), desk.at(b"twin"))])
    assert (progress.done, progress.failed, progress.size) == (5, 0, 300_005)
    assert await desk.names(b"twin") == {b"five", b"link", b"below"}
    assert await desk.files.readlink(desk.at(b"twin", b"link")) == b"five"
    assert (await desk.files.stat(desk.at(b"twin", b"below"))).mode == 0o710
    assert (await desk.files.stat(desk.at(b"twin"))).modified == 1_600_000_000.0


async def test_a_directory_is_not_copied_into_itself(desk: Desk) -> None:
    await desk.tree()
    progress = await Bulk(desk.files).copy([(desk.at(b"tree"), desk.at(b"tree", b"again"))])
    assert [item.error.code for item in progress.errors] == [Code.NAME_INVALID]
    assert b"again" not in await desk.names(b"tree")


async def test_a_mode_is_set_through_a_whole_tree_and_not_through_links(desk: Desk) -> None:
    await desk.tree()
    outside = await desk.write(b"", b"outside")
    await desk.files.chmod(outside, 0o600)
    await desk.files.symlink(desk.at(b"tree", b"out"), b"../outside")
    progress = await Bulk(desk.files).chmod([desk.at(b"tree")], parse_mode("u=rwX,g=rX,o="), recursive=True)
    assert progress.failed == 0
    assert (await desk.files.stat(desk.at(b"tree", b"below"))).mode == 0o750
    assert (await desk.files.stat(desk.at(b"tree", b"below", b"large"))).mode == 0o640
    assert (await desk.files.stat(outside)).mode == 0o600


async def test_a_tree_that_is_shut_is_opened_on_the_way_in_and_shut_on_the_way_out(desk: Desk) -> None:
    await desk.tree()
    await Bulk(desk.files).chmod([desk.at(b"tree")], parse_mode("a="), recursive=True)
    assert (await desk.files.stat(desk.at(b"tree"))).mode == 0
    progress = await Bulk(desk.files).chmod([desk.at(b"tree")], parse_mode("u+rwX"), recursive=True)
    assert progress.failed == 0
    assert await desk.read(desk.at(b"tree", b"five")) == b"12345"


async def test_owners_are_set_through_a_whole_tree(desk: Desk) -> None:
    await desk.tree()
    found = await desk.files.stat(desk.at(b"tree"))
    progress = await Bulk(desk.files).chown([desk.at(b"tree")], (found.uid, None), recursive=True)
    assert (progress.done, progress.failed) == (5, 0)


async def test_what_fails_is_counted_and_the_rest_goes_on(desk: Desk) -> None:
    await desk.tree()
    progress = await Bulk(desk.files).remove([desk.at(b"missing"), desk.at(b"tree")])
    assert (progress.done, progress.failed) == (5, 1)
    assert [(item.path, item.error.code) for item in progress.errors] == [(desk.at(b"missing"), Code.NOT_FOUND)]


async def test_work_that_is_cancelled_tells_how_far_it_came(desk: Desk) -> None:
    await desk.files.mkdir(desk.at(b"many"))
    for number in range(60):
        await desk.files.create(desk.at(b"many", b"%d" % number))
    progress = BulkProgress()
    working = asyncio.create_task(Bulk(desk.files, progress).remove([desk.at(b"many")]))
    while not progress.done and not working.done():
        await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait([working])
    if working.cancelled():
        assert 0 < progress.done <= 61
        assert len(await desk.names(b"many")) <= 60


# --- looking -----------------------------------------------------------------------------------------------------


async def _hits(desk: Desk, pattern: NamePattern) -> set[bytes]:
    search = desk.files.search(desk.work, pattern)
    return {hit.path async for batch in search.hits() for hit in batch}


async def test_names_are_found_by_a_part_or_a_glob_wherever_they_are(desk: Desk) -> None:
    await desk.tree()
    assert await _hits(desk, typed_pattern("LARGE")) == set()
    assert await _hits(desk, typed_pattern("larg")) == {desk.at(b"tree", b"below", b"large")}
    assert await _hits(desk, typed_pattern("?i*")) == {desk.at(b"tree", b"five"), desk.at(b"tree", b"link")}


async def test_hostile_names_are_found(desk: Desk) -> None:
    for name in HOSTILE:
        await desk.write(b"", name)
    assert await _hits(desk, NamePattern(b"*")) == {desk.at(name) for name in HOSTILE}


async def test_a_search_below_nothing_says_so(desk: Desk) -> None:
    search = desk.files.search(desk.at(b"missing"), NamePattern(b"*"))
    with pytest.raises(FileError) as caught:
        async for _ in search.hits():
            pass
    assert caught.value.code is Code.NOT_FOUND


async def test_a_search_may_be_left_early(desk: Desk) -> None:
    await desk.tree()
    hits = desk.files.search(desk.work, NamePattern(b"*")).hits()
    async for batch in hits:
        assert batch
        break
    await hits.aclose()  # type: ignore[attr-defined]


async def test_a_trees_size_is_that_of_its_files(desk: Desk) -> None:
    await desk.tree()
    size = await desk.files.tree_size(desk.at(b"tree"))
    directories_and_links = 64 << 10
    assert 300_005 <= size.bytes <= 300_005 + directories_and_links
    assert size.unreadable == 0
    assert await code_of(desk.files.tree_size(desk.at(b"missing"))) is Code.NOT_FOUND


async def test_paths_have_the_variables_of_the_machine(desk: Desk) -> None:
    home = await desk.files.home()
    assert await desk.files.resolve("$HOME/x") == join_inside(home, b"x")
    assert (await desk.files.resolve("$NOT_SET_ANYWHERE/x")).endswith(b"/$NOT_SET_ANYWHERE/x")


async def test_kinds_are_told(desk: Desk) -> None:
    await desk.tree()
    kinds = {hit.attributes.kind async for b in desk.files.search(desk.work, NamePattern(b"*")).hits() for hit in b}
    assert kinds == {FileKind.FILE, FileKind.DIRECTORY, FileKind.SYMLINK}
