"""The health of a host in one line: its round trips, its trends, failed units and load. Pure."""

from __future__ import annotations

from statistics import fmean, median

from textual.content import Content

from backend.health.deep.values import DeepCheck, Level
from backend.health.trends.values import Trend
from tui.format import latency_text
from tui.glyphs import Glyphs, sparkline
from tui.health.gathering import Health
from tui.health.words import level_look

_TRIPS = 8
_GAP = "   "
_STYLES = {Level.WARN: "$warning", Level.CRITICAL: "$error"}


def health_line(health: Health, width: int, glyphs: Glyphs) -> Content:
    """As much as `width` has room for, what matters most first; nothing where nothing is known."""
    parts = [
        part
        for part in (_trips(health, glyphs), *_trends(health, glyphs), *_inside(health.check), _rate(health))
        if part
    ]
    if not parts:
        return Content("")
    line = Content.styled("health", "$quiet")
    for part in parts:
        if line.cell_length + len(_GAP) + part.cell_length <= width:
            line = Content.assemble(line, _GAP, part)
    return line


def _trips(health: Health, glyphs: Glyphs) -> Content | None:
    """The last round trips, the newest, and how much they usually differ from their middle."""
    trips = [one.seconds for one in health.ssh.recent]
    if not trips:
        return None
    middle = median(trips)
    usual, spread = latency_text(middle), latency_text(fmean(abs(trip - middle) for trip in trips))
    near = "±" if glyphs.utf8 else "+/-"
    bars = sparkline(trips, _TRIPS, glyphs)
    amount, unit = spread.split()
    spread = amount if unit == usual.split()[1] else spread
    return Content.assemble(("latency ", "$quiet"), (bars, "$accent"), f" {usual} {near}{spread}")


def _trends(health: Health, glyphs: Glyphs) -> list[Content]:
    return [trend_words(trend, glyphs) for trend in health.trends]


def trend_words(trend: Trend, glyphs: Glyphs) -> Content:
    """A trend in a few words, with a sign where it is worse than well."""
    words = trend.short if glyphs.utf8 else trend.short.replace("±", "+/-")
    if trend.level is Level.OK:
        return Content(words)
    sign, style = level_look(trend.level, glyphs)
    return Content.styled(f"{sign} {words}", style)


def _inside(check: DeepCheck | None) -> list[Content]:
    """Load and failed units of the last check."""
    if check is None:
        return []
    parts = []
    if (load := check.reading("load.5m")) is not None and load.value is not None:
        parts.append(Content.assemble(("load ", "$quiet"), f"{load.value:.1f}"))
    units = check.reading("units.failed")
    if units is not None and units.value:
        count = round(units.value)
        parts.insert(0, Content.styled(f"{count} failed unit{'' if count == 1 else 's'}", _STYLES.get(units.level, "")))
    return parts


def _rate(health: Health) -> Content | None:
    rate = health.ssh.success_rate
    if rate is None:
        return None
    return Content.assemble(("reached ", "$quiet"), f"{rate * 100:.1f}".removesuffix(".0") + " %")
