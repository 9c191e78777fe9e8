"""A link under the name that a person gave stays, and what it points to is replaced in one step."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.errors import Code, FileError
from backend.files.contract import FileSystem
from backend.files.links import follow_named
from backend.files.local import LocalFileSystem
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.transfer_world import Workbench, workbench


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "host/real").mkdir(parents=True)
    return tmp_path / "host"


@pytest.fixture
async def bench(root: Path, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(DirectoryHost(root), TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


@pytest.fixture(params=["here", "there"])
def files(request: pytest.FixtureRequest, bench: Workbench) -> FileSystem:
    return bench.files.local if request.param == "here" else bench.files.on("server")


async def content() -> AsyncIterator[bytes]:
    yield b"new"


async def test_a_stream_goes_to_what_the_link_points_to(files: FileSystem, root: Path) -> None:
    (root / "real/file").write_bytes(b"old")
    (root / "real/file").chmod(0o640)
    (root / "second").symlink_to("real/file")
    (root / "link").symlink_to("./real/../second")
    await files.write(bytes(root / "link"), content())
    assert (root / "link").is_symlink()
    assert (root / "second").is_symlink()
    assert (root / "real/file").read_bytes() == b"new"
    assert (root / "real/file").stat().st_mode & 0o777 == 0o640
    assert os.listdir(root / "real") == ["file"]


async def test_a_link_to_nothing_yet_gets_its_file(files: FileSystem, root: Path) -> None:
    (root / "link").symlink_to("real/~new")
    await files.write(bytes(root / "link"), content())
    assert (root / "link").is_symlink()
    assert (root / "real/~new").read_bytes() == b"new"


async def test_links_in_a_circle_are_told(files: FileSystem, root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(FileError) as caught:
        await files.write(bytes(root / "a"), content())
    assert caught.value.code is Code.NAME_INVALID


async def test_a_link_in_a_directory_of_everybodys_is_replaced_not_followed(files: FileSystem, root: Path) -> None:
    (root / "precious").write_bytes(b"precious")
    (root / "real").chmod(0o1777)
    (root / "real/link").symlink_to(root / "precious")
    await files.write(bytes(root / "real/link"), content())
    assert (root / "precious").read_bytes() == b"precious"
    assert not (root / "real/link").is_symlink()


async def test_what_no_link_has_is_itself(tmp_path: Path) -> None:
    for path in (bytes(tmp_path / "missing"), bytes(tmp_path), b"/"):
        assert await follow_named(LocalFileSystem(), path) == path


@pytest.mark.parametrize("direction", ["get", "put"])
@pytest.mark.parametrize("size", [3, 2 << 20])
async def test_a_file_that_is_sent_to_a_link_goes_where_a_stream_would(
    bench: Workbench, root: Path, tmp_path: Path, direction: str, size: int
) -> None:
    (tmp_path / "source").write_bytes(b"n" * size)
    (root / "real/file").write_bytes(b"old")
    (root / "link").symlink_to("real/file")
    carry = bench.get if direction == "get" else bench.put
    outcome = await carry(str(tmp_path / "source"), to=str(root / "link"))
    assert outcome.error is None
    assert (root / "link").is_symlink()
    assert (root / "real/file").read_bytes() == b"n" * size
