"""All metrics of a running program: one registry, fed from the bus from the start."""

from __future__ import annotations

from collections.abc import Callable

from backend.events import EventBus
from backend.metrics.connecting import ConnectingMetrics
from backend.metrics.registry import Registry

Watch = Callable[[Registry, EventBus], None]


class Metrics:
    """The registry, and what feeds it. `backend.metrics.render` makes text or JSON of it."""

    def __init__(self, bus: EventBus, route_of: Callable[[str], str]) -> None:
        """`route_of` names the route that a host is reached by."""
        self.registry = Registry()
        self._bus = bus
        ConnectingMetrics(self.registry, bus, route_of)

    def watch(self, room: Watch) -> None:
        """Begin to count what a room does; called when the room's service is made, so that its events are loaded."""
        room(self.registry, self._bus)
