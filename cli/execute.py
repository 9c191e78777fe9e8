"""What every command on a host does: log, services, signals, and what is told meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from backend.connection.interaction import Interaction
from backend.connection.session import NO_SFTP, FilesOverCommands
from backend.connection.state import CONNECTED, SessionChanged, SessionState
from backend.container import Container
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.settings import Settings
from cli.compose import open_services
from cli.configuration import configure
from cli.failures import report
from cli.flags import GlobalFlags
from cli.giveup import UNATTENDED, GiveUp
from cli.interaction import interaction_for
from cli.logs import failures_logged, logged
from cli.narration import Narration
from cli.supervise import supervise
from cli.terminal import Terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a command works with."""

    container: Container
    settings: Settings
    flags: GlobalFlags
    narration: Narration
    interaction: Interaction
    somebody: bool
    """Whether a person can be asked."""

    async def report(self, error: FairleadError) -> int:
        """Tell about a failure that does not end the command, as fully as one that does; the exit status it means."""
        return report(await self.container.told(error), self.flags)


Work = Callable[[Services], Coroutine[Any, Any, int]]


def execute(flags: GlobalFlags, work: Work, *, host: str | None = None, unattended: float | None = UNATTENDED) -> int:
    """Run `work` with the services open; the exit status.

    `host` is the one that is connected to first of all, and gets the password of `--password-stdin`. `unattended`:
    seconds that a lost host is waited for where nobody could stop it and nobody has said how long; None for ever.
    """
    configuration = configure(flags)
    narration = Narration()
    with logged(flags, configuration.vault), _terminal(flags) as terminal:
        interaction = interaction_for(flags, narration, host=host, terminal=terminal)

        async def with_services() -> int:
            async with open_services(configuration, interaction, at_once=host is not None) as container:
                container.bus.subscribe(SessionChanged, _LinkNews(narration).hear)
                container.bus.subscribe(FilesOverCommands, lambda event: narration.say(f"{event.host}: {NO_SFTP}"))
                giving_up = GiveUp(_patience(flags, terminal, unattended), clock=container.clock, narration=narration)
                container.bus.subscribe(SessionChanged, giving_up.hear)
                services = Services(
                    container=container,
                    settings=configuration.settings,
                    flags=flags,
                    narration=narration,
                    interaction=interaction,
                    somebody=terminal is not None,
                )
                with failures_logged():
                    return await _explained(giving_up.watch(work(services)), container)

        try:
            return supervise(with_services)
        finally:
            narration.end_progress()


async def _explained(work: Coroutine[Any, Any, int], container: Container) -> int:
    """`work`, with what the ladder would say about a failure put into it. Loaded only when something fails."""
    try:
        return await work
    except FairleadError as error:
        raise await container.told(error) from error.__cause__


@contextlib.contextmanager
def _terminal(flags: GlobalFlags) -> Iterator[Terminal | None]:
    terminal = None if flags.batch else Terminal.open()
    try:
        yield terminal
    finally:
        if terminal is not None:
            terminal.close()


def _patience(flags: GlobalFlags, terminal: Terminal | None, unattended: float | None = UNATTENDED) -> float | None:
    """Seconds that a lost host is waited for; None for ever."""
    return unattended if flags.give_up is None and terminal is None else flags.give_up


class _LinkNews:
    """Tells of a link that is lost, and of one that is back; the rest is in the log."""

    def __init__(self, narration: Narration) -> None:
        self._narration = narration
        self._lost: set[str] = set()

    def hear(self, event: SessionChanged) -> None:
        if event.new is SessionState.RECONNECTING:
            if event.host not in self._lost:
                self._narration.say(f"{event.host}: {event.reason} Connecting again…")
            self._lost.add(event.host)
        elif event.host in self._lost and event.new in _SETTLED:
            self._lost.discard(event.host)
            self._narration.say(f"{event.host}: {'connected again' if event.new in CONNECTED else event.reason}")


_SETTLED = CONNECTED | {SessionState.FAILED, SessionState.CLOSED}
