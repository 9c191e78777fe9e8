"""What is told when a history has grown: apart from the values, which take long to load and are seldom looked at."""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.events import Event


@dataclass(frozen=True, slots=True)
class HealthChanged(Event):
    """What is known about a host's health has changed and is written."""
