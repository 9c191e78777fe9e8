"""This terminal, joined to a remote one: keys there, output here, size kept, and the terminal put back at the end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from backend.connection.connector import ExitReport, Link, PtyRequest, RemoteProcess
from backend.errors import LinkLost, SessionError
from backend.fd_writer import FdWriter
from backend.tasks import cancel_all
from backend.tty import Reader, raw_mode, size_of
from cli.escape import HELP, Escapes
from cli.iterate import closing

_STDIN, _STDOUT = 0, 1


async def join_terminal(link: Link, command: bytes | None) -> ExitReport | None:
    """Run `command`, or the login shell, on a PTY of this terminal's size until it ends.

    None when the person ended it with `~.`. Raises LinkLost or SessionError.
    """
    return await join_process(lambda request: link.open_process(command, pty=request))


async def join_process(start: Callable[[PtyRequest], Awaitable[RemoteProcess]]) -> ExitReport | None:
    """As `join_terminal`, for what `start` opens."""
    request = PtyRequest(term=os.environ.get("TERM", "xterm-256color"), size=size_of(_STDIN))
    async with await start(request) as process:
        with raw_mode(_STDIN), _size_followed(process):
            return await _until_either_ends(process)


async def _until_either_ends(process: RemoteProcess) -> ExitReport | None:
    screen = FdWriter(_STDOUT)
    output = asyncio.create_task(_show(process, screen))
    keys = asyncio.create_task(_send_keys(process, screen))
    try:
        await asyncio.wait({output, keys}, return_when=asyncio.FIRST_COMPLETED)
        if keys.done() and keys.result():
            return None
        await output
        return await process.wait()
    finally:
        await cancel_all([output, keys])


async def _show(process: RemoteProcess, screen: FdWriter) -> None:
    async with closing(process.output()) as chunks:
        async for chunk in chunks:
            await screen.write(chunk.data)


async def _send_keys(process: RemoteProcess, screen: FdWriter) -> bool:
    """Send what is typed; True when the person ended the session, False when stdin ended or nobody takes keys."""
    try:
        return await _pass_keys(process, screen)
    except (SessionError, LinkLost):  # the process has ended, or the link: its output tells how
        return False


async def _pass_keys(process: RemoteProcess, screen: FdWriter) -> bool:
    escapes = Escapes()
    async with closing(Reader(_STDIN, limit=4096).chunks()) as chunks:
        async for chunk in chunks:
            keys = escapes.feed(chunk)
            if keys.send:
                await process.write(keys.send)
            if keys.help_wanted:
                await screen.write(HELP)
            if keys.ended:
                return True
    await process.write_eof()
    return False


@contextmanager
def _size_followed(process: RemoteProcess) -> Iterator[None]:
    """Tell the remote terminal whenever this one changes its size."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, lambda: process.resize(size_of(_STDIN)))
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
