"""Signs, their plain letters, and the bars of round trips."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.glyphs import ASCII, UNICODE, for_environment, sparkline


@pytest.mark.parametrize(
    ("environ", "utf8"),
    [
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LC_ALL": "C.utf8", "LANG": "C"}, True),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, False),
        ({"LC_CTYPE": "POSIX"}, False),
        ({"LC_ALL": "", "LANG": "en_GB.UTF-8"}, True),
        ({}, True),
    ],
)
def test_the_locale_decides_which_signs_are_used(environ: dict[str, str], utf8: bool) -> None:
    assert for_environment(environ).utf8 is utf8


def test_plain_signs_are_plain() -> None:
    for field in fields(ASCII):
        value = getattr(ASCII, field.name)
        assert not isinstance(value, str) or value.isascii(), field.name


def test_states_can_be_told_apart_without_colour() -> None:
    for glyphs in (UNICODE, ASCII):
        states = [glyphs.ready, glyphs.busy, glyphs.degraded, glyphs.idle, glyphs.failed, glyphs.attention]
        assert len(set(states)) == len(states)


@given(st.lists(st.floats(min_value=0, max_value=60), max_size=80), st.integers(min_value=0, max_value=40))
def test_bars_are_never_longer_than_asked(values: list[float], width: int) -> None:
    assert len(sparkline(values, width, UNICODE)) == min(len(values), width)


def test_a_steady_run_stays_low_and_a_spike_stands_out() -> None:
    steady = sparkline([0.012] * 8, 8, UNICODE)
    spiked = sparkline([0.012] * 7 + [0.120], 8, UNICODE)
    assert set(steady) == {"▃"}
    assert spiked.endswith("█")
    assert set(spiked[:-1]) <= {"▁", "▂"}


def test_no_latency_at_all_is_a_flat_line() -> None:
    assert sparkline([0.0, 0.0], 4, UNICODE) == "▁▁"
