"""Many small files in one tar stream, over every kind of link: there and back again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.connector import FileChannel
from backend.files.meter import Meter
from backend.files.model import Lane
from backend.files.transfer import Direction, TransferRequest
from tests.support.transfer_world import Workbench, snapshot, workbench
from tests.support.worlds import Rig

FILES = 150
NAMES = (b"-rf", b"a b", b"new\nline", b"back\\slash", b"quo'te", b"\xff\x81", b"$(touch x)", b"n" * 200)


@pytest.fixture(autouse=True)
def all_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stream has all there are, however slow the machine is."""
    monkeypatch.setattr("backend.files.small_files._PATIENCE", 60.0)
    monkeypatch.setattr("backend.files.small_files._MOST_PATIENCE", 60.0)


@pytest.fixture
async def bench(rig: Rig, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(rig.connector, rig.target, tmp_path / "state") as services:
        yield services


def fill(tree: Path) -> None:
    for number in range(FILES):
        folder = tree / f"d{number % 3}" / "deeper"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"f{number}"
        path.write_bytes(b"%d" % number * number * 9)
        path.chmod((0o644, 0o755, 0o600)[number % 3])
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
    for name in NAMES:
        (tree / os.fsdecode(name)).write_bytes(name)
    (tree / "empty").touch()


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> list[Lane]:
    """The lanes that are taken, in order; events come too rarely to see each."""
    taken: list[Lane] = []
    going = Meter.going

    def noted(meter: Meter, path: bytes, lane: Lane) -> None:
        taken.append(lane)
        going(meter, path, lane)

    monkeypatch.setattr(Meter, "going", noted)
    return taken


async def copy(bench: Workbench, request: TransferRequest) -> None:
    outcome = await bench.transfers.submit(request).wait()
    assert outcome.error is None
    assert outcome.notes == ()
    assert outcome.progress.verified == outcome.progress.files_done == FILES + len(NAMES) + 1
    assert outcome.progress.sent_bytes == outcome.progress.bytes_done == outcome.progress.bytes_total


async def test_a_tree_of_small_files_goes_and_comes_back_in_streams(
    rig: Rig, bench: Workbench, files: FileChannel, lanes: list[Lane], tmp_path: Path
) -> None:
    fill(tmp_path / "tree")
    (tmp_path / "back").mkdir()
    home = os.fsdecode(rig.work)
    there = TransferRequest(Direction.PUT, "server", (str(tmp_path / "tree"),), f"{home}/tree")
    await copy(bench, there)
    assert Lane.ARCHIVE in lanes
    lanes.clear()
    back = TransferRequest(Direction.GET, "server", (f"{home}/tree",), f"{tmp_path}/back/")
    await copy(bench, back)
    assert Lane.ARCHIVE in lanes
    assert snapshot(tmp_path / "back/tree") == snapshot(tmp_path / "tree")
    left = [entry.name async for batch in files.scan(rig.work + b"/tree") for entry in batch]
    assert not [name for name in left if name.endswith(b".fairlead-part")]
