"""Further channels for one upload: used when they have the same file open, done without when they have not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.connector import FileChannel, OpenMode, RemoteFile
from backend.connection.interaction import Nobody
from backend.errors import Code, FileError, SessionError
from backend.files.upload_lanes import MOST_LANES, PER_LANE, UploadLanes, upload_lanes
from tests.support.memory_files import TARGET, DirectoryHost
from tests.support.waiting import no_tasks_left, until

BLOCK = bytes(range(256)) * 32


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "host").mkdir()
    return tmp_path / "host"


@pytest.fixture
async def host(there: Path) -> DirectoryHost:
    return DirectoryHost(there)


class Side:
    """A channel with the partial open, and further channels of the same link."""

    def __init__(self, host: DirectoryHost, there: Path) -> None:
        self._host = host
        self.path = bytes(there / "partial")
        self.opened = 0
        self.refuses = False

    async def first(self) -> RemoteFile:
        self.link = await self._host.connect(TARGET, Nobody())
        channel = await self.link.open_files()
        file = await channel.open(self.path, OpenMode.EXCLUSIVE, 0o600)
        await file.write(0, BLOCK)
        return file

    async def another(self) -> FileChannel:
        if self.refuses:
            raise SessionError(Code.SESSION_REFUSED)
        self.opened += 1
        channel: FileChannel = await self.link.open_files()
        return channel


class Gone:
    """A file whose server has ended."""

    async def write(self, offset: int, data: bytes) -> None:
        raise FileError(Code.FILE_FAILED, evidence={"path": "partial"})

    async def close(self) -> None:
        return None


@pytest.fixture
async def side(host: DirectoryHost, there: Path) -> Side:
    return Side(host, there)


@pytest.fixture
async def lanes(side: Side) -> AsyncIterator[UploadLanes]:
    async with upload_lanes(await side.first(), side.another, side.path) as made:
        made.landed(0, BLOCK)
        yield made


async def settled(lanes: UploadLanes) -> None:
    await asyncio.wait(lanes._opening)


async def test_there_is_one_until_more_are_asked_for(lanes: UploadLanes, side: Side) -> None:
    assert lanes.flight == PER_LANE
    lanes.widen()
    await until(lambda: lanes.flight == MOST_LANES * PER_LANE)
    lanes.widen()
    assert side.opened == MOST_LANES - 1


async def test_over_a_long_path_they_are_asked_for_at_once_and_used_when_a_block_has_landed(side: Side) -> None:
    first = await side.first()
    async with upload_lanes(first, side.another, side.path, size=64 << 20, round_trip=0.05) as lanes:
        await until(lambda: side.opened == MOST_LANES - 1)
        assert lanes.flight == PER_LANE
        lanes.landed(0, BLOCK)
        await until(lambda: lanes.flight == MOST_LANES * PER_LANE)
    async with upload_lanes(first, side.another, side.path, size=64 << 20, round_trip=0.001) as lanes:
        await asyncio.sleep(0)
        assert not lanes._opening
    async with upload_lanes(first, side.another, side.path, size=1 << 20, round_trip=0.05) as lanes:
        await asyncio.sleep(0)
        assert not lanes._opening


async def test_an_upload_that_ends_before_they_are_there_leaves_none_open(side: Side) -> None:
    async with no_tasks_left():
        async with upload_lanes(await side.first(), side.another, side.path, size=64 << 20, round_trip=0.05):
            await until(lambda: side.opened == MOST_LANES - 1)
        await side.link.close()


async def test_writes_go_to_the_lane_with_the_least_under_way(lanes: UploadLanes) -> None:
    lanes.widen()
    await settled(lanes)
    taken = []
    for _ in range(2 * MOST_LANES):
        lane = lanes.free()
        lane.busy += 1
        taken.append(id(lane))
    assert len(set(taken)) == MOST_LANES
    assert all(taken.count(one) == 2 for one in taken)


async def test_a_further_lane_that_fails_is_done_without_and_nothing_is_missing(
    lanes: UploadLanes, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes.widen()
    await settled(lanes)
    lanes._lanes[0].busy = 1  # so that others are taken first
    gone = lanes._lanes[1]
    monkeypatch.setattr(gone, "file", Gone())
    for number in range(MOST_LANES):
        await lanes.write(len(BLOCK) + number, b"%d" % number)
    assert (there / "partial").read_bytes() == BLOCK + b"012345"[:MOST_LANES]
    assert gone not in lanes._lanes
    assert lanes.flight == (MOST_LANES - 1) * PER_LANE


async def test_a_failure_of_the_first_lane_is_the_uploads(lanes: UploadLanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes._lanes[0], "file", Gone())
    with pytest.raises(FileError):
        await lanes.write(len(BLOCK), b"x")


async def test_what_is_written_through_any_of_them_is_one_file(lanes: UploadLanes, there: Path) -> None:
    lanes.widen()
    await settled(lanes)
    for number in range(MOST_LANES):
        lane = lanes.free()
        lane.busy += 1
        await lane.file.write(len(BLOCK) + number, b"%d" % number)
    assert (there / "partial").read_bytes() == BLOCK + b"012345"[:MOST_LANES]


async def test_a_server_that_gives_no_further_channel_is_done_without(lanes: UploadLanes, side: Side) -> None:
    side.refuses = True
    lanes.widen()
    await settled(lanes)
    assert lanes.flight == PER_LANE


@pytest.mark.parametrize("content", [b"", b"somebody's keys", BLOCK[:100]])
async def test_a_link_that_was_put_in_its_place_is_not_written_through(
    lanes: UploadLanes, there: Path, content: bytes
) -> None:
    victim = there / "authorized_keys"
    victim.write_bytes(content)
    victim.chmod(0o600)
    (there / "partial").rename(there / "aside")
    (there / "partial").symlink_to(victim)
    lanes.widen()
    await settled(lanes)
    assert lanes.flight == PER_LANE
    assert victim.read_bytes() == content


async def test_a_partial_that_was_taken_away_is_not_made_anew(lanes: UploadLanes, there: Path) -> None:
    (there / "partial").unlink()
    lanes.widen()
    await settled(lanes)
    assert lanes.flight == PER_LANE
    assert not list(there.iterdir())


async def test_no_file_is_trusted_before_a_block_has_landed(side: Side) -> None:
    async with upload_lanes(await side.first(), side.another, side.path) as lanes:
        lanes.widen()
        await until(lambda: side.opened == MOST_LANES - 1)
        assert lanes.flight == PER_LANE and not any(task.done() for task in lanes._opening)


async def test_leaving_in_the_middle_of_the_opening_leaves_no_task(side: Side) -> None:
    async with upload_lanes(await side.first(), side.another, side.path) as lanes:
        lanes.landed(0, BLOCK)
        lanes.widen()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
