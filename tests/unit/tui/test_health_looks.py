"""Readings in words, bars and plots: what is drawn is what was read, with and without UTF-8."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.history.values import Point
from backend.health.trends.values import Trend, TrendKind
from backend.health.values import LatencySample, SshHealth
from tui.glyphs import ASCII, UNICODE
from tui.health.gathering import Health
from tui.health.line import health_line
from tui.health.plot import Scale, plot
from tui.health.ranges import DAY, MONTH, RANGES, WEEK, Range, moment_words, moments
from tui.health.spark import spark
from tui.health.table import ReadingRow, reading_line, reading_rows, reading_story
from tui.health.words import reading_label, reading_value

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AT = NOW.timestamp()
DISK = "disk./.used_ratio"
FULL = Trend(
    TrendKind.FILL,
    DISK,
    "/ is full on 3 Dec (±4 days): it grew by 1.2 GB a day over the last 9 days",
    ("It is at 83 % of its limit now.",),
    Level.WARN,
    "/ full on 3 Dec (±4 days)",
    NOW + timedelta(days=9),
    timedelta(days=4),
    0.999,
)


def a_check(*readings: Reading) -> DeepCheck:
    return DeepCheck("web-1", NOW - timedelta(minutes=4), 0.2, readings)


def hours(values: list[float], spread: float = 0.0) -> tuple[Point, ...]:
    """One point an hour, the last one now."""
    first = AT - 3600 * (len(values) - 1)
    return tuple(Point(first + 3600 * i, one - spread, one, one + spread, 12) for i, one in enumerate(values))


def known(trends: tuple[Trend, ...] = (), *readings: Reading) -> Health:
    trips = tuple(LatencySample(NOW, 0.001 * trip) for trip in (12, 13, 12, 18, 12, 9, 12, 12))
    ssh = SshHealth("web-1", since=NOW, recent=trips, window_successes=124, window_failures=1)
    return Health(ssh, a_check(*readings) if readings else None, trends)


LOAD = Reading("load.5m", 0.71, "", Level.OK, "Load 0.71 over 5 min.")
UNITS = Reading("units.failed", 2.0, "", Level.WARN, "2 failed units: a, b.")


# --- words ---


@pytest.mark.parametrize(
    ("name", "label"),
    [
        (DISK, "disk /"),
        ("disk./srv/my data.used_ratio", "disk /srv/my data"),
        ("disk./.free_bytes", "disk / free"),
        ("inodes./var.used_ratio", "inodes /var"),
        ("gpu.0.celsius", "GPU 0 heat"),
        ("memory.available_ratio", "memory available"),
        ("something.new", "something.new"),
        ("disk./\x1b[31m.used_ratio", "disk /�[31m"),
    ],
)
def test_names_are_as_people_say_them_and_harmless(name: str, label: str) -> None:
    assert reading_label(name) == label


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (DISK, 0.834, "83 %"),
        ("pressure.io", 0.003, "0.3 %"),
        ("conntrack.used_ratio", 0.0001, "<0.1 %"),
        ("latency", 0.0123, "12 ms"),
        ("clock.offset", -0.25, "-250 ms"),
        ("uptime", 273_600.0, "3 d 4 h"),
        ("certificate.user.seconds_left", -5.0, "over"),
        ("disk./.free_bytes", 18e9, "18.0 GB"),
        ("load.5m", 0.714, "0.71"),
        ("sockets.tcp", 1234.0, "1,234"),
    ],
)
def test_values_have_the_readers_units(name: str, value: float, text: str) -> None:
    assert reading_value(name, value) == text


# --- the line ---


def test_the_line_tells_round_trips_trends_units_load_and_how_often_it_was_reached() -> None:
    line = health_line(known((FULL,), LOAD, UNITS), 120, UNICODE).plain
    assert line == "   ".join(
        (
            "health",
            "latency ▃▄▃▅▃▃▃▃ 12 ms ±1",
            "⚠ / full on 3 Dec (±4 days)",
            "2 failed units",
            "load 0.7",
            "reached 99.2 %",
        )
    )


def test_where_there_is_less_room_what_matters_most_stays() -> None:
    line = health_line(known((FULL,), LOAD, UNITS), 70, UNICODE).plain
    assert "12 ms" in line
    assert "/ full on 3 Dec" in line
    assert "reached" not in line
    assert len(line) <= 70


def test_without_utf8_the_line_is_plain_ascii() -> None:
    assert health_line(known((FULL,), LOAD), 120, ASCII).plain.isascii()


def test_of_a_host_that_nothing_is_known_of_there_is_no_line() -> None:
    assert health_line(Health(SshHealth("new")), 120, UNICODE).plain == ""


# --- the table ---


def test_what_leads_to_trouble_stands_first_then_what_is_not_right() -> None:
    health = known((FULL,), LOAD, UNITS, Reading(DISK, 0.83, "ratio", Level.OK, "/ is 83 % full."))
    rows = reading_rows(health, {"latency": hours([0.012]), DISK: hours([0.8, 0.83])})
    assert [row.name for row in rows] == [DISK, "units.failed", "latency", "load.5m"]
    line = reading_line(rows[0], AT, 110, UNICODE).plain
    assert line.startswith("✓ disk /")
    assert line.endswith("83 %  ⚠ / full on 3 Dec (±4 days)")


def test_a_story_has_the_sentence_the_reasons_and_how_it_went() -> None:
    rows = reading_rows(known((FULL,)), {DISK: hours([0.8, 0.83], 0.01)})
    text = reading_story(rows[0], NOW, 100, UNICODE).plain
    assert "⚠ / is full on 3 Dec (±4 days): it grew by 1.2 GB a day over the last 9 days." in text
    assert "· It is at 83 % of its limit now." in text
    assert "79 % to 84 %" in text
    assert "24, the first 1 h ago" in text


@pytest.mark.parametrize("minutes", [-20, 7])
def test_of_an_hour_that_is_told_by_its_middle_no_minute_is_named(minutes: int) -> None:
    row = ReadingRow("latency", (Point(AT - 60 * minutes, 0.02, 0.02, 0.02, 1),), 0.02, None)
    assert "1, the first within the last hour" in reading_story(row, NOW, 100, UNICODE).plain


def test_what_other_readings_tell_better_is_left_out_unless_it_is_not_right() -> None:
    free = Reading("disk./.free_bytes", 1e9, "bytes", Level.OK, "1.0 GB free on /.")
    assert reading_rows(known((), free), {}) == []
    bad = Reading("disk./.free_bytes", 1e3, "bytes", Level.CRITICAL, "1 kB free on /.")
    assert [row.name for row in reading_rows(known((), bad), {})] == ["disk./.free_bytes"]


# --- bars ---


def test_bars_reach_from_the_least_to_the_most_and_leave_gaps_blank() -> None:
    points = (*hours([0.0] * 4)[:2], Point(AT, 1.0, 1.0, 1.0, 1))  # three and two hours ago, and now
    assert spark(points, AT - 4 * 3600, AT, 4, UNICODE, least=0.5) == " ▁▁█"


def test_noise_is_no_mountain() -> None:
    assert spark(hours([0.50, 0.51, 0.50]), AT - 7200, AT, 3, UNICODE, least=1.0) == "▁▁▁"


def test_a_constant_has_bars() -> None:
    assert spark(hours([0.0, 0.0]), AT - 3600, AT, 2, ASCII, least=0.0) == "__"


# --- plots ---

SCALE = Scale(
    value=lambda value: f"{value:.0%}",
    finer=lambda value: f"{value:.1%}",
    time=moment_words(DAY),
    times=moments(DAY, AT),
)


def drawn(points: tuple[Point, ...], size: tuple[int, int] = (60, 12), **options: bool) -> list[str]:
    glyphs = ASCII if options.get("ascii") else UNICODE
    return plot(points, AT - DAY.seconds, AT, size, SCALE, glyphs).plain.split("\n")


def test_a_plot_has_its_values_on_the_left_and_its_times_below() -> None:
    lines = drawn(hours([0.2 + 0.02 * hour for hour in range(24)]))
    assert len(lines) == 12
    assert lines[0].startswith("66% ┤")
    assert lines[9].startswith("20% ┤")
    assert lines[10].startswith("    └")
    assert lines[10].count("┬") >= 5
    assert max(map(len, lines)) <= 60


def test_values_that_lie_close_together_are_told_apart() -> None:
    lines = drawn(hours([0.82 + 0.0005 * hour for hour in range(24)]))
    labels = [line.split("┤")[0].strip() for line in lines if "┤" in line]
    assert labels == ["83.1%", "82.8%", "82.4%", "82.0%"]


def test_what_rises_goes_from_the_lower_left_to_the_upper_right() -> None:
    lines = drawn(hours([0.2 + 0.02 * hour for hour in range(24)]), ascii=True)
    places = [line.find("*") for line in lines[:10]]
    assert places == sorted(places, reverse=True)
    assert all(line.isascii() for line in lines)


def test_the_band_reaches_from_low_to_high_and_the_line_is_told_from_it_without_colours() -> None:
    lines = drawn(hours([0.5] * 24, 0.2), ascii=True)
    assert any(":" in line for line in lines[:10])
    assert sum("*" in line for line in lines[:10]) == 1


def test_hours_without_looks_stay_blank() -> None:
    values = hours([0.5] * 24)
    lines = drawn((*values[:6], *values[18:]), ascii=True)
    line = next(line for line in lines if "*" in line)[5:]
    first, last = line.index("*"), line.rindex("*")
    assert " " * 15 in line[first:last]
    assert " " not in line[first : first + 8], "what is as close as usual is joined"


def test_nothing_is_drawn_of_nothing_or_where_there_is_no_room() -> None:
    assert drawn(()) == [""]
    assert drawn(hours([0.5] * 3), (60, 3)) == [""]
    assert drawn(hours([0.5] * 3), (8, 12)) == [""]


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60),
    st.floats(0, 1e6),
    st.integers(10, 120),
    st.integers(4, 40),
    st.booleans(),
)
def test_any_series_fits_into_any_size(values: list[float], spread: float, width: int, height: int, utf8: bool) -> None:
    scale = Scale(
        value=lambda value: f"{value:.3g}",
        finer=lambda value: f"{value:.4g}",
        time=SCALE.time,
        times=SCALE.times,
        floor=-1e9,
        ceiling=1e9,
    )
    glyphs = UNICODE if utf8 else ASCII
    points = hours(values[-20:], spread)
    lines = plot(points, AT - DAY.seconds, AT, (width, height), scale, glyphs).plain.split("\n")
    assert lines == [""] or (len(lines) == height and max(map(len, lines)) <= width)


@pytest.mark.parametrize("shown", RANGES)
def test_named_moments_are_round_and_within_the_range(shown: Range) -> None:
    found = moments(shown, AT)
    assert 3 <= len(found) <= 8
    assert all(AT - shown.seconds <= at <= AT for at in found)
    words = [moment_words(shown)(at) for at in found]
    assert len(set(words)) == len(words) or shown in (DAY, WEEK)
    assert all(word.endswith((":00", ":15", ":30", ":45")) for word in words) or shown in (WEEK, MONTH)
