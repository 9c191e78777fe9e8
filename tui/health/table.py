"""The readings of a host, one in a line: level, name, a week as bars, the last value, what it leads to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from textual.content import Content

from backend.dataclass import dataclass
from backend.health.deep.values import Level, severity
from backend.health.history.values import Point
from backend.health.trends.values import Trend
from backend.text import clean_line
from tui.detail.table import table
from tui.format import ago_text
from tui.glyphs import Glyphs
from tui.health.gathering import Health
from tui.health.line import trend_words
from tui.health.spark import spark
from tui.health.words import is_ratio, level_look, order_of, reading_label, reading_value
from tui.widgets.flow import broken

WEEK = 7 * 86400.0
LABEL_WIDTH = 20
VALUE_WIDTH = 10
SAID_WIDTH = 31
_LEFT_OUT = ("memory.total_bytes", "oom.kills", "load.1m", "load.15m")
_LEAST_OF_RATIO, _LEAST_OF_VALUE = 0.05, 0.5


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading."""

    name: str
    points: tuple[Point, ...]
    """Of the last week."""
    value: float | None
    """The last one."""
    level: Level | None
    """As the last check judged it; None where it did not."""
    text: str = ""
    """The same as a sentence."""
    trend: Trend | None = None


def reading_rows(health: Health, series: Mapping[str, tuple[Point, ...]]) -> list[ReadingRow]:
    """What leads to trouble first, then what is not right, then what people ask for first."""
    checked = {} if health.check is None else {one.name: one for one in health.check.readings}
    trends: dict[str, Trend] = {}
    for trend in health.trends:
        trends.setdefault(trend.metric, trend)
    rows = []
    for name in {*series, *checked, *trends}:
        reading, points = checked.get(name), series.get(name, ())
        if _is_detail(name) and name not in trends and (reading is None or reading.level is Level.OK):
            continue
        if reading is not None and reading.is_optional and reading.value is None:
            continue
        value = reading.value if reading is not None else points[-1].middle if points else None
        level, text = (reading.level, reading.text) if reading is not None else (None, "")
        rows.append(ReadingRow(name, points, value, level, text, trends.get(name)))
    return sorted(rows, key=_importance)


def _is_detail(name: str) -> bool:
    """Whether another reading tells the same better."""
    return name in _LEFT_OUT or name.endswith((".free_bytes", ".load_ratio"))


def _importance(row: ReadingRow) -> tuple[int, int, tuple[int, str]]:
    of_trend = -1 if row.trend is None else severity(row.trend.level)
    of_level = severity(row.level) if row.level in (Level.WARN, Level.CRITICAL) else 0
    return -of_trend, -of_level, order_of(row.name)


def reading_line(row: ReadingRow, now: float, width: int, glyphs: Glyphs) -> Content:
    """One row in `width` cells; the bars get what the words leave."""
    sign, style = level_look(row.level, glyphs)
    label = Content(reading_label(row.name)).truncate(LABEL_WIDTH, ellipsis=True, pad=True)
    value = "-" if row.value is None else reading_value(row.name, row.value)
    bars = min(28, max(8, width - LABEL_WIDTH - VALUE_WIDTH - 6 - SAID_WIDTH))
    drawn = spark(row.points, now - WEEK, now, bars, glyphs, least=_least(row))
    said = Content("") if row.trend is None else trend_words(row.trend, glyphs)
    return Content.assemble(
        (sign, style), " ", label, " ", (f"{drawn:<{bars}}", "$accent"), f" {value:>{VALUE_WIDTH}}", "  ", said
    )


def _least(row: ReadingRow) -> float:
    """A difference that is worth showing."""
    if is_ratio(row.name):
        return _LEAST_OF_RATIO
    return max((abs(point.middle) for point in row.points), default=0.0) * _LEAST_OF_VALUE


def reading_story(row: ReadingRow, now: datetime, width: int, glyphs: Glyphs) -> Content:
    """All about one: what was read, what it leads to and why, and how it went."""
    parts = [broken(clean_line(row.text), width)] if row.text else []
    if row.trend is not None:
        parts.append(trend_story(row.trend, width, glyphs))
    parts.append(table(_past(row, now), width))
    return Content("\n\n").join([part for part in parts if part.plain])


def trend_story(trend: Trend, width: int, glyphs: Glyphs, *, reasons: bool = True) -> Content:
    """A trend as a sentence, with its reasons below it."""
    sign, style = level_look(trend.level, glyphs)
    near = "±" if glyphs.utf8 else "+/-"
    sentence = clean_line(trend.sentence).replace("±", near)
    sentence = f"{sentence[:1].upper()}{sentence[1:]}."
    head = Content.assemble((f"{sign} ", style), (sentence, "bold"))
    lines = [broken(head, width)]
    for reason in trend.reasons if reasons else ():
        lines.append(broken(Content.styled(f"{glyphs.dot} {clean_line(reason).replace('±', near)}", "$quiet"), width))
    return Content("\n").join(lines)


def _past(row: ReadingRow, now: datetime) -> list[tuple[str, str]]:
    points: Sequence[Point] = row.points
    if not points:
        return [("history", "none yet: this is the first look at it")]
    low, high = min(point.low for point in points), max(point.high for point in points)
    looks = sum(point.count for point in points)
    first = datetime.fromtimestamp(points[0].at, now.tzinfo)
    return [
        ("this week", f"{reading_value(row.name, low)} to {reading_value(row.name, high)}"),
        ("looks", f"{looks:,}, the first {_since(first, now)}"),
    ]


def _since(first: datetime, now: datetime) -> str:
    """How long ago; an hour is told by its middle, which says no minutes and may be ahead."""
    return "within the last hour" if now - first < timedelta(hours=1) else ago_text(first, now)
