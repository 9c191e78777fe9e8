"""Holding back: the rate limit keeps its promise over any stretch; the gate pauses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.files.meter import Meter, Rate
from backend.files.pace import Gate, Pace


class StepClock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


@given(st.integers(1000, 10**8), st.lists(st.integers(1, 1 << 20), min_size=1, max_size=30))
async def test_a_limited_transfer_is_never_faster_than_it_may(rate: int, sizes: list[int]) -> None:
    clock = StepClock()
    pace = Pace(rate, clock)
    for size in sizes:
        await pace.take(size)
    assert clock.time >= sum(sizes) / rate - 0.25 - 1e-6
    assert clock.time <= sum(sizes) / rate + 1e-6


async def test_without_a_limit_nothing_waits() -> None:
    clock = StepClock()
    await Pace(None, clock).take(1 << 40)
    assert clock.time == 0


async def test_a_closed_gate_holds_until_it_opens() -> None:
    gate = Gate()
    await gate.passed()
    gate.close()
    waiting = asyncio.create_task(gate.passed())
    await asyncio.sleep(0)
    assert gate.closed
    assert not waiting.done()
    gate.open()
    await waiting


def test_the_rate_follows_what_flows() -> None:
    rate = Rate()
    for step in range(1, 200):
        rate.add(1_000_000, step * 0.1)
    assert rate.value == pytest.approx(10e6, rel=0.05)


def test_the_wait_for_the_first_bytes_does_not_count() -> None:
    rate = Rate()
    for step in range(5):
        rate.add(1_000_000, 60 + step * 0.1)
    assert rate.value == pytest.approx(10e6)


def test_progress_tells_totals_only_when_they_are_known() -> None:
    clock = StepClock()
    reports: list[float] = []
    meter = Meter(clock, lambda: reports.append(clock.time))
    meter.bytes_found = 1000
    assert meter.snapshot().bytes_total is None
    assert meter.snapshot().seconds_left is None
    meter.scanned = True
    for _ in range(20):
        clock.time += 0.05
        meter.sent(10)
        meter.bytes_done += 10
    progress = meter.snapshot()
    assert progress.bytes_total == 1000
    assert progress.seconds_left is not None
    assert 3.5 < progress.seconds_left < 4.5
    assert all(later - earlier >= 0.0999 for earlier, later in pairwise(reports))
    meter.idle()
    assert meter.snapshot().rate is None
