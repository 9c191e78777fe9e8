"""A terminal that is joined to a remote process: how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import cli.bridge
from backend.connection.connector import ExitReport
from backend.errors import Code, SessionError
from cli.bridge import _until_either_ends
from tests.support.scripted import ScriptedProcess
from tests.unit.cli.ttys import Tty, open_tty


@pytest.fixture
def tty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tty]:
    """A terminal that is this process's stdin and stdout."""
    with open_tty() as tty:
        monkeypatch.setattr(cli.bridge, "_STDIN", tty.program)
        monkeypatch.setattr(cli.bridge, "_STDOUT", tty.program)
        yield tty


class EndedUnseen(ScriptedProcess):
    """A process that has ended; its last words come only after a key was refused."""

    async def write(self, data: bytes) -> None:
        self.say(b"last words\r\n").end(3)
        raise SessionError(Code.SESSION_REFUSED, host="web-1", evidence={"reason": "the channel is closed"})


async def test_a_key_that_comes_too_late_loses_neither_the_last_output_nor_the_status(tty: Tty) -> None:
    os.write(tty.person, b"x\n")
    assert await _until_either_ends(EndedUnseen()) == ExitReport(3, None)
    assert "last words" in tty.screen()
