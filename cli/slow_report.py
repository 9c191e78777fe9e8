"""Why a host is slow, as text: a table with bars, then the sentence, its arithmetic, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from backend.diagnostics.slowness.report import Limit, SlowReport
from backend.diagnostics.slowness.table import Row, table
from backend.text import clean_line
from cli.fitting import fitted

_BAR = 24
_LABEL = 22
_VALUE = 10
_HEAD = _LABEL + _VALUE + 5
_LEAST_BAR = 6
_HEADINGS = {"login": "login", "steps": "each step", "bulk": "bulk data", "missing": "not measured"}


def slow_lines(report: SlowReport, width: int | None) -> list[str]:
    """The report in lines of at most `width` cells where one is given."""
    rows = table(report.measurements)
    lines: list[str] = []
    for group, heading in _HEADINGS.items():
        part = [row for row in rows if row.group == group]
        if part:
            lines += [f"{heading}:", *_table(part, width)]
    lines += ["", *fitted(clean_line(report.sentence), width)]
    if report.limit is not None:
        lines += _limit(report.limit, width)
    for other in report.limits[1:]:
        lines += fitted(clean_line(other.sentence), width, first="also: ")
        lines += _limit(other, width)
    for note in report.notes:
        lines += fitted(clean_line(note), width, first="note: ")
    return lines


def _table(rows: Sequence[Row], width: int | None) -> list[str]:
    most = max((row.size for row in rows), default=0.0)
    bar = _BAR if width is None else max(_LEAST_BAR, min(_BAR, width - _HEAD - 2 - max(len(row.note) for row in rows)))
    return [line for row in rows for line in _row(row, most, bar, width)]


def _row(row: Row, most: float, bar: int, width: int | None) -> list[str]:
    head = f"  {clean_line(row.label):<{_LABEL}} {row.value:>{_VALUE}}  "
    if row.group != "missing":
        drawn = "█" * round(bar * row.size / most) if most else ""
        head += f"{drawn or '▏':<{bar}}  "
    return [line.rstrip() for line in fitted(clean_line(row.note), width, first=head)]


def _limit(limit: Limit, width: int | None) -> list[str]:
    lines = fitted(clean_line(limit.arithmetic), width, first="  ")
    lines += [f"  (certain to {limit.confidence:.0%})".replace("%", " %")]
    for remedy in limit.remedies:
        does = f" [--apply {remedy.apply}]" if remedy.apply else ""
        lines += fitted(clean_line(remedy.text) + does, width, first="    - ")
        lines += [f"        {clean_line(remedy.command)}"] if remedy.command else []
    return lines
