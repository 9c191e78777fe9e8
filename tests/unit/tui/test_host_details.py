"""How routes, crypto, health, forwards and waiting requests are put into words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.connection.connector import LinkFacts, Phase, PhasePassed
from backend.connection.state import SessionState
from backend.connection.target import Hop
from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import read_forward
from backend.health.values import LatencyHour
from backend.hosts.book import HostEntry, HostSource
from backend.priority import Priority
from backend.requests.model import Request, RequestResult, RequestState, RunCommand
from tui.detail.attempt import attempt_block
from tui.detail.details import HostDetails
from tui.detail.forwards import forward_line, notes_on, spec_words, traffic_words, way_words
from tui.detail.health import DAYS_SHOWN, days_words
from tui.detail.link import crypto_words, is_post_quantum, link_block
from tui.detail.routes import route_name
from tui.detail.waiting import request_line, request_look, urgency_words, waiting_words
from tui.format import moment_text
from tui.glyphs import ASCII, UNICODE
from tui.hosts import HostView

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def _hour(days_ago: int, seconds: float, count: int = 10) -> LatencyHour:
    return LatencyHour(NOW - timedelta(days=days_ago), count, seconds, seconds, seconds)


def _request(**details: object) -> Request:
    usual: dict[str, object] = {
        "number": 1,
        "host": "web-1",
        "action": RunCommand(b"make"),
        "priority": Priority.NORMAL,
        "asked": NOW,
        "deadline": None,
        "repeatable": False,
        "state": RequestState.WAITING,
    }
    return Request(**(usual | details))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kex", "safe"),
    [
        ("mlkem768x25519-sha256", True),
        ("sntrup761x25519-sha512@openssh.com", True),
        ("curve25519-sha256", False),
        ("ecdh-sha2-nistp256", False),
    ],
)
def test_hybrid_key_exchanges_are_post_quantum(kex: str, *, safe: bool) -> None:
    assert is_post_quantum(kex) is safe


def test_a_cipher_that_nobody_told_is_left_out() -> None:
    assert crypto_words("", "", UNICODE, 40).plain == ""


def test_a_jump_route_is_named_by_its_host() -> None:
    assert route_name("jump:bastion") == "bastion"
    assert route_name("tailscale") == "tailscale"


def test_days_without_a_connection_stay_empty() -> None:
    words = days_words([_hour(0, 0.02), _hour(2, 0.01)], NOW, UNICODE, 80).plain
    assert len(words.partition("  10 ms")[0]) == DAYS_SHOWN
    assert words[DAYS_SHOWN - 2] == " "
    assert words.endswith("10 ms to 20 ms, 28 days")


def test_hours_of_a_day_weigh_as_much_as_they_were_measured() -> None:
    words = days_words([_hour(0, 0.1, 1), _hour(0, 0.01, 9), _hour(1, 0.01)], NOW, UNICODE, 80).plain
    assert "10 ms to 19 ms" in words


def test_one_day_is_no_history() -> None:
    assert days_words([_hour(0, 0.02)], NOW, UNICODE, 80).plain == ""


def test_the_steps_of_a_hop_fit_into_one_line_of_a_narrow_screen_whoever_logs_in() -> None:
    hops = (Hop("operations@gate.example", "192.0.2.1", 22, "operations"), Hop("app", "10.0.0.2", 22, "mara"))
    phases = [PhasePassed(hop, phase, 0.01, {}) for hop in hops for phase in Phase]
    view = HostView(HostEntry("app", HostSource.OWN), state=SessionState.AUTHENTICATING)
    lines = attempt_block(HostDetails(view, NOW, phases=tuple(phases)), UNICODE, 76).plain.splitlines()
    assert [line.split()[0] for line in lines] == ["gate.example", "app"]
    assert all(line.endswith("✓ login") for line in lines)


def test_a_long_name_leaves_less_room_for_its_steps() -> None:
    hop = Hop("a-jump-host-with-a-long-name.example", "192.0.2.1", 22, "mara")
    view = HostView(HostEntry("app", HostSource.OWN), state=SessionState.AUTHENTICATING)
    details = HostDetails(view, NOW, phases=tuple(PhasePassed(hop, phase, 0.01, {}) for phase in Phase))
    lines = attempt_block(details, UNICODE, 76).plain.splitlines()
    assert len(lines) == 2 and all(len(line) <= 76 for line in lines)
    assert lines[1].strip().startswith("✓"), "a sign stays with its word"


def test_a_single_round_trip_has_no_spread() -> None:
    view = HostView(HostEntry("app", HostSource.OWN), state=SessionState.READY, latency=0.011, latencies=(0.011,))
    facts = LinkFacts("app", "mara", "10.0.0.2:22", (), "OpenSSH_9.6", "", "", "", "SHA256:x", "password")
    assert " to " not in link_block(HostDetails(view, NOW, facts=facts), UNICODE, 76).plain


def test_who_else_uses_the_connection_is_named() -> None:
    view = HostView(HostEntry("app", HostSource.OWN), state=SessionState.READY)
    facts = LinkFacts("app", "mara", "10.0.0.2:22", (), "OpenSSH_9.6", "", "", "", "SHA256:x", "password")
    shared = HostDetails(view, NOW, facts=facts, shared_with=("mara@10.0.0.2", "app-2"))
    assert "shared      with mara@10.0.0.2, app-2\n" in link_block(shared, UNICODE, 76).plain
    assert "shared" not in link_block(HostDetails(view, NOW, facts=facts), UNICODE, 76).plain


def test_a_port_that_was_given_stands_in_place_of_any() -> None:
    assert spec_words(read_forward("L 0:localhost:80"), UNICODE, port=40165) == "L 40165→localhost:80"
    assert spec_words(read_forward("L 8080:localhost:80"), ASCII) == "L 8080->localhost:80"
    assert spec_words(read_forward("D 1080"), UNICODE) == "D 1080 SOCKS"


def test_both_ends_of_a_remote_forward_are_named() -> None:
    words = way_words("web-1", read_forward("R 9000:localhost:3000"), None)
    assert words == "web-1 listens on 9000 and brings connections here, to localhost:3000, as this machine sees it."


def test_who_else_can_come_in_is_said() -> None:
    assert notes_on("web-1", read_forward("L 8080:localhost:80")) == []
    assert len(notes_on("web-1", read_forward("R *:9000"))) == 2


def test_failed_connections_are_counted() -> None:
    view = ForwardView(
        1, "web-1", read_forward("D 1080"), ForwardState.LISTENING, NOW, received=10, total=4, refused=1, errors=2
    )
    assert traffic_words(view, UNICODE) == "10 B ↓  0 B ↑  4 conns  3 failed"
    assert traffic_words(view, ASCII).isascii()


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_line_never_grows_beyond_its_width(width: int) -> None:
    spec = read_forward("L 8080:a-very-long-name-of-a-database.example:5432")
    view = ForwardView(1, "web-1", spec, ForwardState.FAILED, NOW, "a long reason why it could not be opened at all")
    assert forward_line(spec, view, width, UNICODE).cell_length <= max(width, 20)
    request = _request(action=RunCommand(b"x" * 200), deadline=NOW + timedelta(hours=2))
    assert request_line(request, NOW, max(width, 40), UNICODE).cell_length <= max(width, 40)


def test_a_command_that_ended_with_another_status_did_not_go_well() -> None:
    done = _request(state=RequestState.DONE, result=RequestResult(exit_status=0))
    broken = _request(state=RequestState.DONE, result=RequestResult(exit_status=3))
    killed = _request(state=RequestState.DONE, result=RequestResult(signal="KILL"))
    assert [request_look(one, UNICODE).word for one in (done, broken, killed)] == ["done", "exit 3", "SIGKILL"]


def test_what_is_usual_is_not_said() -> None:
    assert urgency_words(_request(), NOW) == []
    urgent = _request(priority=Priority.HIGH, deadline=NOW + timedelta(days=400))
    assert urgency_words(urgent, NOW)[0] == "high priority"


def test_how_much_waits_is_counted_by_request_and_host() -> None:
    assert waiting_words(["web-1"]).startswith("1 request waits for web-1")
    assert waiting_words(["web-1", "web-1", "db-2"]).startswith("3 requests wait for 2 hosts")


def test_a_moment_names_its_day_where_it_is_not_today() -> None:
    noon = datetime(2026, 3, 2, 12, 0).astimezone()
    assert moment_text(noon.replace(hour=18), noon) == "18:00"
    assert moment_text(noon + timedelta(days=1), noon) == "3 Mar 12:00"
    assert moment_text(noon.replace(year=2027), noon) == "2 Mar 2027 12:00"
