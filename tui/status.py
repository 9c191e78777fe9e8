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

    def __bool__(self) -> bool:
        return bool(self.transfers or self.commands)

    @property
    def text(self) -> str:
        """`2 transfers and 1 command`"""
        parts = [
            f"{count} {noun}{'' if count == 1 else 's'}"
            for count, noun in ((self.transfers, "transfer"), (self.commands, "command"))
            if count
        ]
        return " and ".join(parts) or "nothing"


def work_under_way(services: Container) -> Work:
    """Transfers that are not at rest and commands that have not ended."""
    return Work(
        transfers=sum(transfer.state not in _AT_REST for transfer in services.transfers.all()),
        commands=sum(command.state is not CommandState.ENDED for command in services.commands.all()),
    )


def latency_of(session: Session) -> float | None:
    """The last round trip in seconds, while connected."""
    return session.latencies[-1] if session.state in CONNECTED and session.latencies else None
