"""A course over time as SVG, and its figures for those who do not see it. Pure; nothing in it is text of a host's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from statistics import median

from backend.reports.blocks import Plot, Span

WIDTH, HEIGHT = 720, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 26
_MOST = 400
"""Spans that are drawn; more of them are put together."""
_GAP = 3.0
"""Times the usual distance from which on nothing is drawn between two spans."""


def figures(plot: Plot) -> tuple[tuple[str, str], ...]:
    """What a reader would take from the picture, in words."""
    spans = plot.spans
    return (
        ("from", _day(spans[0].at)),
        ("to", _day(spans[-1].at)),
        ("lowest", number(min(one.low for one in spans), plot.unit)),
        ("median", number(median(one.middle for one in spans), plot.unit)),
        ("highest", number(max(one.high for one in spans), plot.unit)),
        ("newest", number(spans[-1].middle, plot.unit)),
    )


def number(value: float, unit: str) -> str:
    """A value with its unit; short times in milliseconds, ratios in percent."""
    if unit == "s" and abs(value) < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value * 100:.3g} %" if unit == "ratio" else f"{value:.4g} {unit}".rstrip()


def svg(plot: Plot) -> str:
    """The picture. Colours come from the page's own variables; the band is drawn where values differ within a span."""
    spans = _thinned(plot.spans)
    scale = _Scale(spans)
    words = "; ".join(f"{name} {value}" for name, value in figures(plot))
    label = escape(f"{plot.caption}. {words}")
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">',
        *_grid(scale, plot.unit),
        *(f'<polygon class="band" points="{_band(stretch, scale)}"/>' for stretch in _stretches(spans)),
        *(f'<polyline class="line" points="{_middle(stretch, scale)}"/>' for stretch in _stretches(spans)),
        *_days(scale),
        "</svg>",
    ]
    return "".join(parts)


class _Scale:
    """From moments and values to places in the picture."""

    def __init__(self, spans: tuple[Span, ...]) -> None:
        self.first, self.last = spans[0].at, max(spans[-1].at, spans[0].at + 1)
        self.top = _nice(max(one.high for one in spans))

    def x(self, at: float) -> float:
        return round(_LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - max(0.0, value) / self.top * (HEIGHT - _TOP - _BOTTOM), 1)


def _nice(value: float) -> float:
    """The next of 1, 2, 2.5, 5 × 10^n above `value`."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _grid(scale: _Scale, unit: str) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        value = scale.top * share
        y = scale.y(value)
        yield f'<line class="grid" x1="{_LEFT}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>'
        label = "0" if share == 0 else number(value, unit)
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'


def _days(scale: _Scale) -> Iterator[str]:
    for at, anchor in ((scale.first, "start"), (scale.last, "end")):
        yield f'<text x="{scale.x(at)}" y="{HEIGHT - 6}" text-anchor="{anchor}">{_day(at)}</text>'


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _band(spans: tuple[Span, ...], scale: _Scale) -> str:
    above = [f"{scale.x(one.at)},{scale.y(one.high)}" for one in spans]
    below = [f"{scale.x(one.at)},{scale.y(one.low)}" for one in reversed(spans)]
    return " ".join((*above, *below))


def _middle(spans: tuple[Span, ...], scale: _Scale) -> str:
    return " ".join(f"{scale.x(one.at)},{scale.y(one.middle)}" for one in spans)


def _stretches(spans: tuple[Span, ...]) -> Iterator[tuple[Span, ...]]:
    """Runs without a gap: nobody knows what was in between."""
    usual = median(after.at - before.at for before, after in pairwise(spans))
    begun = 0
    for place in range(1, len(spans) + 1):
        if place == len(spans) or spans[place].at - spans[place - 1].at > _GAP * usual:
            yield _widened(spans[begun:place], usual)
            begun = place


def _widened(spans: tuple[Span, ...], usual: float) -> tuple[Span, ...]:
    """A single span is as wide as half the usual distance, so that it is seen."""
    if len(spans) > 1:
        return spans
    only = spans[0]
    return (only, Span(only.at + usual / 2, only.low, only.middle, only.high))


def _thinned(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    step = -(-len(spans) // _MOST)
    return tuple(_joined(spans[place : place + step]) for place in range(0, len(spans), step))


def _joined(spans: tuple[Span, ...]) -> Span:
    return Span(
        spans[0].at,
        min(one.low for one in spans),
        median(one.middle for one in spans),
        max(one.high for one in spans),
    )
