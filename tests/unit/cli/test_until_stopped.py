"""Commands that are meant to be stopped end well when they are."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from backend.clock import SystemClock
from backend.errors import Interrupted, LinkLost
from cli.giveup import GiveUp
from cli.narration import Narration
from cli.supervise import supervise
from cli.until_stopped import until_stopped
from tests.unit.cli.test_giveup import lost


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_them_well_and_what_comes_after_is_done(number: int) -> None:
    done: list[str] = []

    async def work() -> int:
        with until_stopped(lambda: True):
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        done.append("told")
        return 0

    assert supervise(work) == 0
    assert done == ["told"]


def test_what_had_not_begun_is_interrupted() -> None:
    async def work() -> int:
        with until_stopped(lambda: False):
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        return 0

    with pytest.raises(Interrupted):
        supervise(work)


async def test_a_host_that_is_given_up_is_no_good_end() -> None:
    giving_up = GiveUp(0.0, clock=SystemClock(), narration=Narration())

    async def work() -> int:
        with until_stopped(lambda: True):
            giving_up.hear(lost("web-1"))
            await asyncio.Event().wait()
        return 0

    async with asyncio.timeout(10):
        with pytest.raises(LinkLost):
            await giving_up.watch(work())
