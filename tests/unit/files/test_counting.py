"""How far a transfer is shown to be when its items are interrupted, go on, or start again."""

from __future__ import annotations

import asyncio

import pytest

from backend.errors import Code, FileError, LinkLost
from backend.files.lane import counted
from backend.files.meter import Meter
from mocks.clock import VirtualClock

KEY = b"one file"


@pytest.fixture
def meter() -> Meter:
    return Meter(VirtualClock(automatic=False), lambda: None)


def interrupted(meter: Meter, size: int, by: BaseException) -> None:
    with pytest.raises(type(by)), counted(meter, KEY) as done:
        done.resume(0, 0)
        done.add(size)
        raise by


@pytest.mark.parametrize("by", [LinkLost(Code.CONNECTION_LOST), asyncio.CancelledError()])
def test_what_arrived_before_an_interruption_is_still_shown(meter: Meter, by: BaseException) -> None:
    interrupted(meter, 700, by)
    assert meter.snapshot().bytes_done == 700


def test_the_next_attempt_shows_what_it_has_proven(meter: Meter) -> None:
    interrupted(meter, 700, LinkLost(Code.CONNECTION_LOST))
    with counted(meter, KEY) as done:
        assert meter.snapshot().bytes_done == 700
        done.resume(600, 0)
        assert meter.snapshot().bytes_done == 600
        done.add(400)
    assert meter.snapshot().bytes_done == 1000
    assert meter.bytes_done == 1000


def test_an_attempt_that_starts_again_shows_that(meter: Meter) -> None:
    interrupted(meter, 700, LinkLost(Code.CONNECTION_LOST))
    with counted(meter, KEY) as done:
        done.resume(0, 0)
        assert meter.snapshot().bytes_done == 0


def test_a_second_interruption_before_anything_was_proven_loses_nothing(meter: Meter) -> None:
    interrupted(meter, 700, LinkLost(Code.CONNECTION_LOST))
    with pytest.raises(LinkLost), counted(meter, KEY):
        raise LinkLost(Code.CONNECTION_LOST)
    assert meter.snapshot().bytes_done == 700


def test_nothing_of_an_item_that_failed_is_shown(meter: Meter) -> None:
    interrupted(meter, 700, LinkLost(Code.CONNECTION_LOST))
    with pytest.raises(FileError), counted(meter, KEY):
        raise FileError(Code.DISK_FULL)
    assert meter.snapshot().bytes_done == 0


def test_an_item_that_is_sent_whole_again_is_taken_back(meter: Meter) -> None:
    with pytest.raises(LinkLost), counted(meter) as done:
        done.add(700)
        raise LinkLost(Code.CONNECTION_LOST)
    assert meter.snapshot().bytes_done == 0
