"""Files over SFTP: names, contents, attributes, and the code of every failure."""

from __future__ import annotations

import asyncio
import os

import pytest

from backend.connection.connector import Entry, FileChannel, FileKind, Link, OpenMode
from backend.errors import Code, FairleadError, FileError, LinkLost
from tests.support.worlds import Rig

ODD_NAME = b"caf\xe9 \xff'\".txt"


async def put(files: FileChannel, path: bytes, data: bytes) -> None:
    file = await files.open(path, OpenMode.CREATE)
    await file.write(0, data)
    await file.close()


async def get(files: FileChannel, path: bytes) -> bytes:
    file = await files.open(path, OpenMode.READ)
    data = b""
    while piece := await file.read(len(data), 65536):
        data += piece
    await file.close()
    return data


async def listed(files: FileChannel, path: bytes) -> dict[bytes, Entry]:
    return {entry.name: entry async for batch in files.scan(path) for entry in batch}


async def code_of(doing: object) -> Code:
    """The code with which an operation fails."""
    with pytest.raises(FileError) as caught:
        await doing  # type: ignore[misc]
    return caught.value.code


# --- content -----------------------------------------------------------------------------------------------------


async def test_what_is_written_is_read_back(rig: Rig, files: FileChannel) -> None:
    data = os.urandom(700_000)
    await put(files, rig.work + b"/data", data)
    assert await get(files, rig.work + b"/data") == data


async def test_writes_at_offsets_may_come_in_any_order_and_at_once(rig: Rig, files: FileChannel) -> None:
    data = os.urandom(300_000)
    file = await files.open(rig.work + b"/data", OpenMode.CREATE)
    pieces = [(start, data[start : start + 10_000]) for start in range(0, len(data), 10_000)]
    await asyncio.gather(*(file.write(start, piece) for start, piece in reversed(pieces)))
    await file.close()
    assert await get(files, rig.work + b"/data") == data


async def test_reads_name_their_offset(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/data", b"0123456789")
    file = await files.open(rig.work + b"/data", OpenMode.READ)
    assert await file.read(7, 1) == b"7"
    assert await file.read(0, 1) == b"0"
    assert await file.read(10, 5) == b""
    assert await file.read(500, 5) == b""
    await file.close()


async def test_a_gap_reads_as_zeros(rig: Rig, files: FileChannel) -> None:
    file = await files.open(rig.work + b"/gap", OpenMode.CREATE)
    await file.write(5000, b"end")
    await file.close()
    assert await get(files, rig.work + b"/gap") == bytes(5000) + b"end"


async def test_creating_cuts_and_updating_keeps_what_is_there(rig: Rig, files: FileChannel) -> None:
    path = rig.work + b"/f"
    await put(files, path, b"long content")
    await put(files, path, b"short")
    assert await get(files, path) == b"short"
    file = await files.open(path, OpenMode.UPDATE)
    await file.write(1, b"HOR")
    await file.close()
    assert await get(files, path) == b"sHORt"


async def test_updating_makes_nothing_anew(rig: Rig, files: FileChannel) -> None:
    assert await code_of(files.open(rig.work + b"/new", OpenMode.UPDATE)) is Code.NOT_FOUND
    assert await code_of(files.stat(rig.work + b"/new")) is Code.NOT_FOUND


async def test_what_is_open_for_updating_can_be_read_as_well(rig: Rig, files: FileChannel) -> None:
    path = rig.work + b"/f"
    await put(files, path, b"content")
    file = await files.open(path, OpenMode.UPDATE)
    await file.write(0, b"C")
    assert await file.read(0, 100) == b"Content"
    await file.close()


async def test_exclusive_creation_refuses_what_is_there(rig: Rig, files: FileChannel) -> None:
    file = await files.open(rig.work + b"/lock", OpenMode.EXCLUSIVE)
    await file.close()
    assert await code_of(files.open(rig.work + b"/lock", OpenMode.EXCLUSIVE)) is Code.EXISTS


async def test_an_open_file_tells_its_size_and_can_be_cut(rig: Rig, files: FileChannel) -> None:
    file = await files.open(rig.work + b"/f", OpenMode.CREATE)
    await file.write(0, b"0123456789")
    await file.truncate(4)
    assert (await file.attributes()).size == 4
    assert await file.sync() in (True, False)
    await file.close()
    await file.close()
    assert await get(files, rig.work + b"/f") == b"0123"


async def test_a_file_may_be_ended_while_its_writes_are_under_way(rig: Rig, files: FileChannel) -> None:
    path = rig.work + b"/a file"
    file = await files.open(path, OpenMode.EXCLUSIVE)
    await asyncio.gather(*(file.write(100 * number, b"x" * 100) for number in range(8)), file.finish())
    assert (await files.stat(path)).size == 800
    await file.close()


async def test_the_mode_of_a_new_file_is_asked_for(rig: Rig, files: FileChannel) -> None:
    file = await files.open(rig.work + b"/private", OpenMode.CREATE, 0o600)
    await file.close()
    assert (await files.stat(rig.work + b"/private")).mode == 0o600


async def test_a_channel_says_how_much_one_request_may_carry(files: FileChannel) -> None:
    assert files.limits.read >= 32768
    assert files.limits.write >= 32768
    assert files.limits.open_files >= 16


# --- names and attributes ----------------------------------------------------------------------------------------


async def test_the_home_directory_is_where_relative_paths_begin(files: FileChannel) -> None:
    home = await files.resolve(b".")
    assert home.startswith(b"/")
    assert (await files.stat(b".")).kind is FileKind.DIRECTORY


async def test_resolving_tidies_a_path(rig: Rig, files: FileChannel) -> None:
    real = await files.resolve(rig.work)
    await files.mkdir(real + b"/x")
    assert await files.resolve(real + b"/./x/..//") == real


async def test_attributes_are_what_was_set(rig: Rig, files: FileChannel) -> None:
    path = rig.work + b"/f"
    await put(files, path, b"12345")
    await files.set_attributes(path, mode=0o640, modified=1_700_000_000.0)
    attributes = await files.stat(path)
    assert attributes.kind is FileKind.FILE
    assert (attributes.size, attributes.mode, attributes.modified) == (5, 0o640, 1_700_000_000.0)
    assert attributes.uid is not None and attributes.gid is not None


async def test_names_that_are_not_utf_8_survive(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/" + ODD_NAME, b"odd")
    assert set(await listed(files, rig.work)) == {ODD_NAME}
    assert await get(files, rig.work + b"/" + ODD_NAME) == b"odd"
    await files.remove(rig.work + b"/" + ODD_NAME)
    assert not await listed(files, rig.work)


async def test_a_listing_has_kinds_and_sizes_and_neither_dot(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/f", b"123")
    await files.mkdir(rig.work + b"/d")
    await files.symlink(rig.work + b"/l", b"f")
    entries = await listed(files, rig.work)
    kinds = {name: entry.attributes.kind for name, entry in entries.items()}
    assert kinds == {b"f": FileKind.FILE, b"d": FileKind.DIRECTORY, b"l": FileKind.SYMLINK}
    assert entries[b"f"].attributes.size == 3
    assert entries[b"f"].attributes.owner


async def test_an_empty_directory_lists_nothing(rig: Rig, files: FileChannel) -> None:
    assert await listed(files, rig.work) == {}


async def test_a_big_directory_comes_in_batches_and_whole(rig: Rig, link: Link, files: FileChannel) -> None:
    command = b"cd '" + rig.work + b"' && for n in $(seq 2500); do : > file-$n; done"
    async with await link.open_process(command) as process:
        async for _ in process.output():
            pass
        assert (await process.wait()).status == 0
    sizes = [len(batch) async for batch in files.scan(rig.work)]
    assert sum(sizes) == 2500
    assert len(sizes) > 5


async def test_a_listing_may_be_left_early(rig: Rig, files: FileChannel) -> None:
    for number in range(3):
        await put(files, rig.work + b"/f%d" % number, b"")
    scan = files.scan(rig.work)
    async for batch in scan:
        assert batch
        break
    await scan.aclose()  # type: ignore[attr-defined]
    assert len(await listed(files, rig.work)) == 3


# --- links -------------------------------------------------------------------------------------------------------


async def test_a_link_is_seen_and_followed(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/f", b"123")
    await files.symlink(rig.work + b"/l", b"f")
    assert await files.readlink(rig.work + b"/l") == b"f"
    assert (await files.lstat(rig.work + b"/l")).kind is FileKind.SYMLINK
    assert (await files.stat(rig.work + b"/l")).kind is FileKind.FILE
    assert await get(files, rig.work + b"/l") == b"123"


async def test_a_link_to_nowhere_is_there_and_leads_nowhere(rig: Rig, files: FileChannel) -> None:
    await files.symlink(rig.work + b"/l", b"no\xffwhere")
    assert await files.readlink(rig.work + b"/l") == b"no\xffwhere"
    assert await code_of(files.stat(rig.work + b"/l")) is Code.NOT_FOUND


async def test_removing_a_link_leaves_what_it_points_to(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/f", b"123")
    await files.symlink(rig.work + b"/l", b"f")
    await files.remove(rig.work + b"/l")
    assert set(await listed(files, rig.work)) == {b"f"}


# --- changing names ----------------------------------------------------------------------------------------------


async def test_renaming_moves_a_file(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/a", b"1")
    await files.rename(rig.work + b"/a", rig.work + b"/b")
    assert set(await listed(files, rig.work)) == {b"b"}


async def test_renaming_moves_a_directory_with_what_is_in_it(rig: Rig, files: FileChannel) -> None:
    await files.mkdir(rig.work + b"/a")
    await put(files, rig.work + b"/a/f", b"1")
    await files.rename(rig.work + b"/a", rig.work + b"/b")
    assert await get(files, rig.work + b"/b/f") == b"1"


async def test_renaming_never_overwrites(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/a", b"1")
    await put(files, rig.work + b"/b", b"2")
    assert await code_of(files.rename(rig.work + b"/a", rig.work + b"/b")) is Code.EXISTS
    assert await get(files, rig.work + b"/b") == b"2"


async def test_replacing_puts_a_file_over_another(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/a", b"1")
    await put(files, rig.work + b"/b", b"2")
    await files.replace(rig.work + b"/a", rig.work + b"/b")
    assert set(await listed(files, rig.work)) == {b"b"}
    assert await get(files, rig.work + b"/b") == b"1"


async def test_replacing_works_where_nothing_is_there(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/a", b"1")
    await files.replace(rig.work + b"/a", rig.work + b"/b")
    assert set(await listed(files, rig.work)) == {b"b"}


# --- failures ----------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_not_found(rig: Rig, files: FileChannel) -> None:
    missing = rig.work + b"/missing"
    assert await code_of(files.stat(missing)) is Code.NOT_FOUND
    assert await code_of(files.lstat(missing)) is Code.NOT_FOUND
    assert await code_of(files.open(missing, OpenMode.READ)) is Code.NOT_FOUND
    assert await code_of(files.remove(missing)) is Code.NOT_FOUND
    assert await code_of(files.rmdir(missing)) is Code.NOT_FOUND
    assert await code_of(files.rename(missing, missing + b"2")) is Code.NOT_FOUND
    assert await code_of(files.readlink(missing)) is Code.NOT_FOUND
    assert await code_of(listed(files, missing)) is Code.NOT_FOUND
    assert await code_of(files.set_attributes(missing, mode=0o600)) is Code.NOT_FOUND
    assert await code_of(files.mkdir(missing + b"/below")) is Code.NOT_FOUND


async def test_a_failure_names_the_path(rig: Rig, files: FileChannel) -> None:
    with pytest.raises(FileError) as caught:
        await files.stat(rig.work + b"/missing")
    assert caught.value.evidence["path"].endswith("/missing")


async def test_a_directory_that_is_there_exists(rig: Rig, files: FileChannel) -> None:
    await files.mkdir(rig.work + b"/d")
    assert await code_of(files.mkdir(rig.work + b"/d")) is Code.EXISTS


async def test_a_directory_with_something_in_it_is_not_empty(rig: Rig, files: FileChannel) -> None:
    await files.mkdir(rig.work + b"/d")
    await put(files, rig.work + b"/d/f", b"")
    assert await code_of(files.rmdir(rig.work + b"/d")) is Code.NOT_EMPTY
    await files.remove(rig.work + b"/d/f")
    await files.rmdir(rig.work + b"/d")
    assert await listed(files, rig.work) == {}


async def test_a_directory_is_no_file(rig: Rig, files: FileChannel) -> None:
    path = rig.work + b"/d"
    await files.mkdir(path)
    assert await code_of(files.remove(path)) is Code.IS_DIRECTORY
    assert await code_of(files.open(path, OpenMode.CREATE)) is Code.IS_DIRECTORY
    assert await code_of(get(files, path)) is Code.IS_DIRECTORY


async def test_a_file_is_no_directory(rig: Rig, files: FileChannel) -> None:
    path = rig.work + b"/f"
    await put(files, path, b"")
    # SFTP v3 has no status for ENOTDIR: OpenSSH says "no such file".
    assert await code_of(listed(files, path)) in (Code.NOT_DIRECTORY, Code.NOT_FOUND)
    assert await code_of(files.rmdir(path)) in (Code.NOT_DIRECTORY, Code.NOT_FOUND)
    assert await code_of(files.stat(path + b"/below")) in (Code.NOT_DIRECTORY, Code.NOT_FOUND)


async def test_what_is_forbidden_is_a_matter_of_permission(rig: Rig, files: FileChannel) -> None:
    assert await code_of(files.open(rig.forbidden, OpenMode.UPDATE)) is Code.PERMISSION


# --- the channel -------------------------------------------------------------------------------------------------


async def test_the_room_on_the_disk_is_told(rig: Rig, files: FileChannel) -> None:
    space = await files.space(rig.work)
    assert space is not None
    assert 0 < space.free <= space.total


async def test_channels_are_apart(link: Link) -> None:
    first, second = await link.open_files(), await link.open_files()
    await first.close()
    await first.close()
    assert await second.resolve(b".")
    await second.close()


async def test_a_lost_link_is_told_by_every_operation(rig: Rig, link: Link, files: FileChannel) -> None:
    file = await files.open(rig.work + b"/f", OpenMode.CREATE)
    rig.cut()
    async with asyncio.timeout(10):
        await link.closed()
        for doing in (file.write(0, b"x"), files.stat(rig.work), files.open(b"x", OpenMode.READ), files.mkdir(b"y")):
            with pytest.raises(LinkLost):
                await doing
        with pytest.raises(LinkLost):
            await listed(files, rig.work)
        await file.close()
        await files.close()


async def test_an_operation_under_way_when_the_link_goes_is_lost(rig: Rig, link: Link, files: FileChannel) -> None:
    await put(files, rig.work + b"/f", bytes(1_000_000))
    file = await files.open(rig.work + b"/f", OpenMode.READ)

    async def keep_reading() -> None:
        while True:
            await file.read(0, 200_000)

    readers = [asyncio.create_task(keep_reading()) for _ in range(8)]
    await link.ping()
    rig.cut()
    async with asyncio.timeout(10):
        for outcome in await asyncio.gather(*readers, return_exceptions=True):
            assert isinstance(outcome, FairleadError) and isinstance(outcome, LinkLost)


async def test_cancelling_a_request_leaves_the_channel_usable(rig: Rig, files: FileChannel) -> None:
    await put(files, rig.work + b"/f", bytes(1_000_000))
    file = await files.open(rig.work + b"/f", OpenMode.READ)
    reading = [asyncio.create_task(file.read(offset, 100_000)) for offset in range(0, 1_000_000, 100_000)]
    await asyncio.sleep(0)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert (await file.attributes()).size == 1_000_000
    await file.close()


async def test_a_channel_that_was_closed_has_ended(link: Link) -> None:
    channel = await link.open_files()
    assert not channel.ended
    await channel.close()
    assert channel.ended
