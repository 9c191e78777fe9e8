"""The event bus."""

from __future__ import annotations

import pytest

from backend.dataclass import dataclass
from backend.events import Event, EventBus


@dataclass(frozen=True, slots=True)
class Opened(Event):
    name: str


@dataclass(frozen=True, slots=True)
class OpenedTwice(Opened):
    pass


@dataclass(frozen=True, slots=True)
class Closed(Event):
    pass


def test_an_event_reaches_who_asked_for_its_kind_or_a_wider_one_before_publish_returns() -> None:
    bus = EventBus()
    everything: list[Event] = []
    opened: list[Opened] = []
    bus.subscribe(Event, everything.append)
    bus.subscribe(Opened, opened.append)
    events = [Opened("web-1", "a"), Closed("web-1"), OpenedTwice("web-1", "b")]
    for event in events:
        bus.publish(event)
    assert everything == events
    assert opened == [events[0], events[2]]


def test_after_cancel_nothing_comes_and_cancelling_again_is_harmless() -> None:
    bus = EventBus()
    heard: list[Event] = []
    subscription = bus.subscribe(Event, heard.append)
    subscription.cancel()
    subscription.cancel()
    bus.publish(Closed("web-1"))
    assert heard == []


def test_a_listener_that_fails_is_logged_and_the_others_hear_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    bus = EventBus()
    heard: list[Event] = []

    def fail(event: Event) -> None:
        raise ZeroDivisionError("listener")

    bus.subscribe(Event, fail)
    bus.subscribe(Event, heard.append)
    bus.publish(Closed("web-1"))
    assert len(heard) == 1
    assert "a listener failed on Closed" in caplog.text


def test_listeners_may_come_and_go_while_an_event_is_delivered() -> None:
    bus = EventBus()
    heard: list[str] = []

    def first(event: Event) -> None:
        heard.append("first")
        mine.cancel()
        bus.subscribe(Event, lambda event: heard.append("late"))

    mine = bus.subscribe(Event, first)
    bus.subscribe(Event, lambda event: heard.append("second"))
    bus.publish(Closed("web-1"))
    assert heard == ["first", "second"]
    bus.publish(Closed("web-1"))
    assert heard == ["first", "second", "second", "late"]


def test_events_raised_by_a_listener_are_delivered_too() -> None:
    bus = EventBus()
    heard: list[Event] = []
    bus.subscribe(Opened, lambda event: bus.publish(Closed(event.host)))
    bus.subscribe(Event, heard.append)
    bus.publish(Opened("web-1", "a"))
    assert {type(event) for event in heard} == {Opened, Closed}
