"""The ladder of a host with several routes: the one that wins is climbed, the others are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backend.connection.interaction import Nobody
from backend.connection.vault import Vault
from backend.diagnostics.ladder import Diagnosis, Diagnostics, Rung, RungId, RungStatus
from backend.errors import Code
from backend.hosts.book import HostBook, Overrides
from backend.settings import load_settings
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.demo.setup import write_demo_files
from mocks.world import World, demo_world


@dataclass
class Desk:
    """The demo, with gpu-7 and its three routes."""

    world: World
    config: Path
    clock: VirtualClock

    async def diagnose(self, overrides: Overrides | None = None) -> Diagnosis:
        book = HostBook.of_entries(load_settings(self.config, environ={}), overrides or Overrides())
        connector = SimulatedConnector(self.world, vault=Vault(), clock=self.clock)
        ladder = Diagnostics(connector=connector, book=book, interaction=Nobody(), clock=self.clock)
        return await ladder.diagnose("gpu-7")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = VirtualClock(grace=0.01)
    world = demo_world(clock)
    yield Desk(world, write_demo_files(world, tmp_path / "demo").config, clock)


def rung(diagnosis: Diagnosis, name: RungId, hop: str) -> Rung:
    return next(rung for rung in diagnosis.rungs if rung.id is name and rung.hop == hop)


async def test_the_route_that_works_is_climbed_and_why_the_others_do_not_is_told(desk: Desk) -> None:
    diagnosis = await desk.diagnose()
    assert diagnosis.verdict != "failed"
    assert rung(diagnosis, RungId.AUTH, "bastion").status is RungStatus.PASS
    assert rung(diagnosis, RungId.AUTH, "gpu-7").status is RungStatus.PASS
    told = rung(diagnosis, RungId.ROUTE, "bastion")
    assert told.summary == "direct, for route jump:bastion; route direct: TCP_REFUSED; route tailscale: TAILSCALE_DOWN"
    assert told.evidence["route"] == "jump:bastion"
    assert "stopped" in told.evidence["route tailscale"]
    config = rung(diagnosis, RungId.CONFIG, "gpu-7")
    assert config.evidence["route"].startswith("direct (direct), tailscale (over Tailscale, 100.64.0.7), jump:bastion")


async def test_when_none_works_the_one_that_came_furthest_is_shown_and_all_are_named(desk: Desk) -> None:
    desk.world["bastion"].faults.refuses = True
    diagnosis = await desk.diagnose()
    failed = diagnosis.failed
    assert failed is not None
    assert (failed.id, failed.code) == (RungId.TCP, Code.ROUTES_FAILED)
    assert {name for name in failed.evidence if name.startswith("route ")} == {
        "route direct",
        "route tailscale",
        "route jump:bastion",
    }
    assert any(advice.command and "--route" in advice.command for advice in failed.advice)


async def test_what_the_host_itself_refuses_ends_it_on_its_own_rung(desk: Desk) -> None:
    desk.world.tailscale_runs = True
    users = desk.world["gpu-7"].users
    users["ml"] = replace(users["ml"], keys=(desk.world["bastion"].host_key.public_line,))
    diagnosis = await desk.diagnose()
    failed = diagnosis.failed
    assert failed is not None
    assert (failed.id, failed.hop, failed.code) == (RungId.AUTH, "gpu-7", diagnosis.code)
    assert failed.code is not Code.ROUTES_FAILED
    assert rung(diagnosis, RungId.ROUTE, "gpu-7").evidence["route jump:bastion"] == "not tried"


async def test_one_route_can_be_climbed_by_itself(desk: Desk) -> None:
    diagnosis = await desk.diagnose(Overrides(route="tailscale"))
    failed = diagnosis.failed
    assert failed is not None
    assert (failed.id, failed.code) == (RungId.NAME, Code.TAILSCALE_DOWN)
    direct = await desk.diagnose(Overrides(route="direct"))
    assert direct.code is Code.TCP_REFUSED
