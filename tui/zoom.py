"""Zoom: the whole real terminal for the program of one of ours, raw bytes both ways, until the escape key and another.

The emulator is fed all the while, so that the tab is right afterwards; what the program asks of its terminal, the real
one answers.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from backend.commands.terminals.repaint import PUT_BACK, below, repaint, room
from backend.commands.terminals.terminal import Terminal
from backend.errors import Code, ConfigError
from backend.fd_writer import FdWriter
from backend.tasks import cancel_all, closing
from backend.tty import Reader, raw_mode, size_of
from tui.actions import key_shown
from tui.widgets.terminal_actions import PREFIX, prefix_keys
from tui.zoom_hint import ZoomHint
from tui.zoom_keys import ZoomEscape, escape_bytes

if TYPE_CHECKING:
    from tui.app import WorkbenchApp


async def zoom(app: WorkbenchApp, terminal: Terminal) -> str:
    """Returns Textual's name of the key that was pressed after the escape key; empty where the program has ended.

    Raises ConfigError (USAGE) where this terminal cannot be handed over.
    """
    from textual.app import SuspendNotSupported

    escape = ZoomEscape(escape_bytes(prefix_keys(app.options.keymap)))
    way_back = f" {key_shown(PREFIX.id, app.options.keymap)} z comes back "
    try:
        with _real_terminal() as fd, app.hand_over():
            return await _join(terminal, escape, fd, way_back)
    except SuspendNotSupported as error:
        raise _cannot("it cannot be handed over") from error


@contextmanager
def _real_terminal() -> Iterator[int]:
    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise _cannot(error.strerror or str(error)) from error
    try:
        yield fd
    finally:
        os.close(fd)


def _cannot(reason: str) -> ConfigError:
    return ConfigError(Code.USAGE, evidence={"problem": f"a program cannot have this terminal: {reason}"})


async def _join(terminal: Terminal, escape: ZoomEscape, fd: int, way_back: str) -> str:
    """Hand everything to and fro until the person has had enough, or the program."""
    screen = FdWriter(fd)
    hint = ZoomHint(terminal.emulator, screen, way_back)
    show = _Shown(terminal, hint)
    with raw_mode(fd), _size_followed(terminal, fd):
        await screen.write(room(terminal.emulator.rows) + repaint(terminal.emulator))
        with terminal.tapped(show):
            hinting = asyncio.create_task(hint.show())
            keys = asyncio.create_task(_pass_keys(terminal, escape, fd, hinting))
            ended = asyncio.create_task(terminal.wait())
            try:
                await asyncio.wait({keys, ended}, return_when=asyncio.FIRST_COMPLETED)
                return keys.result() if keys.done() else ""
            finally:
                await cancel_all([keys, ended, hinting])
                await screen.write(PUT_BACK + below(terminal.emulator.rows))


class _Shown:
    """What comes from the program, on the real terminal."""

    def __init__(self, terminal: Terminal, screen: ZoomHint) -> None:
        self._emulator = terminal.emulator
        self._screen = screen
        self._alternate = terminal.emulator.modes.alternate

    async def __call__(self, data: bytes) -> None:
        await self._screen.write(data)
        was, self._alternate = self._alternate, self._emulator.modes.alternate
        if was and not self._alternate:  # what was there before, the real terminal may never have seen
            await self._screen.write(repaint(self._emulator))


async def _pass_keys(terminal: Terminal, escape: ZoomEscape, fd: int, hinting: asyncio.Task[None]) -> str:
    async with closing(Reader(fd, limit=4096).chunks()) as chunks:
        async for chunk in chunks:
            hinting.cancel()  # whoever types has found out
            keys = escape.feed(chunk)
            terminal.type(keys.send)
            if keys.command is not None:
                return keys.command
    return ""


@contextmanager
def _size_followed(terminal: Terminal, fd: int) -> Iterator[None]:
    """The terminal has the size of the real one, from now on."""

    def follow() -> None:
        size = size_of(fd)
        terminal.resize(size.columns, size.rows)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, follow)
    try:
        follow()
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
