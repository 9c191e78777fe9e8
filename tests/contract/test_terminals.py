"""A terminal of the service over every kind of link: what is typed, what is seen, the size, the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.clock import SystemClock
from backend.commands.terminals.engines import make_emulator
from backend.commands.terminals.service import TerminalService
from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import TerminalState
from backend.connection.connector import ExitReport, Link
from backend.events import EventBus
from backend.production.guard import never_asks
from tests.support.scripted import ScriptedSessions
from tests.support.waiting import until


@pytest.fixture
async def terminals(link: Link) -> AsyncIterator[TerminalService]:
    service = TerminalService(
        sessions=ScriptedSessions(link).as_sessions(),
        bus=EventBus(),
        clock=SystemClock(),
        permit=never_asks,
        make_emulator=make_emulator,
    )
    yield service
    await service.close()


def rows(terminal: Terminal) -> list[str]:
    shown = (terminal.emulator.row(number) for number in range(terminal.emulator.rows))
    return ["".join(run.text for run in row).rstrip() for row in shown]


async def test_what_is_typed_is_seen_and_the_end_is_told(terminals: TerminalService) -> None:
    terminal = terminals.open("web-1", command=b"printf '%s ' $TERM; stty size; read x; echo got $x; stty size; exit 7")
    await until(lambda: rows(terminal)[0] == "xterm-256color 24 80", seconds=20)
    terminal.resize(91, 27)
    assert terminal.type(b"some words\r")
    await until(lambda: terminal.state is TerminalState.ENDED, seconds=20)
    assert [row for row in rows(terminal) if row] == ["xterm-256color 24 80", "some words", "got some words", "27 91"]
    assert terminal.report == ExitReport(7)


async def test_a_login_shell_is_left_by_its_own_word(terminals: TerminalService) -> None:
    terminal = terminals.open("web-1", columns=100, rows=30)
    terminal.type(b"echo in''side\rexit\r")
    await until(lambda: terminal.state is TerminalState.ENDED, seconds=60)
    assert "inside" in rows(terminal)


async def test_a_link_that_goes_is_a_loss(terminals: TerminalService, link: Link) -> None:
    terminal = terminals.open("web-1", command=b"printf here; sleep 1000")
    await until(lambda: rows(terminal)[0] == "here", seconds=20)
    await link.close()
    await until(lambda: terminal.state is not TerminalState.RUNNING, seconds=20)
    assert terminal.state is TerminalState.LOST
    assert rows(terminal)[0] == "here"
