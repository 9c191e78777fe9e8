"""What the services say at this moment, as the values that header and questions show. Pure reading, no waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.commands.executor import CommandState
from backend.connection.session import Session
from backend.connection.state import CONNECTED
from backend.files.transfer import TransferState

if TYPE_CHECKING:
    from backend.container import Container

_AT_REST = frozenset({TransferState.DONE, TransferState.FAILED, TransferState.CANCELLED, TransferState.PAUSED})


@dataclass(frozen=True, slots=True)
class Work:
    """What is running."""

    transfers: int = 0
    commands: int = 0
    connections: int = 0
    """That come through forwards."""

    def __bool__(self) -> bool:
        return bool(self.transfers or self.commands or self.connections)

    @property
    def text(self) -> str:
        """`2 transfers and 1 command`, `2 transfers, 1 command and 3 forwarded connections`"""
        counts = (
            (self.transfers, "transfer"),
            (self.commands, "command"),
            (self.connections, "forwarded connection"),
        )
        parts = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts if count]
        return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part) or "nothing"


def work_under_way(services: Container) -> Work:
    """Transfers that are not at rest, commands that have not ended, connections that are forwarded."""
    return Work(
        transfers=sum(transfer.state not in _AT_REST for transfer in services.transfers.all()),
        commands=sum(command.state is not CommandState.ENDED for command in services.commands.all()),
        connections=sum(forward.open for forward in services.forwards.views()),
    )


def latency_of(session: Session) -> float | None:
    """The last round trip in seconds, while connected."""
    return session.latencies[-1] if session.state in CONNECTED and session.latencies else None
