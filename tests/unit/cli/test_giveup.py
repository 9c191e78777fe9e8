"""How long a lost host is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backend.clock import SystemClock
from backend.connection.state import SessionChanged, SessionState
from backend.errors import Code, LinkLost
from cli.execute import _patience
from cli.flags import GlobalFlags
from cli.giveup import UNATTENDED, GiveUp
from cli.narration import Narration
from cli.terminal import Terminal
from tests.unit.cli.ttys import full_pipe, open_tty


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with open_tty() as tty:
        yield Terminal(tty.program)


def test_a_person_may_wait_for_ever_and_nobody_waits_two_minutes(terminal: Terminal) -> None:
    assert _patience(GlobalFlags(), terminal) is None
    assert _patience(GlobalFlags(), None) == UNATTENDED == 120
    assert _patience(GlobalFlags(), None, None) is None


def test_what_is_asked_for_holds_with_and_without_a_terminal(terminal: Terminal) -> None:
    assert _patience(GlobalFlags(give_up=5), terminal) == _patience(GlobalFlags(give_up=5), None) == 5
    assert _patience(GlobalFlags(give_up=5), None, None) == 5


async def test_a_host_is_given_up_though_nobody_reads_what_is_told() -> None:
    with full_pipe() as (_, full):
        giving_up = GiveUp(0.0, clock=SystemClock(), narration=Narration(full))

        async def work() -> int:
            giving_up.hear(lost("web-1"))
            await asyncio.Event().wait()
            return 0

        async with asyncio.timeout(10):
            with pytest.raises(LinkLost):
                await giving_up.watch(work())


def lost(host: str) -> SessionChanged:
    error = LinkLost(Code.CONNECTION_LOST, host=host)
    now = datetime.now(UTC)
    return SessionChanged(host, SessionState.READY, SessionState.RECONNECTING, error.message, now, error)
