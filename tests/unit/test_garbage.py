"""When a workbench looks for garbage: never between two keys, little at a time, everything once nobody is there."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from backend import garbage
from backend.garbage import AWAY, MOMENT, QuietSearch


@dataclass
class Person:
    """Who last touched a key so many seconds ago."""

    quiet: float = 0.0
    searches: int = 0
    """Full ones, since the last look at this count."""
    kept: list[object] = field(default_factory=list)


@pytest.fixture
def person() -> Iterator[Person]:
    """With the collector as it was before, afterwards."""
    thresholds, made = gc.get_threshold(), Person()

    def heard(phase: str, info: dict[str, int]) -> None:
        made.searches += phase == "stop" and info["generation"] == 2

    gc.collect()
    gc.callbacks.append(heard)
    yield made
    gc.callbacks.remove(heard)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Knot:
    """Refers to itself: only a search finds that nobody else does."""

    def __init__(self) -> None:
        self.me = self


def work(person: Person) -> None:
    """What makes a search worth it."""
    person.kept = [[number] for number in range(40_000)]


def test_nothing_is_searched_while_keys_come_and_something_once_they_stop(person: Person) -> None:
    search = QuietSearch(lambda: person.quiet)
    work(person)
    search.look()
    assert person.searches == 0
    person.quiet = MOMENT
    search.look()
    assert person.searches == 1
    search.look()  # nothing is new
    assert person.searches == 1


def test_new_garbage_is_found(person: Person) -> None:
    search = QuietSearch(lambda: person.quiet)
    gone = weakref.ref(Knot())
    work(person)
    person.quiet = MOMENT
    search.look()
    assert gone() is None


def test_what_was_left_is_not_looked_at_again_until_nobody_is_there(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(garbage, "GROWN", 0)
    search = QuietSearch(lambda: person.quiet)
    knot = Knot()
    gone = weakref.ref(knot)
    work(person)
    person.quiet = MOMENT
    search.look()
    del knot
    work(person)
    search.look()
    assert gone() is not None and person.searches == 2
    work(person)
    person.quiet = AWAY
    search.look()
    assert gone() is None and person.searches == 3


def test_too_much_is_not_left_though_somebody_is_there(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "MUCH", 0)
    search = QuietSearch(lambda: person.quiet)
    knot = Knot()
    gone = weakref.ref(knot)
    work(person)
    person.quiet = MOMENT
    search.look()
    del knot
    work(person)
    search.look()
    assert gone() is None
