"""The workbench on a terminal of its own: a program of a tab gets all of it, and one key comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from backend.commands.terminals.engines import make_emulator
from tests.support.on_terminal import OnTerminal, on_terminal
from tests.support.program import Program

ESCAPE = "\x1d"


class Screen:
    """What the person sees: everything that was written, through an emulator."""

    def __init__(self, terminal: OnTerminal, *, columns: int, rows: int) -> None:
        self._terminal = terminal
        self._fed = 0
        self._emulator = make_emulator(columns, rows)
        terminal.resize(columns=columns, rows=rows)

    @property
    def rows(self) -> list[str]:
        new, self._fed = self._terminal.seen[self._fed :], len(self._terminal.seen)
        self._emulator.feed(new.replace("\n", "\r\n").encode())
        shown = (self._emulator.row(number) for number in range(self._emulator.rows))
        return ["".join(run.text for run in row).rstrip() for row in shown]

    async def shows(self, *words: str, not_: str = "\0") -> None:
        """Until all of `words` are on the screen and `not_` is not."""
        try:
            async with asyncio.timeout(30):
                while not_ in (text := "\n".join(self.rows)) or not all(word in text for word in words):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{words} did not appear:\n" + "\n".join(self.rows)) from None


async def test_a_program_gets_the_whole_terminal_and_one_key_comes_back(tmp_path: Path) -> None:
    program = Program(tmp_path, env={"TERM": "xterm-256color", "LANG": "C.UTF-8"})
    async with on_terminal(program, "--demo", "--yes") as terminal:
        screen = Screen(terminal, columns=80, rows=24)
        await screen.shows("Connections", "web-1")
        terminal.type("\x14")
        await screen.shows("1 ● web-1 shell", "deploy@web-1:~$", "leave")
        terminal.type("echo in the tab\r")
        await screen.shows("\nin the tab")
        terminal.type(ESCAPE + "z")
        await screen.shows("deploy@web-1:~$ echo in the tab\nin the tab", "^] z comes back", not_="leave")
        assert screen.rows[0].startswith("Welcome to web-1")
        terminal.type("echo zoomed\r")
        await screen.shows("\nzoomed\ndeploy@web-1:~$", not_="comes back")
        terminal.type(ESCAPE + "z")
        await screen.shows("1 ● web-1 shell", "\nzoomed\ndeploy@web-1:~$", "leave")
        terminal.type("exit\r")
        await screen.shows("ended")
        terminal.type(ESCAPE + "\x11")
        assert await terminal.status() == 0
