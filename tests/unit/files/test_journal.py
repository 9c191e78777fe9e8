"""The journal and the locks: what survives, what is forgotten, who may write."""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.errors import Code, FileError
from backend.files.journal import KEPT_SECONDS, FinishedItem, Journal, journal_key
from backend.files.locks import DestinationLocks, lock_file, unlock_file
from backend.files.resume import Fingerprint, PartialRecord
from backend.store import Store


class SetClock:
    """A wall clock that is moved by hand."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.wall.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def journal(tmp_path: Path, clock: SetClock) -> AsyncIterator[Journal]:
    store = Store(tmp_path / "state/fairlead.db")
    await store.open()
    yield Journal(store, clock)
    await store.close()


RECORD = PartialRecord(Fingerprint(1 << 40, 1234.5678, b"\0\xff"), 0)


async def test_a_record_comes_back_as_it_was_and_advances(journal: Journal) -> None:
    key = journal_key(b"get", b"host", b"/\xff")
    assert await journal.partial(key) is None
    await journal.begin(key, RECORD)
    assert await journal.partial(key) == RECORD
    await journal.advance(key, 1 << 33)
    known = await journal.partial(key)
    assert known is not None
    assert (known.mark, known.source) == (1 << 33, RECORD.source)
    await journal.forget(key)
    assert await journal.partial(key) is None


def test_keys_of_different_transfers_differ_however_their_parts_are_cut() -> None:
    assert journal_key(b"ab", b"c") != journal_key(b"a", b"bc") != journal_key(b"abc")


async def test_finished_items_belong_to_their_tree(journal: Journal) -> None:
    item = FinishedItem(b"/\xff\0name", b"name", 5, 1.5, True)
    await journal.add_finished(b"one", [item, FinishedItem(b"other", b"other", 6, 2.5, False)])
    await journal.add_finished(b"two", [item])
    assert (await journal.finished(b"one"))[item.path] == item
    await journal.forget_tree(b"one")
    assert await journal.finished(b"one") == {}
    assert await journal.finished(b"two") == {item.path: item}


async def test_what_nobody_went_on_with_is_dropped_in_time(journal: Journal, clock: SetClock) -> None:
    await journal.begin(b"old", RECORD)
    await journal.add_finished(b"old", [FinishedItem(b"p", b"p", 1, 1.0, False)])
    clock.wall += timedelta(seconds=KEPT_SECONDS - 5)
    await journal.begin(b"new", RECORD)
    clock.wall += timedelta(seconds=10)
    await journal.drop_old()
    assert await journal.partial(b"old") is None
    assert await journal.finished(b"old") == {}
    assert await journal.partial(b"new") == RECORD


def test_one_destination_has_one_writer_in_this_process(tmp_path: Path) -> None:
    locks = DestinationLocks(tmp_path / "state/locks")
    with locks.holding(b"a", b"/a"), locks.holding(b"b", b"/b"):
        with pytest.raises(FileError) as caught, locks.holding(b"a", b"/a"):
            pass
        assert caught.value.code is Code.IN_USE
        assert "/a" in caught.value.message
    with locks.holding(b"a", b"/a"):
        pass
    locks.close()


def test_where_the_file_system_has_no_locks_this_process_still_keeps_its_own_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", refuse)
    monkeypatch.setattr("fcntl.flock", refuse)
    locks = DestinationLocks(tmp_path / "locks")
    with locks.holding(b"a", b"/a"):
        with pytest.raises(FileError) as caught, locks.holding(b"a", b"/a"):
            pass
        assert caught.value.code is Code.IN_USE
    locks.close()
    with (tmp_path / "file").open("w") as file:
        assert lock_file(file.fileno())
        unlock_file(file.fileno())


async def test_a_state_directory_has_an_identity_that_stays(tmp_path: Path) -> None:
    seen = []
    for name in ("a", "a", "b"):
        store = Store(tmp_path / name / "fairlead.db")
        await store.open()
        seen.append(await Journal(store, SetClock()).identity())
        await store.close()
    assert seen[0] == seen[1] != seen[2]


HOLDER = """
import sys
from pathlib import Path
from backend.files.locks import DestinationLocks
with DestinationLocks(Path(sys.argv[1])).holding(b"a", b"/a"):
    print("held", flush=True)
    sys.stdin.read()
"""


async def test_one_destination_has_one_writer_among_processes_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "state/locks"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    locks = DestinationLocks(path)
    with pytest.raises(FileError) as caught, locks.holding(b"a", b"/a"):
        pass
    assert caught.value.code is Code.IN_USE
    with locks.holding(b"b", b"/b"):
        pass
    holder.kill()
    await holder.wait()
    with locks.holding(b"a", b"/a"):
        pass
    locks.close()
