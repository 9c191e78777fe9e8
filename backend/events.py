"""What happens, as typed frozen events on one bus. Front ends, log, metrics and history all listen here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from backend.dataclass import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to a host's work. Each room defines its own kinds beside what causes them."""

    host: str


E = TypeVar("E", bound=Event)
Handler = Callable[[E], None]


class Subscription:
    """A standing wish to hear of events; ends with `cancel`."""

    def __init__(self, bus: EventBus, kind: type[Event], handler: Handler[Event]) -> None:
        self._bus = bus
        self.kind = kind
        self.handler = handler

    def cancel(self) -> None:
        """No call after this; harmless when repeated."""
        self._bus.drop(self)


class EventBus:
    """Delivers each event at once, in the publisher's turn of the loop, to everybody who asked for its kind.

    A handler that raises is logged and does not keep the others from hearing.
    """

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def subscribe(self, kind: type[E], handler: Handler[E]) -> Subscription:
        """Call `handler` for each event of `kind` or a subclass of it. It must return quickly."""
        subscription = Subscription(self, kind, handler)  # type: ignore[arg-type]  # checked by kind at delivery
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, event: Event) -> None:
        for subscription in tuple(self._subscriptions):
            if isinstance(event, subscription.kind):
                try:
                    subscription.handler(event)
                except Exception:
                    log.exception("a listener failed on %s", type(event).__name__)

    def drop(self, subscription: Subscription) -> None:
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
