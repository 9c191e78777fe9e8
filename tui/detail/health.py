"""How reaching the host has gone: success rate, the last failure, kinds of failure, round trips by the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from textual.content import Content

from backend.health.deep.values import DeepCheck
from backend.health.trends.values import Trend
from backend.health.values import WINDOW_DAYS, LatencyHour, SshHealth
from backend.text import clean_line
from tui.detail.details import HostDetails
from tui.detail.table import TableRow, room_in, side_by_side, table
from tui.format import ago_text, latency_text
from tui.glyphs import Glyphs, sparkline
from tui.health.line import trend_words
from tui.health.words import level_look, reading_label

DAYS_SHOWN = 28
_KINDS_SHOWN = 4
_CONCERNS = 3
_TRENDS_SHOWN = 3


def health_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """Its rows; nothing where there is no history."""
    health = details.record.health if details.record is not None else None
    rows: list[TableRow] = []
    if health is not None and health.known:
        rows += [
            ("health", _verdict(health, details.now, glyphs, width)),
            ("trouble", _kinds(health, glyphs, width)),
            ("by day", days_words(health.hours, details.now, glyphs, room_in(width))),
        ]
    if details.record is not None:
        rows += [
            ("inside", _inside(details.record.check, details.now, glyphs, width)),
            ("ahead", _ahead(details.record.trends, glyphs, width)),
        ]
    return table(rows, width)


def _inside(check: DeepCheck | None, now: datetime, glyphs: Glyphs, width: int) -> Content:
    """What the last look into the host found: what is not right, or that all is well, and when that was."""
    if check is None:
        return Content("")
    sign, style = level_look(check.level, glyphs)
    bad = [reading_label(one.name) for one in check.concerns]
    said = ", ".join(bad[:_CONCERNS]) + (f" and {len(bad) - _CONCERNS} more" if len(bad) > _CONCERNS else "")
    parts = [Content.styled(f"{sign} {said or 'all is well'}", style if bad else "")]
    parts.append(Content.styled(f"looked into {ago_text(check.at, now)}", "$quiet"))
    return side_by_side(parts, room_in(width))


def _ahead(trends: Sequence[Trend], glyphs: Glyphs, width: int) -> Content:
    """What its past leads to; `h` tells why."""
    parts = [trend_words(trend, glyphs) for trend in trends[:_TRENDS_SHOWN]]
    if len(trends) > _TRENDS_SHOWN:
        parts.append(Content.styled(f"{len(trends) - _TRENDS_SHOWN} more", "$quiet"))
    return side_by_side(parts, room_in(width), between=f" {glyphs.dot} ")


def _verdict(health: SshHealth, now: datetime, glyphs: Glyphs, width: int) -> Content:
    rate = health.success_rate
    parts = [Content(f"no attempt for {WINDOW_DAYS} days") if rate is None else _rate(rate, healthy=health.healthy)]
    if health.consecutive_failures:
        never = "" if health.reached else "never reached, "
        words = f"{never}{_counted(health.consecutive_failures, 'failure')} in a row"
        if health.healthy:
            parts.append(Content.styled(words, "$warning"))
        else:
            parts.append(Content.styled(f"{glyphs.attention} {words}", "$error"))
    if (last := health.last_failure) is not None:
        hop = f" at {last.hop}" if last.hop else ""
        words = f"last failure {ago_text(last.at, now)}, {last.code}{hop}"
        parts.append(Content.styled(clean_line(words), "$quiet"))
    return side_by_side(parts, room_in(width))


def _rate(rate: float, *, healthy: bool) -> Content:
    percent = f"{rate * 100:.1f}".removesuffix(".0")
    return Content.styled(f"{percent} %", "$success" if healthy and rate >= 0.9 else "$warning")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _kinds(health: SshHealth, glyphs: Glyphs, width: int) -> Content:
    """`TCP_TIMEOUT ×3 · KEEPALIVE_LOST ×2`, of the last weeks."""
    times = "×" if glyphs.utf8 else "x"
    parts = [Content(clean_line(f"{kind.code} {times}{kind.count}")) for kind in health.kinds[:_KINDS_SHOWN]]
    if len(health.kinds) > _KINDS_SHOWN:
        parts.append(Content.styled(_counted(len(health.kinds) - _KINDS_SHOWN, "other kind"), "$quiet"))
    if health.losses and health.reconnects:
        parts.append(Content.styled(f"{health.reconnects} of {health.losses} losses restored", "$quiet"))
    return side_by_side(parts, room_in(width), between=f" {glyphs.dot} ")


def days_words(hours: Sequence[LatencyHour], now: datetime, glyphs: Glyphs, room: int) -> Content:
    """A bar for each of the last days, empty where there was no connection; nothing for less than two such days."""
    by_day = _by_day(hours)
    days = min(DAYS_SHOWN, max(7, room - 28))
    today = now.astimezone(UTC).date()
    shown = [today - timedelta(days=ago) for ago in reversed(range(days))]
    known = [by_day[day] for day in shown if day in by_day]
    if len(known) < 2:
        return Content("")
    bars = iter(sparkline(known, len(known), glyphs))
    drawn = "".join(next(bars) if day in by_day else " " for day in shown)
    spread = f"{latency_text(min(known))} to {latency_text(max(known))}"
    return Content.assemble((drawn, "$accent"), (f"  {spread}, {days} days", "$quiet"))


def _by_day(hours: Sequence[LatencyHour]) -> dict[date, float]:
    """The middle round trip of each day (UTC), its hours weighted by how often they were measured."""
    sums: defaultdict[date, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for hour in hours:
        total = sums[hour.hour.astimezone(UTC).date()]
        total[0] += hour.middle * hour.count
        total[1] += hour.count
    return {day: seconds / count for day, (seconds, count) in sums.items() if count}
