"""A stream's command that is begun before its files are known."""

from __future__ import annotations

import asyncio
from typing import cast

from backend.clock import SystemClock
from backend.connection.connector import Link
from backend.files.head_start import HELD, HeadStart
from mocks.clock import VirtualClock
from tests.support.scripted import ScriptedLink


def command(mark: str) -> bytes:
    return mark.encode()


async def test_what_was_begun_is_taken_once_and_the_next_is_another() -> None:
    link = ScriptedLink()
    ahead = HeadStart(SystemClock())
    ahead.begin(cast(Link, link), command)
    ahead.begin(cast(Link, link), command)
    first = await ahead.started(cast(Link, link), command)
    second = await ahead.started(cast(Link, link), command)
    assert [first.process, second.process] == link.processes
    assert [first.mark.encode(), second.mark.encode()] == link.commands
    await ahead.close()
    assert not link.processes[0].closed


async def test_what_nobody_takes_is_closed_with_the_transfer() -> None:
    link = ScriptedLink()
    ahead = HeadStart(SystemClock())
    ahead.begin(cast(Link, link), command)
    await asyncio.sleep(0)
    await ahead.close()
    assert [process.closed for process in link.processes] == [True]


async def test_it_does_not_keep_a_place_from_others_for_long() -> None:
    link, clock = ScriptedLink(), VirtualClock(automatic=False)
    ahead = HeadStart(clock)
    ahead.begin(cast(Link, link), command)
    await clock.advance(HELD - 0.1)
    (begun,) = link.processes
    assert not begun.closed
    await clock.advance(0.2)
    assert [process.closed for process in link.processes] == [True]
    taken = await ahead.started(cast(Link, link), command)
    assert taken.process is link.processes[1]
    await ahead.close()


async def test_after_a_lost_link_it_is_started_on_the_next() -> None:
    lost, link = ScriptedLink(), ScriptedLink()
    ahead = HeadStart(SystemClock())
    ahead.begin(cast(Link, lost), command)
    taken = await ahead.started(cast(Link, link), command)
    assert taken.process is link.processes[0]
    await ahead.close()
    assert all(process.closed for process in lost.processes)
