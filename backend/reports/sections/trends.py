"""What the past of a host leads to, in blocks: each trend with its reasons, and the courses behind them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backend.clock import iso
from backend.health.history.values import Point
from backend.health.trends.values import HORIZON_DAYS, Trend
from backend.reports.blocks import Block, Cause, Paragraph, Plot, Section, Span
from backend.reports.sections.deep import LEVELS

_FEWEST = 2


def trends_section(trends: Sequence[Trend], courses: Mapping[str, Sequence[Point]]) -> Section:
    """All trends, the worst first. `courses`: by the name of a reading."""
    if not trends:
        quiet = Paragraph(f"Nothing that is sure enough to be told, of the next {HORIZON_DAYS} days.")
        return Section("What is coming", (quiet,))
    return Section("What is coming", tuple(_blocks(trends, courses)))


def _blocks(trends: Sequence[Trend], courses: Mapping[str, Sequence[Point]]) -> Iterator[Block]:
    for trend in trends:
        yield Cause(trend.short or trend.metric, trend.sentence, tuple(_figures(trend)), (), LEVELS[trend.level])
    for metric in dict.fromkeys(trend.metric for trend in trends):
        points = courses.get(metric, ())
        if len(points) >= _FEWEST:
            spans = tuple(Span(one.at, one.low, one.middle, one.high) for one in points)
            yield Plot(f"{metric}, the last {HORIZON_DAYS} days", spans, _unit(metric))


def _figures(trend: Trend) -> Iterator[tuple[str, str]]:
    yield "reading", trend.metric
    for number, reason in enumerate(trend.reasons, 1):
        yield ("because" if number == 1 else "and"), reason
    if trend.eta is not None:
        yield "when", iso(trend.eta)
    if trend.uncertainty is not None:
        yield "give or take", f"{trend.uncertainty.total_seconds() / 86_400:.1f} days, nine times in ten"
    yield "sure to", f"{trend.confidence:.0%}"


def _unit(metric: str) -> str:
    """What a reading of that name is measured in, by the last part of it."""
    if metric.endswith("_ratio"):
        return "ratio"
    if metric.endswith("_bytes"):
        return "B"
    return "s" if metric == "latency" or metric.endswith("_seconds") else ""
