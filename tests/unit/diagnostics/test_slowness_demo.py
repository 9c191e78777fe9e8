"""Why is it slow, asked of the simulated world, whose hosts answer the same measurements as real ones do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from backend.container import Container
from backend.diagnostics.slowness.report import LimitKind, SlowReport
from backend.diagnostics.slowness.values import Progress, Step, StepStatus
from backend.errors import AuthError
from mocks.demo.listing import PASSWORD
from mocks.host import Network, SimulatedHost
from tests.support.demo import Demo, open_demo
from tests.support.person import Person


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    async with open_demo(tmp_path, Person(passwords=[PASSWORD])) as demo:
        yield demo


async def why(services: Container, host: str, steps: list[Progress] | None = None) -> SlowReport:
    report: SlowReport | None = None
    async with aclosing(services.slowness.measure(host)) as measuring:
        async for item in measuring:
            if isinstance(item, SlowReport):
                report = item
            elif steps is not None:
                steps.append(item)
    assert report is not None
    return report


async def test_a_healthy_host_has_no_limit(demo: Demo) -> None:
    report = await why(demo.services, "web-1")
    assert report.limit is None, report.to_json()
    assert report.measurements.missing == {}


async def test_the_other_side_of_the_world_has_a_thin_line_and_is_far_away(demo: Demo) -> None:
    report = await why(demo.services, "mirror-au")
    assert [limit.kind for limit in report.limits] == [LimitKind.RATE, LimitKind.DISTANCE]
    assert "1.6 MB/s, steadily" in report.sentence


def _network(**made: float) -> Callable[[SimulatedHost], None]:
    def change(host: SimulatedHost) -> None:
        host.network = Network(**made)

    return change


def _fault(name: str, seconds: float) -> Callable[[SimulatedHost], None]:
    return lambda host: setattr(host.faults, name, seconds)


def _slow_disk(host: SimulatedHost) -> None:
    host.machine = replace(host.machine, disk_rate=3e6)


PUT_IN: dict[LimitKind, Callable[[SimulatedHost], None]] = {
    LimitKind.WINDOW: _network(round_trip=0.5),
    LimitKind.RATE: _network(round_trip=0.02, rate=1e6),
    LimitKind.LOSS: _network(round_trip=0.02, rate=2e6, loss=0.04),
    LimitKind.DISK: _slow_disk,
    LimitKind.LOGIN_FILES: _fault("slow_login_files", 1.0),
    LimitKind.LOOKUP_THERE: _fault("slow_lookup", 10.0),
}


@pytest.mark.parametrize("kind", PUT_IN)
async def test_what_is_put_in_is_what_is_named(demo: Demo, kind: LimitKind) -> None:
    PUT_IN[kind](demo.world["web-1"])
    report = await why(demo.services, "web-1")
    assert report.limit is not None
    assert report.limit.kind is kind, report.to_json()


async def test_steps_are_told_in_order_each_with_an_end(demo: Demo) -> None:
    steps: list[Progress] = []
    await why(demo.services, "web-1", steps)
    assert list(dict.fromkeys(one.step for one in steps)) == list(Step)
    ended = [one.step for one in steps if one.status is not StepStatus.RUNNING]
    assert ended == list(Step)
    assert all("\n" not in one.text for one in steps)


async def test_a_link_that_breaks_leaves_the_rest_unknown(demo: Demo) -> None:
    demo.world["web-1"].faults.cut_after = [2_000_000]
    report = await why(demo.services, "web-1")
    assert {"download", "upload", "disk"} <= set(report.measurements.missing)
    assert report.measurements.missing["disk"] == "The connection to web-1 was lost."
    assert report.measurements.round_trip is not None


async def test_a_server_without_sftp_is_measured_through_commands(demo: Demo) -> None:
    demo.world["web-1"].faults.no_sftp = True
    report = await why(demo.services, "web-1")
    assert {one.lane.value for one in report.measurements.transfers} == {"exec"}
    assert set(report.measurements.loads) == {"down", "up"}


async def test_a_login_that_fails_is_raised_as_it_is(demo: Demo) -> None:
    demo.world["web-1"].users = {}
    with pytest.raises(AuthError):
        await why(demo.services, "web-1")


async def test_stopping_closes_the_connection_of_its_own(demo: Demo) -> None:
    async with aclosing(demo.services.slowness.measure("web-1")) as measuring:
        async for item in measuring:
            if isinstance(item, Progress) and item.step is Step.DOWNLOAD:
                break
    assert demo.world["web-1"].wires == set()
