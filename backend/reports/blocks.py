"""What a report is drawn from: plain blocks without markup, which each format draws in its own way. Pure.

Texts in blocks are as they were found; a renderer escapes every one of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from typing import TypeVar, cast

from backend.dataclass import dataclass
from backend.errors import Advice

T = TypeVar("T")


class Tone(StrEnum):
    """How it stands with what a block tells of; drawn as a sign and a colour beside the words."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    QUIET = "quiet"
    """Not reached, not known."""


SIGNS = {Tone.GOOD: "✓", Tone.WARN: "!", Tone.BAD: "✕", Tone.QUIET: "·"}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; `tone` is told before the first cell."""

    cells: tuple[str, ...]
    tone: Tone | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `numeric` columns stand to the right."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do, most likely remedy first."""

    items: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that is not right: what, the evidence, and what to do."""

    title: str
    text: str
    evidence: tuple[tuple[str, str], ...]
    steps: tuple[Advice, ...]
    tone: Tone


@dataclass(frozen=True, slots=True)
class Span:
    """What was measured about one moment: the lowest, the middle and the highest value."""

    at: float
    """Seconds since 1970."""
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A course over time, at least two spans, oldest first."""

    caption: str
    spans: tuple[Span, ...]
    unit: str


Block = Paragraph | Facts | Table | Steps | Cause | Plot


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    tone: Tone
    verdict: str
    """One sentence about the whole."""
    facts: tuple[tuple[str, str], ...]
    """When it was made, and by what."""
    sections: tuple[Section, ...]


def mapped(value: T, change: Callable[[str], str]) -> T:
    """`value` (a document, block or part of one) with `change` applied to every text in it."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return cast("T", change(value))
    if isinstance(value, tuple):
        return cast("T", tuple(mapped(item, change) for item in value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: mapped(getattr(value, item.name), change) for item in dataclasses.fields(value)}
        return cast("T", dataclasses.replace(value, **fields))
    return value


def pairs(evidence: Sequence[tuple[str, str]] | None) -> tuple[tuple[str, str], ...]:
    """Evidence with its names as they are read."""
    return tuple((name.replace("_", " "), value) for name, value in evidence or ())
