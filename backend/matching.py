"""Finding what a person means by a few letters: all of them, in order, the closest together first. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def score(query: str, text: str) -> float:
    """How well `query` fits `text`, above 0 when all its letters occur in order; 0 when they do not.

    A substring beats scattered letters, an early one a late one, a short text a long one.
    """
    query, text = query.casefold(), text.casefold()
    if not query:
        return 1.0
    if (start := text.find(query)) >= 0:
        at_word = start == 0 or not text[start - 1].isalnum()
        return 3.0 + at_word + len(query) / len(text) - start / 1000
    place, first = -1, -1
    for letter in query:
        place = text.find(letter, place + 1)
        if place < 0:
            return 0.0
        first = place if first < 0 else first
    return len(query) / (place - first + 1)


def best(query: str, items: Iterable[T], texts: Callable[[T], Iterable[str]]) -> list[T]:
    """The items of which some text fits, best first; all of them in their own order when `query` is empty."""
    if not query.strip():
        return list(items)
    words = query.split()

    def fit(item: T) -> float:
        scores = [max((score(word, text) for text in texts(item)), default=0.0) for word in words]
        return sum(scores) if all(scores) else 0.0

    scored = [(fit(item), item) for item in items]
    return [item for value, item in sorted(scored, key=lambda pair: -pair[0]) if value > 0]
