"""How long a lost host is waited for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.execute import _patience
from cli.flags import GlobalFlags
from cli.giveup import UNATTENDED
from cli.terminal import Terminal
from tests.unit.cli.ttys import open_tty


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with open_tty() as tty:
        yield Terminal(tty.program)


def test_a_person_may_wait_for_ever_and_nobody_waits_two_minutes(terminal: Terminal) -> None:
    assert _patience(GlobalFlags(), terminal) is None
    assert _patience(GlobalFlags(), None) == UNATTENDED == 120


def test_what_is_asked_for_holds_with_and_without_a_terminal(terminal: Terminal) -> None:
    assert _patience(GlobalFlags(give_up=5), terminal) == _patience(GlobalFlags(give_up=5), None) == 5
