"""The connections screen: what each state shows, what the keys do in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from backend.connection.connector import Phase, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.session import PhaseSeen
from backend.connection.state import SessionState
from backend.connection.target import Hop
from backend.errors import Code, ConfigError, ConnectError, HostKeyError
from tests.tui.conftest import DemoApp, FakeApp, settled, shown, workbench
from tests.tui.fakes import FACTS, FakeServices
from tui.hosts import HostView
from tui.widgets.host_detail import HostDetail
from tui.widgets.host_list import HostList


def _current(pilot: Pilot[Any]) -> str:
    row = pilot.app.screen.query_one(HostList).current
    return row.name if isinstance(row, HostView) else ""


def _detail(pilot: Pilot[Any]) -> str:
    return _part(pilot, "#detail")


def _part(pilot: Pilot[Any], selector: str) -> str:
    """What is on the screen where that widget is."""
    region = pilot.app.screen.query_one(selector).region
    lines = shown(pilot).splitlines()[region.y : region.bottom]
    return "\n".join(line[region.x : region.right] for line in lines)


async def test_hosts_stand_under_their_groups(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        text = _part(pilot, "#list-pane")
        order = [text.index(part) for part in ("prod (2)", "web-1", "db-2", "lab (1)", "~/.ssh/config (2)", "old-nas")]
        assert order == sorted(order)
        assert "5 hosts: 3 own, 2 ~/.ssh/config" in text


async def test_the_host_under_the_cursor_is_the_workbenchs(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        assert workbench(pilot).host == "web-1"
        await pilot.press("down", "down")
        await settled(pilot)
        assert workbench(pilot).host == _current(pilot) == "gpu-7"


async def test_the_cursor_steps_over_headings_both_ways(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        seen = [_current(pilot)]
        for key in ["down"] * 5 + ["up"] * 5:
            await pilot.press(key)
            seen.append(_current(pilot))
        assert seen[:6] == ["web-1", "db-2", "gpu-7", "edge-3", "old-nas", "old-nas"]
        assert seen[-1] == "web-1"


async def test_the_workbench_can_begin_on_a_host(fake_app: FakeApp) -> None:
    async with fake_app(host="gpu-7") as pilot:
        assert _current(pilot) == "gpu-7"


async def test_enter_connects(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert services.sessions.get("web-1").asked == ["link"]


async def test_enter_on_a_connected_host_asks_for_nothing(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    async with fake_app() as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert services.sessions.get("web-1").asked == []


async def test_a_double_click_connects(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        row = shown(pilot).splitlines().index(next(line for line in shown(pilot).splitlines() if "db-2" in line))
        offset = (5, row - pilot.app.screen.query_one(HostList).region.y)
        await pilot.click(HostList, offset=offset, times=2)
        await settled(pilot)
        assert services.sessions.get("db-2").asked == ["link"]


async def test_x_disconnects_what_is_connected(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    async with fake_app() as pilot:
        await pilot.press("x")
        await settled(pilot)
        assert services.sessions.get("web-1").asked == ["disconnect"]
        assert "disconnected" in _detail(pilot)


async def test_a_state_is_not_told_twice(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.CLOSED, reason="disconnected")
    async with fake_app() as pilot:
        assert _detail(pilot).count("disconnected") == 1
        services.sessions.get("web-1").become(SessionState.DEGRADED, reason="no answer for 3 s", ago=40)
        await settled(pilot)
        assert "answers late for 40 s" in _detail(pilot)
        assert "3 s" not in _detail(pilot)


async def test_while_reconnecting_r_tries_now_and_x_gives_up(fake_app: FakeApp, services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    lost = ConnectError(Code.CONNECTION_LOST, host="web-1")
    session.become(SessionState.RECONNECTING, error=lost, attempt=2, retry_in=4.2)
    async with fake_app() as pilot:
        text = shown(pilot)
        assert "retry in 4 s" in text
        assert "The connection to web-1 was lost." in text
        assert "Next try in 4 s, attempt 3." in text
        await pilot.press("r", "x")
        await settled(pilot)
        assert session.asked == ["retry_now", "stop"]


async def test_an_attempt_is_told_step_by_step_and_hop_by_hop(fake_app: FakeApp, services: FakeServices) -> None:
    bastion, web = Hop("bastion", "10.0.0.1", 22, "ops"), Hop("web-1", "10.0.4.7", 22, "deploy")
    async with fake_app() as pilot:
        services.sessions.get("web-1").become(SessionState.CONNECTING)
        for phase in (
            PhaseStarted(bastion, Phase.TCP),
            PhasePassed(bastion, Phase.TCP, 0.01),
            PhaseStarted(bastion, Phase.AUTH),
            PhasePassed(bastion, Phase.AUTH, 0.02),
            PhaseStarted(web, Phase.TCP),
            PhaseFailed(web, Phase.TCP, 0.1, ConnectError(Code.TCP_REFUSED)),
        ):
            services.bus.publish(PhaseSeen("web-1", phase))
        await settled(pilot)
        lines = _detail(pilot).splitlines()
        assert any("bastion" in line and "✓ tcp  ✓ login" in line for line in lines)
        assert any("web-1" in line and "✕ tcp" in line for line in lines)


async def test_a_failure_is_explained_in_the_detail(fake_app: FakeApp, services: FakeServices) -> None:
    error = ConnectError(Code.TCP_REFUSED, host="web-1", evidence={"address": "10.0.4.7", "port": 22})
    services.sessions.get("web-1").failure = error
    async with fake_app() as pilot:
        await pilot.press("enter")
        await settled(pilot)
        detail = _detail(pilot)
        for part in ("failed", "nothing listens", "do next", "TCP_REFUSED"):
            assert part in detail
        assert "tcp refused" in shown(pilot)
        assert not pilot.app.screen.is_modal


async def test_a_changed_key_needs_the_person(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("edge-3").become(SessionState.FAILED, error=HostKeyError(Code.HOST_KEY_CHANGED))
    async with fake_app() as pilot:
        line = next(line for line in shown(pilot).splitlines() if "edge-3" in line)
        assert "⚠ edge-3" in line
        assert "key changed" in line


async def test_a_failure_while_the_person_is_elsewhere_is_a_toast(fake_app: FakeApp, services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    session.failure = ConnectError(Code.TCP_REFUSED, host="web-1", evidence={"address": "10.0.4.7", "port": 22})
    async with fake_app() as pilot:
        session.held_back.clear()
        await pilot.press("enter", "4")
        session.held_back.set()
        await settled(pilot)
        assert any(toast.title == "web-1" and toast.severity == "error" for toast in pilot.app._notifications)


async def test_the_filter_narrows_and_esc_brings_all_back(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("slash", *"gpu")
        await settled(pilot)
        text = shown(pilot)
        assert "1 of 5" in text
        assert "old-nas" not in text
        await pilot.press("escape")
        await settled(pilot)
        assert "old-nas" in shown(pilot)
        assert pilot.app.screen.query_one(HostList).has_focus


async def test_enter_in_the_filter_stays_on_what_was_found(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("slash", *"old", "enter")
        await settled(pilot)
        assert _current(pilot) == workbench(pilot).host == "old-nas"
        assert "web-1" in shown(pilot)


async def test_what_fits_no_host_is_taken_as_an_address(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("slash", *"me@10.1.1.1:2222")
        await settled(pilot)
        assert "enter connects to me@10.1.1.1:2222" in " ".join(_part(pilot, "#hosts-empty").split())
        await pilot.press("enter")
        await settled(pilot)
        assert services.sessions.get("me@10.1.1.1:2222").asked == ["link"]
        assert workbench(pilot).host == "me@10.1.1.1:2222"
        assert "typed (1)" in shown(pilot)


async def test_an_address_may_look_like_a_host_of_the_list(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("a", *"web", "enter")
        await settled(pilot)
        assert services.sessions.get("web").asked == ["link"]
        assert services.sessions.get("web-1").asked == []


async def test_an_empty_line_connects_to_nothing(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("a", "enter")
        await settled(pilot)
        assert all(session.state is SessionState.IDLE for session in services.sessions.all())
        assert not pilot.app.screen.query_one("#filter", Input).has_focus


async def test_without_hosts_the_screen_says_what_to_do(fake_app: FakeApp, services: FakeServices) -> None:
    services.book.entries = ()
    async with fake_app((80, 24), config_file=Path("/home/me/config.toml"), open_demo=services.open) as pilot:
        text = " ".join(shown(pilot).split())
        assert "No hosts yet." in text
        assert "D look round in the simulated world" in text
        assert "/home/me/config.toml" in text


async def test_a_demo_that_cannot_be_had_is_not_offered(fake_app: FakeApp, services: FakeServices) -> None:
    services.book.entries = ()
    async with fake_app() as pilot:
        assert "simulated world" not in shown(pilot)


async def test_leaving_for_the_demo_ends_this_workbench(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app(open_demo=services.open) as pilot:
        await pilot.press("D")
        await pilot.pause()
    assert workbench(pilot).wants_demo
    assert pilot.app.return_code == 0


async def test_a_mistake_in_the_configuration_stands_where_the_list_would(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.book.problem = ConfigError(Code.CONFIG_INVALID, evidence={"problem": "config.toml:3: unknown key"})
    async with fake_app() as pilot:
        text = " ".join(shown(pilot).split())
        assert "unknown key" in text
        assert "CONFIG_INVALID" in text
        services.book.problem = None
        await pilot.press("f5")
        await settled(pilot)
        assert "web-1" in shown(pilot)


async def test_in_a_narrow_terminal_the_detail_is_a_second_page(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        assert not pilot.app.screen.query_one(HostDetail).display
        await pilot.press("right")
        await settled(pilot)
        assert "deploy@10.0.4.7" in shown(pilot)
        assert "prod (2)" not in shown(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert "prod (2)" in shown(pilot)


async def test_connecting_in_a_narrow_terminal_shows_how_it_goes(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app((80, 24)) as pilot:
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.screen.query_one(HostDetail).display
        assert services.sessions.get("web-1").asked == ["link"]
        await pilot.press("x")
        await settled(pilot)
        assert services.sessions.get("web-1").asked == ["link", "disconnect"]


async def test_d_climbs_the_ladder_of_this_host(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("down", "d")
        await settled(pilot)
        assert "ladder: db-2" in shown(pilot)


async def test_a_connected_host_tells_everything_about_its_link(fake_app: FakeApp, services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    session.become(SessionState.READY, ago=8040)
    session.facts = FACTS
    session.latencies.extend([0.011, 0.012, 0.014])
    async with fake_app() as pilot:
        detail = _detail(pilot)
        for part in (
            "ready for 2 h 14 min",
            "deploy@10.0.4.7:22",
            "bastion → web-1",
            "publickey",
            "mlkem768x25519 · aes128-gcm",
            "OpenSSH_9.6",
            FACTS.host_key,
            "11 ms to 14 ms",
            "config.toml:4",
        ):
            assert part in detail


@pytest.mark.parametrize("state", list(SessionState))
async def test_every_state_can_be_drawn_at_both_sizes(
    fake_app: FakeApp, services: FakeServices, state: SessionState, size: tuple[int, int]
) -> None:
    services.sessions.get("web-1").become(state, reason="because")
    async with fake_app(size) as pilot:
        lines = shown(pilot).splitlines()
        assert len(lines) == size[1]
        assert "web-1" in lines[0]


async def test_in_the_demo_world_a_host_behind_a_bastion_is_reached_and_left(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("down", "enter")
        await scene.settle(pilot)
        await scene.picture(pilot)
        session = scene.app.services.sessions.get("db-2")
        assert session.state is SessionState.READY
        assert "via bastion" in shown(pilot)
        await pilot.press("x")
        await scene.settle(pilot, until=lambda: session.state is SessionState.CLOSED)


async def test_in_the_demo_world_a_lost_link_comes_back_by_itself(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("enter")
        await scene.settle(pilot)
        session = scene.app.services.sessions.get("web-1")
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: session.state is SessionState.RECONNECTING)
        await scene.picture(pilot)
        assert "reconnecting" in shown(pilot).splitlines()[0]
        await pilot.press("r")
        await scene.settle(pilot, until=lambda: session.state is SessionState.READY)
