"""Verifying a simulated host: what works, what is not allowed, what is wrong; nothing stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.diagnostics.remedies.model import RemedyId
from backend.errors import Code
from mocks.host import SimulatedHost
from tests.support.demo import Demo, open_demo
from tests.support.worlds import Person

PASS, WARN, FAIL, SKIP = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL, CheckStatus.SKIP


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    async with open_demo(tmp_path, Person(secrets=["demo"] * 3, answers=[("demo", "123456")])) as opened:
        yield opened


async def verified(demo: Demo, host: str = "web-1") -> dict[CheckId, Check]:
    return {check.id: check for check in await demo.services.verification.verify(host)}


def left_behind(host: SimulatedHost) -> list[bytes]:
    user = next(iter(host.users))
    return [name for name in host.tree.directory(host.home_of(user)).entries if name.startswith(b".fairlead")]


async def test_a_healthy_host_passes_everything_in_order(demo: Demo) -> None:
    checks = await demo.services.verification.verify("web-1")
    assert [check.id for check in checks] == list(CheckId)
    assert {check.status for check in checks} == {PASS}
    assert left_behind(demo.world["web-1"]) == []


async def test_a_cluster_has_its_module_system_named(demo: Demo) -> None:
    assert (await verified(demo, "cluster"))[CheckId.MODULES].evidence["modules"] == "Lmod"


@pytest.mark.parametrize("ahead", [77.0, -3600.0])
async def test_a_clock_that_differs_is_told_with_its_uncertainty(demo: Demo, ahead: float) -> None:
    demo.world["web-1"].faults.clock_ahead = ahead
    check = (await verified(demo))[CheckId.CLOCK]
    assert (check.status, check.code) == (WARN, Code.CLOCK_DIFFERS)
    offset, uncertainty = (float(check.evidence[name]) for name in ("offset_seconds", "uncertainty_seconds"))
    assert abs(offset - ahead) <= uncertainty + 0.001
    assert check.advice


async def test_without_commands_the_clock_is_read_from_a_file_that_was_written(demo: Demo) -> None:
    demo.world["web-1"].faults.clock_ahead = 500.0
    demo.world["web-1"].faults.refuse_sessions = "This service allows sftp connections only."
    checks = await verified(demo)
    assert checks[CheckId.CLOCK].status is WARN
    assert abs(float(checks[CheckId.CLOCK].evidence["offset_seconds"]) - 500) < 2
    assert (checks[CheckId.SHELL].status, checks[CheckId.MODULES].status) == (SKIP, SKIP)
    assert (checks[CheckId.HOME].status, checks[CheckId.SFTP].status, checks[CheckId.WRITE].status) == (PASS,) * 3


async def test_without_sftp_a_file_is_written_by_a_command(demo: Demo) -> None:
    demo.world["web-1"].faults.no_sftp = True
    checks = await verified(demo)
    assert (checks[CheckId.SFTP].status, checks[CheckId.SFTP].code) == (FAIL, Code.SFTP_UNAVAILABLE)
    assert checks[CheckId.WRITE].status is PASS
    assert checks[CheckId.SPACE].status is PASS
    assert left_behind(demo.world["web-1"]) == []


async def test_a_full_disk_fails_where_it_is_full_and_leaves_nothing(demo: Demo) -> None:
    demo.world["web-1"].fill_disk()
    checks = await verified(demo)
    assert (checks[CheckId.WRITE].status, checks[CheckId.WRITE].code) == (FAIL, Code.DISK_FULL)
    assert (checks[CheckId.SPACE].status, checks[CheckId.SPACE].code) == (FAIL, Code.DISK_FULL)
    assert left_behind(demo.world["web-1"]) == []


async def test_a_disk_that_is_nearly_full_is_a_warning(demo: Demo) -> None:
    demo.world["web-1"].fill_disk(2_000_000_000)
    space = (await verified(demo))[CheckId.SPACE]
    assert space.code is Code.SPACE_LOW
    assert [remedy.id for remedy in space.remedies] == [RemedyId.SHOW_SPACE]
    assert [advice.apply for advice in space.advice if advice.apply] == ["show-space"]


async def test_a_home_that_cannot_be_written_is_told_by_both_checks(demo: Demo) -> None:
    demo.world["web-1"].tree.set_attributes(b"/home/deploy", mode=0o555)
    checks = await verified(demo)
    assert checks[CheckId.WRITE].code is Code.PERMISSION
    assert checks[CheckId.WRITE].status is FAIL


async def test_login_files_that_print_are_a_warning_and_why_files_fail(demo: Demo) -> None:
    demo.world["web-1"].faults.noisy_login = b"welcome\x1b[2J\n"
    checks = await verified(demo)
    assert (checks[CheckId.EXEC].status, checks[CheckId.EXEC].code) == (WARN, Code.SHELL_NOISE)
    assert checks[CheckId.SFTP].code is Code.SHELL_NOISE
    assert all("\x1b" not in text for check in checks.values() for text in (check.summary, *check.evidence.values()))


async def test_a_link_that_is_lost_fails_one_check_and_the_rest_is_not_reached(demo: Demo) -> None:
    checks: list[Check] = []
    async for check in demo.services.verification.check("web-1"):
        checks.append(check)
        if check.id is CheckId.HOME:
            demo.world["web-1"].cut_links()
    assert [check.id for check in checks] == list(CheckId)
    assert not [check for check in checks[3:] if check.status is PASS]
    assert "lost" in checks[-1].summary


async def test_a_stop_in_the_middle_of_writing_removes_the_file(demo: Demo) -> None:
    host = demo.world["web-1"]

    async def verify() -> None:
        async with aclosing(demo.services.verification.check("web-1")) as checks:
            async for _ in checks:
                pass

    task = asyncio.create_task(verify())
    while not left_behind(host):
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_behind(host) == []


async def test_at_most_two_channels_are_open_at_a_time(demo: Demo) -> None:
    demo.world["web-1"].faults.max_sessions = 2
    assert {check.status for check in (await verified(demo)).values()} == {PASS}
