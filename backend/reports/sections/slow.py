"""Why a host is slow, in blocks: the limits with their arithmetic, then every figure. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from backend.diagnostics.slowness.report import Limit, SlowReport
from backend.diagnostics.slowness.table import limit_word, table
from backend.reports.blocks import Block, Cause, Paragraph, Row, Section, Table, Tone

_GROUPS = {"login": "The login", "steps": "Each step", "bulk": "Bulk data", "missing": "Not measured"}


def slow_section(slow: SlowReport) -> Section:
    """The whole answer."""
    return Section("Why it is slow", tuple(_blocks(slow)))


def _blocks(slow: SlowReport) -> Iterator[Block]:
    if slow.limit is None:
        yield Paragraph(slow.sentence)
    for limit in slow.limits:
        yield _cause(limit)
    if slow.notes:
        yield Table("Seen besides", ("note",), tuple(Row((note,)) for note in slow.notes))
    rows = table(slow.measurements)
    for group, caption in _GROUPS.items():
        part = tuple(Row((row.label, row.value, row.note)) for row in rows if row.group == group)
        if part:
            yield Table(caption, ("what", "measured", "note"), part, frozenset({1}))


def _cause(limit: Limit) -> Cause:
    figures = (("arithmetic", limit.arithmetic), ("certain to", f"{limit.confidence:.0%}"))
    return Cause(limit_word(limit.kind), limit.sentence, figures, limit.remedies, Tone.WARN)
