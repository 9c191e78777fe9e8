"""A program that pours into a terminal: keys go on, memory and the loop are not given to it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from backend.commands.terminals.terminal import Terminal
from backend.connection.interaction import Interaction
from backend.container import Container
from backend.hosts.book import HostEntry
from tests.support.loop_monitor import loop_monitor
from tests.support.transfer_world import OneHost
from tests.support.waiting import until
from tests.system.test_terminals import hosted, rows_of
from tui.app import OpenServices, WorkbenchApp, WorkbenchOptions
from tui.screens.terminals import TerminalsScreen

pytestmark = [pytest.mark.sshd, pytest.mark.no_cover]  # tracing would be measured with the rest

LONGEST = 0.05
MB = 1_000_000
POUR = b"yes & read line; kill $!; wait; echo got $line; exec sleep 60"


class Counted:
    """How much came to a terminal."""

    def __init__(self) -> None:
        self.bytes = 0

    async def __call__(self, data: bytes) -> None:
        self.bytes += len(data)


async def pour(terminal: Terminal, amount: int, press: Callable[[], Awaitable[object]]) -> None:
    """Let it pour, then press keys: what was under way before them is little."""
    counted = Counted()
    with terminal.tapped(counted):
        await until(lambda: counted.bytes > amount, seconds=100 + amount / MB * 20)
        before = counted.bytes
        await press()
        await until(lambda: "got hello" in "\n".join(rows_of(terminal)), seconds=60)
    assert counted.bytes - before < MB


@pytest.mark.parametrize(
    "amount",
    [MB // 4, pytest.param(50 * MB, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])],
    ids=lambda amount: f"{amount / MB:g} MB",
)
async def test_keys_are_heard_and_memory_is_bounded_while_it_pours(tmp_path: Path, amount: int) -> None:
    async with hosted(tmp_path) as (services, _):
        terminal = services.terminals.open("server", command=POUR)
        await until(lambda: terminal.emulator.history > 1000, seconds=30)
        before = resident()
        with loop_monitor() as report:
            await pour(terminal, amount, lambda: typed(terminal))
        assert report.worst < LONGEST, report.culprit
        assert resident() - before < 40 * MB


async def test_the_workbench_draws_listens_and_is_left_while_it_pours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(OneHost, "list", no_others)
    app = WorkbenchApp(open_services(tmp_path), WorkbenchOptions(host="server"))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(lambda: app.front is not None, seconds=30)
        await pilot.press("ctrl+t")
        screen = app.front
        assert isinstance(screen, TerminalsScreen)
        terminal = app.services.terminals.open("server", command=POUR, columns=120, rows=33)
        await until(lambda: terminal.emulator.history > 100, seconds=30)
        screen.action_go(2)
        with loop_monitor() as report:
            await pour(terminal, MB // 4, lambda: pressed(app, *"hello", "enter"))
        assert report.worst < LONGEST, report.culprit
        third = app.services.terminals.open("server", command=b"yes")
        await until(lambda: third.emulator.history > 100, seconds=30)
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def typed(terminal: Terminal) -> None:
    assert terminal.type(b"hello\r")


async def no_others(book: OneHost) -> tuple[HostEntry, ...]:
    return ()


def open_services(root: Path) -> OpenServices:
    @asynccontextmanager
    async def opened(interaction: Interaction) -> AsyncIterator[Container]:
        async with hosted(root) as (services, _):
            yield services

    return opened


async def pressed(app: WorkbenchApp, *keys: str) -> None:
    """As from the keyboard; Pilot would wait for a quiet moment, and there is none."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else "\r"))


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
