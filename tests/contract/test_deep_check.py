"""The deep check on every kind of host: one exec, whole, quick to give up, and nothing left behind."""

from __future__ import annotations

import time

from backend.clock import SystemClock
from backend.connection.connector import Link
from backend.diagnostics.clock_offset import Reading, offset_of
from backend.health.deep.asking import ask_deep
from backend.health.deep.judging import Judge, problems
from backend.health.deep.parts import read_answer
from backend.health.deep.seen import Seen
from backend.health.deep.thresholds import Thresholds
from backend.health.deep.values import Level


async def test_a_host_tells_how_it_is_in_one_exec(link: Link) -> None:
    answer = await ask_deep(link, SystemClock(), "host")
    told = read_answer(bytes(answer.output))
    assert (told.begun, told.ended, told.unread) == (True, True, 0)
    assert problems(told) == ()
    assert answer.clock_came is not None
    assert told.clock is not None
    offset = offset_of([Reading(answer.sent, answer.clock_came, *told.clock)])
    assert offset.at_least < 2
    found = {one.name: one for one in Judge(told, Seen(now=time.time(), offset=offset), Thresholds()).readings()}
    for name in ("load.per_cpu", "memory.available_ratio", "disk./.used_ratio", "inodes./.used_ratio", "uptime"):
        assert found[name].level is not Level.UNKNOWN, found[name]
    assert found["mounts.read_only"].value is not None
    assert (found["processes.count"].value or 0) > 0
    assert told.boot_id
    assert link.carries == 0


async def test_two_looks_tell_of_the_same_boot(link: Link) -> None:
    both = [read_answer(bytes((await ask_deep(link, SystemClock(), "host")).output)) for _ in range(2)]
    assert both[0].boot_id == both[1].boot_id
    assert [one.mount for one in both[0].disks] == [one.mount for one in both[1].disks]
