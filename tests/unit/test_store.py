"""The store: private, migrated, safe between processes, and honest about a file that it cannot read."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.errors import Code, ConfigError
from backend.store import MIGRATIONS, Store


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Store]:
    store = Store(path)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM finished_trees").fetchone()[0])


async def test_file_and_directory_belong_to_the_person_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "fairlead.db"
    async with opened(path) as store:
        await store.run(count)
        modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(modes.values()) == {0o600}


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as store:
        await store.run(lambda c: c.execute("INSERT INTO finished_trees VALUES (x'01', 0)"))
    async with opened(tmp_path / "a.db") as store:
        assert await store.run(count) == 1


async def test_work_that_raises_leaves_nothing_behind(tmp_path: Path) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO finished_trees VALUES (x'01', 0)")
        raise LookupError("stop")

    async with opened(tmp_path / "a.db") as store:
        with pytest.raises(LookupError):
            await store.run(half)
        assert await store.run(count) == 0


async def test_a_damaged_file_is_reported_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    before = path.read_bytes()
    store = Store(path)
    with pytest.raises(ConfigError) as caught:
        await store.open()
    await store.close()
    assert caught.value.code is Code.CONFIG_INVALID
    assert str(path) in caught.value.message
    assert any(item.command and item.command.startswith("mv ") for item in caught.value.advice)
    assert path.read_bytes() == before


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with opened(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    store = Store(path)
    with pytest.raises(ConfigError, match="newer"):
        await store.open()
    await store.close()


async def test_a_state_directory_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "fairlead.db")
    with pytest.raises(ConfigError):
        await store.open()
    await store.close()


async def test_a_store_is_opened_by_its_first_use_and_touches_nothing_before(tmp_path: Path) -> None:
    store = Store(tmp_path / "state" / "fairlead.db")
    assert not (tmp_path / "state").exists()
    await store.run(count)
    await store.close()
    assert (tmp_path / "state" / "fairlead.db").exists()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path / "a.db") as store:
        await store.run(count)
        store._close()
        with pytest.raises(ConfigError, match="closed"):
            await store.run(count)


async def test_the_loop_runs_on_while_a_statement_waits(tmp_path: Path) -> None:
    turns = 0

    def slow(connection: sqlite3.Connection) -> int:
        while turns < 5:
            pass
        return turns

    async def count_turns() -> None:
        nonlocal turns
        while turns < 5:
            turns += 1
            await asyncio.sleep(0)

    async with opened(tmp_path / "a.db") as store:
        result, _ = await asyncio.gather(store.run(slow), count_turns())
    assert result == 5


WRITER = """
import asyncio, sys
from pathlib import Path
from backend.store import Store

async def main():
    store = Store(Path(sys.argv[1]))
    await store.open()
    for number in range(40):
        key = f"{sys.argv[2]}-{number}".encode()
        await store.run(lambda c: c.execute("INSERT INTO finished_trees VALUES (?, 0)", (key,)))
    await store.close()

asyncio.run(main())
"""


async def test_several_processes_open_and_write_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / "fairlead.db"
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, str(path), str(number))
        for number in range(4)
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0, 0]
    async with opened(path) as store:
        assert await store.run(count) == 160
