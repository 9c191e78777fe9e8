"""What the demo's person has asked of hosts that were away, some time before the demo began."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.dataclass import dataclass
from backend.priority import Priority
from backend.requests.model import Action, RunCommand


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request."""

    host: str
    action: Action
    priority: Priority = Priority.NORMAL
    deadline: datetime | None = None


def demo_requests(now: datetime) -> tuple[Waiting, ...]:
    """What waits when the demo begins: it is done as soon as its hosts are connected."""
    return (
        Waiting("gpu-7", RunCommand(b"nvidia-smi"), Priority.HIGH),
        Waiting("gpu-7", RunCommand(b"ls -l /data/run-12", time_limit=60.0), deadline=now + timedelta(hours=6)),
    )
