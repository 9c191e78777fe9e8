"""From a failure in a list to its rung: attempts, commands, forwards, terminals and transfers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from backend.clock import SystemClock
from backend.connection.state import SessionState
from backend.diagnostics.ladder import RungId
from backend.errors import AuthError, Code, ConnectError, SessionError
from backend.files.model import TransferState
from backend.forwards.spec import read_forward
from screenshots.scene import Scene
from tests.support.past_transfers import leave
from tests.tui.conftest import DemoApp, FakeApp, settled, shown
from tests.tui.fakes import FakeServices
from tests.tui.test_remedies import GREEN, rung_under
from tui.screens.diagnostics import DiagnosticsScreen


async def led(scene: Scene, pilot: Pilot[Any]) -> None:
    """Wait until the ladder is climbed."""
    await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, DiagnosticsScreen))
    await scene.finish_work(pilot)
    await scene.settle(pilot)


def words(pilot: Pilot[Any]) -> str:
    return " ".join(shown(pilot).replace("│", " ").split())


async def test_a_failed_attempt_leads_to_its_rung_and_says_that_it_works_now(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = GREEN
    error = AuthError(
        Code.AUTH_DENIED, host="web-1", evidence={"user": "me", "tried": "nothing", "offered": "password"}
    )
    async with fake_app() as pilot:
        services.sessions.get("web-1").become(SessionState.FAILED, error=error, ago=60)
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        assert rung_under(pilot) == ("web-1", RungId.AUTH)
        assert "from the last attempt at 09:40" in words(pilot)
        assert "It works now." in words(pilot)


async def test_a_command_that_did_not_reach_its_host_leads_to_the_rung(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        scene.world["web-1"].faults.refuses = True
        scene.app.host = "web-1"
        await pilot.press("2")
        await scene.settle(pilot)
        await pilot.press(*"uptime", "enter")
        await scene.settle(pilot)
        await pilot.press("enter")
        await scene.finish_work(pilot)
        assert "alt+w diagnose" in words(pilot)
        await pilot.press("alt+w")
        await led(scene, pilot)
        assert rung_under(pilot) == ("web-1", RungId.TCP)
        assert "from the command at" in words(pilot)
        assert "It is still so." in words(pilot)


async def test_a_forward_that_may_not_be_opened_leads_out_of_its_panel_to_the_ladder(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.diagnostics.rungs = GREEN
    services.forwards.failure = SessionError(Code.LISTEN_PROHIBITED, evidence={"place": "port 80"}, host="web-1")
    services.forwards.listed = (read_forward("R 80:localhost:80"),)
    async with fake_app() as pilot:
        await pilot.press("f", "enter")
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        assert rung_under(pilot) == ("web-1", RungId.SESSION)
        assert "from the forward at 09:41" in words(pilot)


async def test_a_port_of_this_machine_is_no_matter_of_the_ladder(fake_app: FakeApp, services: FakeServices) -> None:
    services.forwards.failure = ConnectError(Code.LOCAL_PORT, evidence={"place": "127.0.0.1:80", "reason": "in use"})
    services.forwards.listed = (read_forward("L 80:localhost:80"),)
    async with fake_app() as pilot:
        await pilot.press("f", "enter")
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, DiagnosticsScreen)
        assert services.diagnostics.climbed == []


async def test_a_terminal_that_never_opened_leads_to_the_rung(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        scene.world["web-1"].faults.refuses = True
        scene.app.host = "web-1"
        await pilot.press("ctrl+t")
        await scene.settle(pilot, until=lambda: "TCP_REFUSED" in shown(pilot))
        assert "w diagnose" in words(pilot)
        await pilot.press("w")
        await led(scene, pilot)
        assert rung_under(pilot) == ("web-1", RungId.TCP)


async def test_a_transfer_that_failed_leads_to_the_rung_of_what_went_wrong_in_it(
    demo_app: DemoApp, own_home: Path
) -> None:
    state = own_home / ".local" / "state" / "fairlead"
    await leave(state, SystemClock(), {"bad": TransferState.FAILED})
    async with demo_app((120, 36)) as (scene, pilot):
        scene.app.host = "web-1"
        await pilot.press("3")
        await scene.settle(pilot)
        await pilot.press("t")
        await scene.settle(pilot)
        assert "d diagnose" in words(pilot)
        await pilot.press("d")
        await led(scene, pilot)
        assert rung_under(pilot) == ("web-1", RungId.FILES)
        assert "says nothing about that place" in words(pilot)
        assert "/srv/app/x: permission denied." in words(pilot)
