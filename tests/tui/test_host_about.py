"""What is told and done about one host: routes, health, forwards, waiting requests, verifying, held back logins."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.widgets._toast import ToastRack

from backend.connection.connector import Phase, PhaseFailed, PhaseStarted
from backend.connection.outcomes import RouteOutcome, RouteStatus
from backend.connection.session import PhaseSeen
from backend.connection.state import SessionState
from backend.connection.target import Hop, Target
from backend.diagnostics.checks import Check, CheckId, CheckStatus
from backend.diagnostics.explain import Explanation
from backend.diagnostics.remedies.case import Case
from backend.diagnostics.remedies.derive import remedies_for
from backend.diagnostics.remedies.model import RemedyId
from backend.diagnostics.remedies.space import Room
from backend.errors import AuthError, Code, ConnectError, FairleadError, FileError, LinkLost
from backend.files.model import Direction
from backend.forwards.model import ForwardCounted, ForwardState, ForwardView
from backend.forwards.spec import read_forward
from backend.health.changes import HealthChanged
from backend.health.values import Failure, FailureKind, SshHealth
from backend.priority import Priority
from backend.requests.model import (
    CopyFiles,
    Request,
    RequestResult,
    RequestsChanged,
    RequestState,
    RunCommand,
)
from tests.support.scripted import hop
from tests.tui.conftest import FakeApp, settled, shown
from tests.tui.fakes import FACTS, NOW, FakeServices
from tui.prompts.forwards import ForwardsPanel
from tui.prompts.room import RoomPrompt
from tui.prompts.routes import PERIOD
from tui.prompts.verify import VerifyPanel
from tui.prompts.waiting import WaitingPanel
from tui.widgets.footer import Footer


def _part(pilot: Pilot[Any], selector: str) -> str:
    """What is on the screen where that widget is, without line breaks and borders."""
    region = pilot.app.screen.query_one(selector).region
    lines = shown(pilot).splitlines()[region.y : region.bottom]
    return " ".join(" ".join(line[region.x : region.right] for line in lines).replace("│", " ").split())


def _view(text: str, number: int = 1, **details: Any) -> ForwardView:
    return ForwardView(
        number, "web-1", read_forward(text), details.pop("state", ForwardState.LISTENING), NOW, **details
    )


def _request(number: int, words: str = "make", **details: Any) -> Request:
    standard: dict[str, Any] = {
        "host": "web-1",
        "action": RunCommand(words.encode()),
        "priority": Priority.NORMAL,
        "asked": NOW,
        "deadline": None,
        "repeatable": False,
        "state": RequestState.WAITING,
    }
    return Request(number=number, **(standard | details))


# --- routes ------------------------------------------------------------------------------------------------------


def _three_routes(services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    refused = ConnectError(Code.TCP_REFUSED, evidence={"address": "10.0.4.7", "port": 22}, host="web-1")
    session.routes = (
        RouteOutcome("direct", "direct", RouteStatus.FAILED, refused, 0.2),
        RouteOutcome("tailscale", "over Tailscale, 100.64.0.7", RouteStatus.LOST, None, 1.5),
        RouteOutcome("jump:bastion", "via bastion", RouteStatus.WON, None, 1.2),
    )
    session.become(SessionState.READY)
    session.facts = FACTS
    session.latencies.append(0.012)


async def test_the_detail_tells_which_route_is_live_and_which_lost(fake_app: FakeApp, services: FakeServices) -> None:
    _three_routes(services)
    async with fake_app() as pilot:
        assert "direct ✕ refused · tailscale – slower bastion ● 12 ms" in _part(pilot, "#detail")


async def test_R_tells_the_whole_story_of_the_routes(fake_app: FakeApp, services: FakeServices) -> None:
    _three_routes(services)
    async with fake_app() as pilot:
        await pilot.press("R")
        await settled(pilot)
        story = _part(pilot, "#box")
        assert "TCP_REFUSED" in story
        assert "another one was first" in story
        assert "carries the connection, after 1.2 s" in story
        assert "fairlead diagnose web-1 --route direct" in story
        await pilot.press("escape")
        await settled(pilot)
        assert not pilot.app.screen.is_modal


def _running_race(services: FakeServices, *, seconds: float = 0) -> None:
    """Three seconds into a race, and a few more."""
    session, now = services.sessions.get("web-1"), services.clock.monotonic()
    refused = ConnectError(Code.TCP_REFUSED, evidence={"address": "10.0.4.7", "port": 22}, host="web-1")
    trying: dict[str, Any] = {"phase": Phase.KEX, "hop": "bastion", "began": now - 1 - seconds}
    session.routes = (
        RouteOutcome("direct", "direct", RouteStatus.FAILED, refused, 0.2),
        RouteOutcome("jump:bastion", "via bastion", RouteStatus.TRYING, **trying),
        RouteOutcome("tailscale", "over Tailscale, 100.64.0.7", RouteStatus.WAITING, starts_at=now + 1.5 - seconds),
        RouteOutcome("cloudflare", "over Cloudflare Access, w.example.com", RouteStatus.WAITING),
    )
    if session.state is SessionState.IDLE:
        session.become(SessionState.CONNECTING)


async def test_the_detail_follows_a_race(fake_app: FakeApp, services: FakeServices) -> None:
    _running_race(services)
    async with fake_app() as pilot:
        detail = _part(pilot, "#detail")
        assert "direct ✕ refused · bastion ◐ key exchange… tailscale ○ in 2 s · cloudflare ○" in detail


async def test_hop_by_hop_only_the_route_that_leads_is_told(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        _running_race(services)
        bastion, host = Hop("bastion", "10.0.4.1", 22, "me"), Hop("web-1", "10.0.4.7", 22, "me")
        refused = ConnectError(Code.TCP_REFUSED, evidence={"address": "10.0.4.7", "port": 22}, host="web-1")
        services.bus.publish(PhaseSeen("web-1", PhaseFailed(host, Phase.TCP, 0.1, refused), "direct"))
        services.bus.publish(PhaseSeen("web-1", PhaseStarted(bastion, Phase.KEX), "jump:bastion"))
        await settled(pilot)
        detail = _part(pilot, "#detail")
        assert "bastion ◐ key exchange…" in detail
        assert "web-1 ✕ tcp" not in detail


async def test_R_follows_a_race_to_its_end(fake_app: FakeApp, services: FakeServices) -> None:
    _running_race(services)
    async with fake_app() as pilot:
        await pilot.press("R")
        await settled(pilot)
        story = _part(pilot, "#box")
        assert "bastion via bastion key exchange at bastion… for 1.0 s" in story
        assert "starts in 2 s, or as soon as one before it has failed" in story
        assert "cloudflare over Cloudflare Access, w.example.com waits" in story
        assert "TCP_REFUSED" in story
        assert "→" not in story
        _running_race(services, seconds=1)
        await pilot.pause(PERIOD * 2)
        assert "for 2.0 s" in _part(pilot, "#box")
        assert "starts in 1 s" in _part(pilot, "#box")
        _three_routes(services)
        await pilot.pause(PERIOD * 2)
        assert "carries the connection, after 1.2 s" in _part(pilot, "#box")
        assert "→" in _part(pilot, "#box")


async def test_R_tells_why_a_way_to_a_jump_host_was_not_needed(fake_app: FakeApp, services: FakeServices) -> None:
    note = "bastion was reached over jump/direct"
    session = services.sessions.get("web-1")
    session.routes = (
        RouteOutcome("jump/direct", "via bastion", RouteStatus.WON, None, 1.2),
        RouteOutcome("jump/tailscale", "over Tailscale, t, via bastion", RouteStatus.LOST, None, 1.0, note),
    )
    session.become(SessionState.READY)
    session.facts = FACTS
    async with fake_app() as pilot:
        assert "jump/direct ● · jump/tailscale – not needed" in _part(pilot, "#detail")
        await pilot.press("R")
        await settled(pilot)
        assert note in _part(pilot, "#box")


async def test_a_key_exchange_says_whether_it_is_post_quantum(fake_app: FakeApp, services: FakeServices) -> None:
    session = services.sessions.get("web-1")
    session.become(SessionState.READY)
    session.facts = FACTS
    async with fake_app() as pilot:
        assert "mlkem768x25519 · aes128-gcm post-quantum" in _part(pilot, "#detail")
        session.facts = replace(FACTS, kex="curve25519-sha256")
        session.become(SessionState.READY)
        await settled(pilot)
        assert "curve25519 · aes128-gcm not post-quantum" in _part(pilot, "#detail")


# --- states ------------------------------------------------------------------------------------------------------


async def test_a_session_that_the_server_ended_says_so_and_how_to_go_on(
    fake_app: FakeApp, services: FakeServices
) -> None:
    ended = LinkLost(Code.SERVER_ENDED, evidence={"reason": "idle for 10 minutes"}, host="web-1")
    services.sessions.get("web-1").become(SessionState.EXPIRED, error=ended, ago=120)
    async with fake_app() as pilot:
        detail = _part(pilot, "#detail")
        assert "ended by host 2 min ago" in detail
        assert "idle for 10 minutes" in detail
        assert "enter connect again" in detail


async def test_a_late_answer_says_until_when_it_is_waited_for(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.DEGRADED, ago=9, given_up_in=13)
    async with fake_app() as pilot:
        assert "answers late for 9.0 s Without an answer it counts as lost in 13 s" in _part(pilot, "#detail")


async def test_a_login_that_is_held_back_says_until_when_and_u_goes_on(
    fake_app: FakeApp, services: FakeServices
) -> None:
    evidence = {"server": "web-1", "whose": "", "refusals": 4, "until": "18:02:11", "minutes": "10", "target": "web-1"}
    session = services.sessions.get("web-1")
    session.become(SessionState.FAILED, error=AuthError(Code.LOGIN_HELD_BACK, evidence=evidence, host="web-1"))
    services.book.targets["web-1"] = (Target("web-1", (Hop("web-1", "10.0.4.7", 22, "deploy"),)),)
    async with fake_app() as pilot:
        assert "held back until 18:02:11" in _part(pilot, "#detail")
        assert "u log in anyway" in shown(pilot).splitlines()[-1]
        await pilot.press("u")
        await settled(pilot)
        assert services.guard.forgotten == ["web-1"]
        assert session.asked == ["link"]


async def test_u_does_nothing_where_nothing_is_held_back(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("u")
        await settled(pilot)
        assert services.guard.forgotten == []


# --- health ------------------------------------------------------------------------------------------------------


async def test_the_history_tells_rate_last_failure_and_kinds(fake_app: FakeApp, services: FakeServices) -> None:
    services.health.known["web-1"] = SshHealth(
        "web-1",
        since=NOW - timedelta(days=9),
        window_successes=118,
        window_failures=1,
        last_failure=Failure(NOW - timedelta(hours=2), "TCP_TIMEOUT", "bastion"),
        kinds=(FailureKind("TCP_TIMEOUT", 1),),
    )
    async with fake_app() as pilot:
        detail = _part(pilot, "#detail")
        assert "health 99.2 % last failure 2 h ago, TCP_TIMEOUT at bastion" in detail
        assert "trouble TCP_TIMEOUT ×1" in detail


async def test_three_failures_in_a_row_are_called_out(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        assert "health" not in _part(pilot, "#detail")
        services.health.known["web-1"] = SshHealth("web-1", NOW, 1, 3, consecutive_failures=3, window_failures=3)
        services.bus.publish(HealthChanged("web-1"))
        await settled(pilot)
        assert "⚠ 3 failures in a row" in _part(pilot, "#detail")


async def test_a_host_that_was_never_reached_is_called_out_at_once(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        services.health.known["web-1"] = SshHealth("web-1", NOW, 0, 1, consecutive_failures=1, window_failures=1)
        services.bus.publish(HealthChanged("web-1"))
        await settled(pilot)
        assert "⚠ never reached, 1 failure in a row" in _part(pilot, "#detail")


# --- forwards ----------------------------------------------------------------------------------------------------


async def test_the_detail_counts_what_goes_through_a_forward(fake_app: FakeApp, services: FakeServices) -> None:
    view = _view("L 8080:db-2:5432", received=1_200_000, sent=48_000, open=2, total=3, port=8080)
    services.forwards.open[1] = view
    async with fake_app() as pilot:
        assert "L 8080→db-2:5432 1.2 MB ↓ 48.0 kB ↑ 2 of 3 conns open" in _part(pilot, "#detail")
        services.forwards.open[1] = replace(view, received=2_400_000)
        services.bus.publish(ForwardCounted("web-1", services.forwards.open[1]))
        await settled(pilot)
        assert "2.4 MB ↓" in _part(pilot, "#detail")


async def test_a_forward_is_opened_and_closed(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("f")
        await settled(pilot)
        assert "none is listed in the host's entry" in _part(pilot, "#panel-box")
        await pilot.press("n", *"L 8080:localhost:80", "enter")
        await settled(pilot)
        assert [str(view.spec) for view in services.forwards.views("web-1")] == ["L 8080:localhost:80"]
        text = _part(pilot, "#panel-box")
        assert "● L 8080→localhost:80" in text
        assert "This machine listens on 127.0.0.1:8080; connections go to localhost:80, as web-1 sees it." in text
        await pilot.press("x")
        await settled(pilot)
        assert services.forwards.views("web-1") == ()
        await pilot.press("escape")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, ForwardsPanel)


async def test_a_forward_that_is_none_is_refused_beside_the_line(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("f", "n", *"L 8080", "enter")
        await settled(pilot)
        assert "-L takes [bind:]port:host:hostport" in _part(pilot, "#objection")
        pilot.app.screen.query_one(Input).value = "L 99999:a:1"
        await pilot.press("enter")
        await settled(pilot)
        assert "'99999' is no port" in _part(pilot, "#objection")
        assert services.forwards.views() == ()


async def test_what_the_entry_lists_is_offered_and_opened_at_once(fake_app: FakeApp, services: FakeServices) -> None:
    services.forwards.listed = (read_forward("L 8080:localhost:80"), read_forward("D 1080"))
    async with fake_app() as pilot:
        await pilot.press("f")
        await settled(pilot)
        text = _part(pilot, "#panel-box")
        assert "○ L 8080→localhost:80 not open" in text
        assert "Listed in config.toml." in text
        await pilot.press("A")
        await settled(pilot)
        assert [str(view.spec) for view in services.forwards.views()] == ["L 8080:localhost:80", "D 1080"]
        assert "2 open" in _part(pilot, "#panel-box")


async def test_a_forward_that_failed_tells_why_and_can_be_tried_again(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.forwards.failure = FairleadError(Code.LOCAL_PORT, evidence={"place": "127.0.0.1:80", "reason": "in use"})
    services.forwards.listed = (read_forward("L 80:localhost:80"),)
    async with fake_app() as pilot:
        await pilot.press("f", "enter")
        await settled(pilot)
        assert "LOCAL_PORT" in _part(pilot, "#panel-box")
        services.forwards.failure = None
        services.forwards.open.clear()
        await pilot.press("enter")
        await settled(pilot)
        assert "● L 80→localhost:80" in _part(pilot, "#panel-box")


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (120, 36), (160, 50), (100, 43)])
async def test_what_is_told_leaves_the_keys_of_a_panel_in_view(
    fake_app: FakeApp, services: FakeServices, size: tuple[int, int]
) -> None:
    async with fake_app(size) as pilot:
        await pilot.press("f")
        await settled(pilot)
        rack = ToastRack()  # a test has none of its own
        await pilot.app.screen.mount(rack)
        rack.display = True
        await rack.mount(told := Static("told"))
        told.styles.visibility = "visible"
        await settled(pilot)
        keys = pilot.app.screen.query_one(Footer).region.y
        assert keys - 2 <= told.region.bottom <= keys


async def test_a_forward_that_others_can_use_says_so(fake_app: FakeApp, services: FakeServices) -> None:
    services.forwards.open[1] = _view("L *:8080:localhost:80")
    async with fake_app() as pilot:
        await pilot.press("f")
        await settled(pilot)
        assert "Every machine that reaches this machine can use it." in _part(pilot, "#panel-box")


async def test_leaving_asks_while_forwards_are_open_and_names_them(fake_app: FakeApp, services: FakeServices) -> None:
    services.forwards.open[1] = _view("L 8080:db-2:5432", open=2, total=2)
    services.forwards.open[2] = replace(_view("D 1080"), id=2, state=ForwardState.FAILED)
    async with fake_app((80, 24)) as pilot:
        await pilot.press("ctrl+q")
        await settled(pilot)
        assert "1 forward would be stopped" in " ".join(shown(pilot).split())
        assert "forward L 8080→db-2:5432 on web-1, 2 connections" in shown(pilot)


# --- waiting -----------------------------------------------------------------------------------------------------


async def test_what_waits_stands_in_the_detail(fake_app: FakeApp, services: FakeServices) -> None:
    action = CopyFiles(Direction.PUT, ("/home/me/report.csv",), "/srv/")
    services.requests.kept = [_request(1, action=action, deadline=NOW + timedelta(days=400))]
    async with fake_app() as pilot:
        text = _part(pilot, "#detail")
        assert "waiting ○ put /home/me/report.csv → /srv/ (deadline" in text
        services.requests.kept = []
        services.bus.publish(RequestsChanged("web-1"))
        await settled(pilot)
        assert "report.csv" not in _part(pilot, "#detail")


async def test_how_much_waits_from_the_last_time_is_told_at_the_start(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.requests.kept = [_request(1), _request(2, host="db-2"), _request(3, state=RequestState.DONE)]
    async with fake_app() as pilot:
        assert any("2 requests wait for 2 hosts" in toast.message for toast in pilot.app._notifications)


async def test_the_end_of_a_request_is_told_wherever_one_is(fake_app: FakeApp, services: FakeServices) -> None:
    async with fake_app() as pilot:
        await pilot.press("4")
        done = _request(7, "./backup", state=RequestState.DONE, result=RequestResult(exit_status=0))
        services.bus.publish(RequestsChanged("web-1", done))
        services.bus.publish(RequestsChanged("web-1", replace(done, number=8, result=RequestResult(exit_status=3))))
        await settled(pilot)
        toasts = [(toast.title, toast.message, toast.severity) for toast in pilot.app._notifications]
        assert ("web-1", "done: ./backup", "information") in toasts
        assert ("web-1", "exit 3: ./backup", "warning") in toasts


async def test_waiting_requests_are_reordered_and_cancelled(fake_app: FakeApp, services: FakeServices) -> None:
    services.requests.kept = [_request(1, "first"), _request(2, "second"), _request(3, "third")]
    async with fake_app() as pilot:
        await pilot.press("w")
        await settled(pilot)
        assert "3 waiting" in _part(pilot, "#panel-box")
        await pilot.press("J")
        await settled(pilot)
        assert [one.number for one in services.requests.kept] == [2, 1, 3]
        await pilot.press("p")
        await settled(pilot)
        changed = next(one for one in services.requests.kept if one.number == 1)
        assert changed.priority is Priority.HIGH
        await pilot.press("x")
        await settled(pilot)
        assert services.requests.cancelled == [1]


async def test_a_request_gets_another_deadline(fake_app: FakeApp, services: FakeServices) -> None:
    services.requests.kept = [_request(1, "first", deadline=NOW + timedelta(hours=1))]
    async with fake_app() as pilot:
        await pilot.press("w", "d")
        await settled(pilot)
        line = pilot.app.screen.query_one(Input)
        assert line.value == f"{(NOW + timedelta(hours=1)).astimezone():%Y-%m-%dT%H:%M}"
        line.value = "soon"
        await pilot.press("enter")
        await settled(pilot)
        assert "'soon' is no deadline" in _part(pilot, "#objection")
        line.value = "3h"
        await pilot.press("enter")
        await settled(pilot)
        assert [one.deadline for one in services.requests.kept] == [NOW + timedelta(hours=3)]
        await pilot.press("d")
        await settled(pilot)
        pilot.app.screen.query_one(Input).value = ""
        await pilot.press("enter")
        await settled(pilot)
        assert [one.deadline for one in services.requests.kept] == [None]
        assert "deadline none" in _part(pilot, "#panel-box")


async def test_a_request_that_was_too_late_can_be_put_back(fake_app: FakeApp, services: FakeServices) -> None:
    late = {"deadline": NOW - timedelta(hours=1), "ended": NOW - timedelta(hours=1)}
    services.requests.kept = [_request(1, "first", state=RequestState.EXPIRED, **late)]
    async with fake_app() as pilot:
        await pilot.press("w")
        await settled(pilot)
        assert "With a new one (d) it waits again." in _part(pilot, "#panel-box")
        await pilot.press("d", *"2h", "enter")
        await settled(pilot)
        assert services.requests.kept[0].state is RequestState.WAITING
        services.requests.kept = [replace(services.requests.kept[0], state=RequestState.RUNNING)]
        services.bus.publish(RequestsChanged("web-1"))
        await settled(pilot)
        await pilot.press("d")
        await settled(pilot)
        assert not pilot.app.screen.query(Input)


async def test_an_unknown_end_is_called_unknown(fake_app: FakeApp, services: FakeServices) -> None:
    services.requests.kept = [_request(1, "./migrate", state=RequestState.UNKNOWN, attempts=1, ended=NOW)]
    async with fake_app() as pilot:
        assert "1 with an unknown end" in _part(pilot, "#detail")
        await pilot.press("w")
        await settled(pilot)
        text = _part(pilot, "#panel-box")
        assert "? ./migrate" in text
        assert "Look on the host before asking for it again." in text


async def test_the_queue_of_all_hosts_is_a_key_away(fake_app: FakeApp, services: FakeServices) -> None:
    services.requests.kept = [_request(1, "here"), _request(2, "there", host="db-2")]
    async with fake_app() as pilot:
        await pilot.press("w")
        await settled(pilot)
        assert "there" not in _part(pilot, "#panel-list")
        await pilot.press("t")
        await settled(pilot)
        assert "db-2" in _part(pilot, "#panel-list")


async def test_an_empty_queue_says_how_something_gets_into_it(fake_app: FakeApp) -> None:
    async with fake_app((80, 24)) as pilot:
        await pilot.press("w")
        await settled(pilot)
        assert isinstance(pilot.app.screen, WaitingPanel)
        assert "Nothing waits for web-1." in _part(pilot, "#panel-box")


# --- verify ------------------------------------------------------------------------------------------------------


def _check(check_id: CheckId, status: CheckStatus = CheckStatus.PASS, summary: str = "fine", **more: Any) -> Check:
    return Check(check_id, status, summary, 12.0, **more)


async def test_ticks_appear_one_by_one_and_what_is_wrong_is_explained(
    fake_app: FakeApp, services: FakeServices
) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    verification = services.verification
    verification.checks = [
        _check(CheckId.EXEC, summary="commands run"),
        _check(CheckId.SPACE, CheckStatus.WARN, "1 GB of 100 GB free", code=Code.SPACE_LOW),
        _check(CheckId.CLOCK),
    ]
    verification.pause_after = 1
    async with fake_app() as pilot:
        await pilot.press("v")
        await pilot.pause()
        await pilot.pause()
        text = _part(pilot, "#panel-box")
        assert "✓ run a command commands run" in text
        assert "1 of 9" in text
        verification.more.set()
        await pilot.app.workers.wait_for_complete()
        await settled(pilot)
        text = _part(pilot, "#panel-box")
        assert "1 warning" in text
        assert "SPACE_LOW" in text
        await pilot.press("escape")
        await settled(pilot)
        assert verification.closed == 1


async def test_what_can_be_done_about_a_check_has_its_key(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    low = FileError(Code.SPACE_LOW, host="web-1", evidence={"path": "/srv"})
    remedies = remedies_for(Case(low, "web-1"))
    services.verification.checks = [
        _check(CheckId.EXEC),
        _check(
            CheckId.SPACE,
            CheckStatus.WARN,
            "1 GB of 100 GB free",
            code=Code.SPACE_LOW,
            advice=tuple(remedy.told for remedy in remedies),
            remedies=remedies,
        ),
    ]
    services.remedies.room = Room(b"/srv", 52, ())
    async with fake_app((80, 24)) as pilot:
        await pilot.press("v")
        await settled(pilot)
        text = _part(pilot, "#panel-box")
        assert "f show what takes the room" in text
        assert "f do it" in text
        await pilot.press("f")
        await settled(pilot)
        assert [remedy.id for remedy, _ in services.remedies.applied] == [RemedyId.SHOW_SPACE]
        assert isinstance(pilot.app.screen, RoomPrompt)
        await pilot.press("escape", "home")
        await settled(pilot)
        assert "do it" not in _part(pilot, "#panel-box"), "nothing can be done about what works"


async def test_why_nothing_could_be_verified_is_told_with_what_helps(fake_app: FakeApp, services: FakeServices) -> None:
    error = AuthError(Code.AUTH_DENIED, host="web-1")
    services.verification.failure = error
    can = remedies_for(Case(error, "web-1", hop("web-1")))
    services.explanations[Code.AUTH_DENIED] = Explanation({}, tuple(one.told for one in can), can)
    async with fake_app((80, 24)) as pilot:
        await pilot.press("4", "v")
        await settled(pilot)
        text = _part(pilot, "#panel-box")
        assert "k choose another key" in text
        assert "k another key" in text
        await pilot.press("k")
        await settled(pilot)
        assert any("ssh-keygen makes one" in toast.message for toast in pilot.app._notifications)


async def test_leaving_stops_what_is_being_verified(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    services.verification.checks = [_check(CheckId.EXEC)]
    services.verification.pause_after = 1
    async with fake_app() as pilot:
        await pilot.press("v")
        await pilot.pause()
        assert isinstance(pilot.app.screen, VerifyPanel)
        await pilot.press("escape")
        await settled(pilot)
        assert services.verification.closed == 1


async def test_verifying_is_a_key_away_from_the_ladder(fake_app: FakeApp, services: FakeServices) -> None:
    services.verification.checks = [_check(CheckId.EXEC, summary="a command runs")]
    async with fake_app() as pilot:
        await pilot.press("4", "v")
        await settled(pilot)
        assert isinstance(pilot.app.screen, VerifyPanel)
        assert "a command runs" in _part(pilot, "#panel-box")


async def test_help_over_a_panel_tells_its_keys(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        await pilot.press("f", "f1")
        await settled(pilot)
        assert "Open a forward that you write as ssh does." in shown(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ForwardsPanel)


async def test_the_keys_of_a_panel_can_be_remapped(fake_app: FakeApp, services: FakeServices) -> None:
    services.forwards.open[1] = _view("L 8080:db-2:5432")
    async with fake_app(keymap={"host.forwards": "F", "forwards.stop": "ctrl+d"}) as pilot:
        await pilot.press("F", "ctrl+d")
        await settled(pilot)
        assert services.forwards.views() == ()


async def test_a_host_that_is_lost_while_it_is_verified_says_why(fake_app: FakeApp, services: FakeServices) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    services.verification.failure = LinkLost(Code.CONNECTION_LOST, evidence={"reason": "reset"}, host="web-1")
    async with fake_app() as pilot:
        await pilot.press("v")
        await settled(pilot)
        assert "CONNECTION_LOST" in _part(pilot, "#panel-box")


@pytest.mark.parametrize("key", ["f", "w", "v", "R"])
async def test_every_panel_fits_both_sizes_and_helps(
    fake_app: FakeApp, services: FakeServices, size: tuple[int, int], key: str
) -> None:
    services.sessions.get("web-1").become(SessionState.READY)
    async with fake_app(size) as pilot:
        await pilot.press(key)
        await settled(pilot)
        assert len(shown(pilot).splitlines()) == size[1]
        assert "esc" in shown(pilot)
