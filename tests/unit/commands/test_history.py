"""The history: private, bounded, searchable, and a leading blank keeps a line out."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from backend.commands import history as history_module
from backend.commands.history import GROUP, LONGEST, CommandHistory, once_each, worth_keeping
from backend.commands.many.run import GroupRun
from backend.commands.many.values import GroupSpec
from backend.commands.values import CommandOutcome, CommandSpec
from backend.connection.connector import ExitReport
from backend.errors import Code, LinkLost
from backend.store import Store
from mocks.clock import VirtualClock


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[CommandHistory]:
    store = Store(tmp_path / "state" / "fairlead.db")
    yield CommandHistory(store=store, clock=VirtualClock())
    await store.close()


def _ended(status: int | None = 0, signal: str | None = None) -> CommandOutcome:
    return CommandOutcome(ExitReport(status, signal), None, 1.5, 0, 0)


async def _put(kept: CommandHistory, host: str, *lines: str) -> None:
    for line in lines:
        await kept.begin(host, line)


async def test_lines_are_kept_by_host_with_how_they_ended(kept: CommandHistory) -> None:
    number = await kept.begin("web-1", "make", b"/srv/\xff")
    assert number is not None
    await kept.end(number, _ended(2))
    (entry,) = await kept.entries("web-1")
    assert (entry.line, entry.cwd, entry.end, entry.status, entry.seconds) == ("make", b"/srv/\xff", "2", 2, 1.5)
    assert await kept.entries("db-2") == ()


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        (_ended(0), "0"),
        (_ended(None, "TERM"), "SIGTERM"),
        (CommandOutcome(None, LinkLost(Code.CONNECTION_LOST), 1.0, 0, 0), "CONNECTION_LOST"),
    ],
)
async def test_every_end_has_a_word(kept: CommandHistory, outcome: CommandOutcome, end: str) -> None:
    number = await kept.begin("web-1", "x")
    assert number is not None
    await kept.end(number, outcome)
    assert (await kept.entries())[0].end == end


async def test_a_leading_blank_keeps_a_line_out(kept: CommandHistory) -> None:
    assert await kept.begin("web-1", " export TOKEN=secret") is None
    assert await kept.entries() == ()
    assert not worth_keeping("  ")
    assert not worth_keeping("x" * (LONGEST + 1))


async def test_lines_are_searched_newest_first_whatever_their_case(kept: CommandHistory) -> None:
    await _put(kept, "web-1", "systemctl status nginx", "ls", "Nginx -t", "50%_off")
    await _put(kept, "db-2", "nginx -v")
    assert [entry.line for entry in await kept.entries("web-1", holds="NGINX")] == [
        "Nginx -t",
        "systemctl status nginx",
    ]
    assert [entry.host for entry in await kept.entries(holds="nginx")] == ["db-2", "web-1", "web-1"]
    assert [entry.line for entry in await kept.entries(holds="%_")] == ["50%_off"]


async def test_a_line_that_ran_often_is_found_once(kept: CommandHistory) -> None:
    await _put(kept, "web-1", "ls", "df", "ls")
    assert [entry.line for entry in once_each(await kept.entries("web-1"))] == ["ls", "df"]


async def test_lines_are_forgotten_by_host_and_text(kept: CommandHistory) -> None:
    await _put(kept, "web-1", "curl token=1", "ls")
    await _put(kept, "db-2", "curl token=2")
    assert await kept.forget("web-1", holds="TOKEN=") == 1
    assert await kept.forget() == 2
    assert await kept.entries() == ()


async def test_it_stays_within_its_bounds(kept: CommandHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "KEPT", 12)
    monkeypatch.setattr(history_module, "KEPT_OF_HOST", 8)
    monkeypatch.setattr(history_module, "_SLACK", 5)
    await _put(kept, "web-1", *(f"w{number}" for number in range(20)))
    await _put(kept, "db-2", *(f"d{number}" for number in range(10)))
    lines = [entry.line for entry in await kept.entries()]
    assert lines == [*(f"d{number}" for number in range(9, 1, -1)), "w19", "w18"]


async def test_the_file_is_private(kept: CommandHistory, tmp_path: Path) -> None:
    await kept.begin("web-1", "ls")
    path = tmp_path / "state" / "fairlead.db"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT line FROM command_history").fetchall() == [("ls",)]
    db.close()


async def test_a_line_is_dropped_exactly_and_can_be_put_back(kept: CommandHistory) -> None:
    await _put(kept, "web-1", "make", "make deploy", "make")
    await _put(kept, "db-2", "make")
    before = await kept.entries()
    dropped = await kept.drop("web-1", "make")
    assert [(one.host, one.line) for one in await kept.entries()] == [("db-2", "make"), ("web-1", "make deploy")]
    await kept.put_back(dropped)
    assert await kept.entries() == before


class _Group:
    """As much of a run on many hosts as the history looks at."""

    id = "many-1"
    spec = GroupSpec(("web-1", "db-2"), CommandSpec(b"uptime"))
    hosts = ("web-1", "db-2")
    error = None

    def __init__(self, *failed: str) -> None:
        self.failed = failed

    async def wait(self) -> None:
        return None


@pytest.mark.parametrize(("failed", "end"), [((), "0"), (("db-2",), "1 of 2 failed")])
async def test_a_line_for_many_hosts_is_kept_once(kept: CommandHistory, failed: tuple[str, ...], end: str) -> None:
    kept.keep_group("uptime", cast(GroupRun, _Group(*failed)))
    kept.keep_group(" secret", cast(GroupRun, _Group()))
    await kept.close()
    assert [(one.host, one.line, one.end) for one in await kept.entries()] == [(GROUP, "uptime", end)]
