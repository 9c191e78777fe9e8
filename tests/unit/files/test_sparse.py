"""Files with holes: the same content and length on the other side, and neither the link nor the disk carries zeros."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.local_tree import is_zeros
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.transfer_world import Workbench, workbench

MIB = 1 << 20
SIZE = 24 * MIB + 123

SHAPES = {
    "in the middle": [0, SIZE - 5],
    "at the end": [0, 3 * MIB],
    "at the beginning": [SIZE - 5],
    "everywhere": [],
}


@pytest.fixture
def host(tmp_path: Path) -> DirectoryHost:
    (tmp_path / "host").mkdir()
    return DirectoryHost(tmp_path / "host")


@pytest.fixture
async def bench(host: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(host, TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


def with_holes(path: Path, written: list[int]) -> bytes:
    with path.open("wb") as file:
        file.truncate(SIZE)
        for offset in written:
            file.seek(offset)
            file.write(b"data!")
    if path.stat().st_blocks * 512 >= SIZE:
        pytest.skip("this file system has no holes")
    return path.read_bytes()


def on_disk(path: Path) -> int:
    return path.stat().st_blocks * 512


@pytest.mark.parametrize("written", SHAPES.values(), ids=SHAPES)
async def test_an_upload_leaves_holes_where_they_are_and_sends_none(
    bench: Workbench, tmp_path: Path, written: list[int]
) -> None:
    content = with_holes(tmp_path / "sparse", written)
    outcome = await bench.put(tmp_path / "sparse", to="copy")
    assert outcome.error is None
    assert (tmp_path / "host" / "copy").read_bytes() == content
    assert on_disk(tmp_path / "host" / "copy") <= 4 * MIB
    assert outcome.progress.sent_bytes <= 3 * MIB
    assert outcome.progress.bytes_done == SIZE
    assert outcome.progress.verified == 1


@pytest.mark.parametrize("written", SHAPES.values(), ids=SHAPES)
async def test_a_download_writes_no_zeros(bench: Workbench, tmp_path: Path, written: list[int]) -> None:
    content = with_holes(tmp_path / "host" / "sparse", written)
    outcome = await bench.get("sparse", to=tmp_path / "copy")
    assert outcome.error is None
    assert (tmp_path / "copy").read_bytes() == content
    assert on_disk(tmp_path / "copy") <= 4 * MIB
    assert outcome.progress.verified == 1


async def test_zeros_that_were_written_on_purpose_stay_written_on_the_host(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "swap").write_bytes(bytes(4 * MIB))
    os.sync()
    outcome = await bench.put(tmp_path / "swap", to="swap")
    assert outcome.error is None
    assert outcome.progress.sent_bytes == 4 * MIB


@given(st.binary(max_size=64) | st.integers(0, 64).map(bytes))
def test_zeros_are_nothing_but_zeros(data: bytes) -> None:
    assert is_zeros(data) == (data == bytes(len(data)))
