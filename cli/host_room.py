"""What every command on the host book does: settings, the book, signals; and asking before something goes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from backend.connection.interaction import Confirmation
from backend.errors import Code, ConfigError, Interrupted
from cli.compose import HostRoom, open_hosts
from cli.configuration import configure
from cli.flags import GlobalFlags
from cli.interaction import TerminalInteraction
from cli.logs import logged
from cli.narration import Narration
from cli.supervise import supervise
from cli.terminal import Terminal


def in_host_room(flags: GlobalFlags, work: Callable[[HostRoom], Coroutine[Any, Any, int]]) -> int:
    """Run `work` with the host book; the exit status. Nothing is connected."""
    configuration = configure(flags)

    async def with_room() -> int:
        async with open_hosts(configuration) as room:
            return await work(room)

    with logged(flags, configuration.vault):
        return supervise(with_room)


async def confirm(question: Confirmation) -> None:
    """Ask the person at the terminal. Raises Interrupted for a no, ConfigError (USAGE) where nobody can be asked."""
    terminal = Terminal.open()
    if terminal is None:
        problem = "this asks first, and there is nobody to ask; give --yes"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    try:
        if not await TerminalInteraction(terminal, Narration()).confirm(question):
            raise Interrupted(Code.INTERRUPTED, "Nothing was changed.", advice=())
    finally:
        terminal.close()
