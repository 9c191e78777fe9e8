"""The last events of this process, kept for a bundle: as the log would have them, bounded in number."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from backend.clock import Clock
from backend.event_log import FREQUENT, fields_of, is_detail, kind_of
from backend.events import Event, EventBus

KEPT = 500


class RecentEvents:
    """Listens from its making on. Fields are taken at once: an event's failure would keep much else in memory."""

    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        bus.subscribe(Event, self._hear)

    def _hear(self, event: Event) -> None:
        kind = type(event).__name__
        if kind not in FREQUENT and not is_detail(event):
            at = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds")
            head = {"at": at, "level": logging.getLevelName(logging.INFO).lower(), "logger": "fairlead.events"}
            self._kept.append({**fields_of(event), **head, "message": kind_of(kind)})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Oldest first."""
        return iter(tuple(self._kept))
