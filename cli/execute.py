"""What every command on a host does: log, services, signals, and what is told meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from backend.connection.interaction import Interaction
from backend.connection.state import CONNECTED, SessionChanged, SessionState
from backend.container import Container
from backend.settings import Settings
from cli.compose import configure, open_services
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


Work = Callable[[Services], Coroutine[Any, Any, int]]


def execute(flags: GlobalFlags, work: Work, *, host: str | None = None) -> int:
    """Run `work` with the services open; the exit status. `host` is who gets the password of `--password-stdin`."""
    configuration = configure(flags)
    narration = Narration()
    with logged(flags, configuration.vault), _terminal(flags) as terminal:
        interaction = interaction_for(flags, narration, host=host, terminal=terminal)

        async def with_services() -> int:
            async with open_services(configuration, interaction) as container:
                container.bus.subscribe(SessionChanged, _LinkNews(narration).hear)
                giving_up = GiveUp(_patience(flags, terminal), clock=container.clock, narration=narration)
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
                    return await giving_up.watch(work(services))

        try:
            return supervise(with_services)
        finally:
            narration.end_progress()


@contextlib.contextmanager
def _terminal(flags: GlobalFlags) -> Iterator[Terminal | None]:
    terminal = None if flags.batch else Terminal.open()
    try:
        yield terminal
    finally:
        if terminal is not None:
            terminal.close()


def _patience(flags: GlobalFlags, terminal: Terminal | None) -> float | None:
    """Seconds that a lost host is waited for; None for ever."""
    return UNATTENDED if flags.give_up is None and terminal is None else flags.give_up


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
