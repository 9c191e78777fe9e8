"""Deadlines as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.moments import read_deadline

NOW = datetime(2026, 3, 9, 16, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30s", NOW + timedelta(seconds=30)),
        ("45 min", NOW + timedelta(minutes=45)),
        ("2h", NOW + timedelta(hours=2)),
        ("1.5h", NOW + timedelta(minutes=90)),
        ("1d", NOW + timedelta(days=1)),
        ("18:00", NOW.replace(hour=18, minute=0)),
        ("16:30", NOW + timedelta(days=1)),
        ("6:05", NOW.replace(day=10, hour=6, minute=5)),
        ("2026-03-09T18:00", NOW.replace(hour=18, minute=0)),
        ("2026-03-09T18:00+00:00", NOW.replace(hour=19, minute=0)),
    ],
)
def test_a_span_a_time_of_day_and_a_date_are_understood(text: str, moment: datetime) -> None:
    assert read_deadline(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "25:00", "12:75", "0m", "2026-03-08", "-2h", "1e400h", f"{10**20}d"])
def test_what_is_none_or_has_passed_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"deadline|passed|time of day"):
        read_deadline(text, NOW)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    try:
        moment = read_deadline(text, NOW)
    except ValueError:
        return
    assert moment > NOW
