"""What the services say at this moment, as the values that header and questions show. Pure reading, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.commands.executor import CommandState
from backend.connection.session import Session
from backend.connection.state import ATTEMPTING, CONNECTED, SessionState
from backend.dataclass import dataclass
from backend.files.queue.rules import UNHELD
from backend.forwards.model import ForwardState, ForwardView
from backend.text import clean_line
from tui.glyphs import Glyphs

if TYPE_CHECKING:
    from backend.container import Container

_NOT_KEPT = frozenset({ForwardState.FAILED, ForwardState.STOPPED})


@dataclass(frozen=True, slots=True)
class Work:
    """What is running."""

    transfers: int = 0
    commands: int = 0
    terminals: int = 0
    shells: int = 0
    """Named sessions that are open."""
    forwards: int = 0
    syncs: int = 0
    operations: int = 0
    """On the files of one machine: deletions and the like."""

    def __bool__(self) -> bool:
        return self != Work()

    @property
    def busy(self) -> bool:
        """Whether something is at work, rather than only kept open."""
        return self != Work(shells=self.shells, forwards=self.forwards)

    @property
    def text(self) -> str:
        """`2 transfers and 1 command`, `2 transfers, 1 session and 3 forwards`"""
        counts = (
            (self.transfers, "transfer"),
            (self.syncs, "sync"),
            (self.operations, "file operation"),
            (self.commands, "command"),
            (self.terminals, "terminal"),
            (self.shells, "session"),
            (self.forwards, "forward"),
        )
        parts = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count]
        return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part) or "nothing"


def work_under_way(services: Container, *, operations: int = 0) -> Work:
    """Transfers that are not at rest, commands, terminals and sessions that have not ended, forwards that are kept up.

    `operations` on files are the workbench's own; it knows how many there are.
    """
    loaded = vars(services)  # terminals and syncs are not loaded before the first one
    return Work(
        transfers=sum(transfer.state not in UNHELD for transfer in services.transfers.all()),
        commands=sum(command.state is not CommandState.ENDED for command in services.commands.all())
        + (services.many.under_way if "many" in loaded else 0),
        terminals=services.terminals.under_way if "terminals" in loaded else 0,
        shells=len(services.shells.open_now()) if "shells" in loaded else 0,
        forwards=len(_forwards_kept(services)),
        syncs=services.syncs.under_way if "syncs" in loaded else 0,
        operations=operations,
    )


def kept_open(services: Container, glyphs: Glyphs) -> tuple[str, ...]:
    """What is kept open, by name: `session work on cluster`, `forward L 8080→db-2:5432 on web-1`."""
    from tui.detail.forwards import spec_words

    shells = services.shells.open_now() if "shells" in vars(services) else ()
    told = [f"session {name} on {clean_line(host)}" for host, name in shells]
    for view in _forwards_kept(services):
        used = f", {view.open} connection{'' if view.open == 1 else 's'}" if view.open else ""
        told.append(f"forward {spec_words(view.spec, glyphs, port=view.port)} on {clean_line(view.host)}{used}")
    return tuple(told)


def _forwards_kept(services: Container) -> list[ForwardView]:
    return [view for view in services.forwards.views() if view.state not in _NOT_KEPT]


def latency_of(session: Session) -> float | None:
    """The last round trip in seconds, while connected."""
    return session.latencies[-1] if session.state in CONNECTED and session.latencies else None


def why_not_there(session: Session, now: float) -> str:
    """Why nothing reaches a host that is on its way: `the link was lost, attempt 2 in 4 s`, `it is being connected`.

    Empty where it is connected, or at rest. `now` is on the clock's monotonic scale.
    """
    if session.state in ATTEMPTING:
        return "it is being connected"
    change = session.last_change
    if session.state is not SessionState.RECONNECTING or change is None:
        return ""
    wait = 0.0 if change.retry_at is None else change.retry_at - now
    when = f"in {wait:.0f} s" if wait >= 0.5 else "begins now"
    return f"the link was lost, attempt {change.attempt + 1} {when}"
