"""What a hop is connected with, shared by the modules that take part in it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from backend.clock import Clock
from backend.connection.connector import Gate, Observer
from backend.connection.interaction import Interaction
from backend.connection.vault import Vault
from backend.dataclass import dataclass


class LimitReached(Exception):
    """The limit of the phase under way was reached."""


class Bounded(Protocol):
    """Waits for work within the limit of the phase under way; raises LimitReached."""

    def __call__(self, work: Awaitable[Any]) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a hop is connected with."""

    target: str
    vault: Vault
    clock: Clock
    interaction: Interaction
    observer: Observer | None
    gate: Gate | None = None
    """Passed before the person is asked or a login begins, where several routes are tried at once."""
