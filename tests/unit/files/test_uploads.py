"""Uploads where others write too, where the answer to the last step is lost, and where a server tells late."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from backend.errors import Code, FileError
from backend.files.transfer import TransferOutcome
from tests.support.memory_files import TARGET, DirectoryHost, QuickClock
from tests.support.tiers import need_root
from tests.support.transfer_world import Workbench, workbench

MIB = 1 << 20
SIZE = 4 * MIB
STRANGER = 54321
"""A user that is not this account."""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    (tmp_path / "host").mkdir()
    return tmp_path / "host"


@pytest.fixture
def host(there: Path) -> DirectoryHost:
    return DirectoryHost(there)


@pytest.fixture
async def bench(host: DirectoryHost, tmp_path: Path) -> AsyncIterator[Workbench]:
    async with workbench(host, TARGET, tmp_path / "state", clock=QuickClock()) as services:
        yield services


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(random.Random(3).randbytes(SIZE))
    return path


def partial_in(there: Path) -> Path:
    (found,) = there.glob(".big*fairlead-part")
    return found


async def stop_after(bench: Workbench, source: Path, size: int) -> None:
    """Send about `size` bytes and stop; what is there stays."""
    transfer = bench.transfers.submit(bench.putting(source, to="big"))
    while transfer.progress.bytes_done < size:
        assert transfer.outcome is None, transfer.outcome
        await asyncio.sleep(0)
    await transfer.cancel()


def notes(outcome: TransferOutcome) -> str:
    return " ".join(note.note for note in outcome.notes)


# --- what somebody else has put there -----------------------------------------------------------------------------


def belongs_to_a_stranger(partial: Path, kept: Path) -> None:
    need_root("files of another user")
    os.chown(partial, STRANGER, -1)


def has_a_second_name(partial: Path, kept: Path) -> None:
    os.link(partial, kept)


def is_a_link(partial: Path, kept: Path) -> None:
    partial.rename(kept)
    partial.symlink_to(kept)


def is_open_to_all(partial: Path, kept: Path) -> None:
    partial.chmod(0o666)


@pytest.mark.parametrize("planted", [belongs_to_a_stranger, has_a_second_name, is_a_link, is_open_to_all])
async def test_an_unfinished_copy_that_is_not_ours_is_neither_written_to_nor_gone_on_with(
    bench: Workbench, there: Path, source: Path, planted: Callable[[Path, Path], None]
) -> None:
    await stop_after(bench, source, 3 * MIB)
    partial, kept = partial_in(there), there / "kept"
    planted(partial, kept)
    before = kept.read_bytes() if kept.exists() else b""
    outcome = await bench.put(source, to="big")
    assert outcome.error is None
    assert (there / "big").read_bytes() == source.read_bytes()
    assert (there / "big").stat().st_uid == os.geteuid()
    assert (there / "big").stat().st_nlink == 1
    assert outcome.progress.resumed_bytes == 0
    assert "not made" in notes(outcome)
    assert (kept.read_bytes() if kept.exists() else b"") == before
    assert not list(there.glob(".*"))


@pytest.mark.parametrize("no_commands", [False, True])
async def test_an_unfinished_copy_that_is_ours_is_gone_on_with(
    bench: Workbench, host: DirectoryHost, there: Path, source: Path, no_commands: bool
) -> None:
    host.faults.no_commands = no_commands
    await stop_after(bench, source, 3 * MIB)
    outcome = await bench.put(source, to="big")
    assert outcome.error is None
    assert (there / "big").read_bytes() == source.read_bytes()
    assert outcome.progress.resumed_bytes >= MIB
    assert not list(there.glob(".*"))


async def test_a_complete_copy_that_may_not_be_written_any_more_only_gets_its_name(
    bench: Workbench, host: DirectoryHost, there: Path, source: Path
) -> None:
    source.chmod(0o444)
    host.faults.lose_at_replace = [False]
    outcome = await bench.put(source, to="big")
    assert outcome.error is None
    assert host.received == SIZE
    assert (there / "big").read_bytes() == source.read_bytes()


# --- the name was given, or was it? -------------------------------------------------------------------------------


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("no_commands", [False, True])
@pytest.mark.parametrize("size", [1000, SIZE])
async def test_a_link_that_is_lost_while_the_name_is_given_costs_nothing(
    bench: Workbench, host: DirectoryHost, there: Path, source: Path, done: bool, no_commands: bool, size: int
) -> None:
    os.truncate(source, size)
    (there / "big").write_bytes(bytes(size))
    host.faults.no_commands = no_commands
    host.faults.lose_at_replace = [done]
    outcome = await bench.put(source, to="big")
    assert outcome.error is None
    assert (there / "big").read_bytes() == source.read_bytes()
    assert host.received == size
    assert outcome.progress.bytes_done == size
    assert outcome.progress.verified == (not no_commands)
    assert not list(there.glob(".*"))


@pytest.mark.parametrize("no_commands", [False, True])
async def test_what_has_the_name_now_is_not_taken_for_the_copy_without_proof(
    bench: Workbench, host: DirectoryHost, there: Path, source: Path, no_commands: bool
) -> None:
    host.faults.no_commands = no_commands
    host.faults.lose_at_replace = [True]
    transfer = bench.transfers.submit(bench.putting(source, to="big"))
    while not transfer.progress.restarts:
        await asyncio.sleep(0)
    await transfer.cancel()
    final = there / "big"
    modified = final.stat().st_mtime
    final.write_bytes(random.Random(4).randbytes(SIZE))
    os.utime(final, (modified, modified))
    outcome = await bench.put(source, to="big")
    assert outcome.error is None
    assert final.read_bytes() == source.read_bytes()


# --- a server that tells late -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1000, SIZE])
async def test_a_server_that_tells_only_at_the_end_that_nothing_was_kept_is_heard(
    bench: Workbench, host: DirectoryHost, there: Path, source: Path, size: int
) -> None:
    os.truncate(source, size)
    host.faults.refuse_closing = Code.QUOTA
    outcome = await bench.put(source, to="big")
    assert outcome.error is not None
    assert outcome.error.code is Code.QUOTA
    assert not (there / "big").exists()


async def test_streamed_content_is_not_named_when_the_server_could_not_keep_it(
    bench: Workbench, host: DirectoryHost, there: Path
) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"some"

    host.faults.refuse_closing = Code.DISK_FULL
    files = bench.files.on("server")
    with pytest.raises(FileError) as caught:
        await files.write(os.fsencode(there / "big"), content())
    assert caught.value.code is Code.DISK_FULL
    assert list(there.iterdir()) == []
