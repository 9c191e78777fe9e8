"""Events in the log: stable names, plain values, nothing that is a person's own, and no cost where no log is wanted."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.commands.values import CommandChanged, CommandOutcome, CommandOutput, CommandState
from backend.connection.asked import PersonAsked
from backend.connection.connector import ExitReport, Phase, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.guarded import LoginHeldBack
from backend.connection.session import LatencyMeasured, PhaseSeen
from backend.connection.state import SessionChanged, SessionState
from backend.connection.vault import Vault
from backend.errors import AuthError, Code, ConnectError
from backend.event_log import fields_of, kind_of, log_events, plain
from backend.events import Event, EventBus
from backend.health.deep.values import DeepCheck, DeepChecked, DeepCheckFailed, HealthLevelChanged, Level
from backend.health.recovery.values import Outcome, RecoveryDone
from backend.log import configure_logging, reset_logging
from tests.support.scripted import hop

MOMENT = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
REFUSED = ConnectError(Code.TCP_REFUSED, hop="bastion", evidence={"address": "10.0.0.7", "port": 22})
EVENTS: dict[str, tuple[Event, set[str]]] = {
    "session_changed": (
        SessionChanged("web-1", SessionState.CONNECTING, SessionState.RECONNECTING, "lost", MOMENT, REFUSED, 2, 7.0),
        {"host", "old", "new", "reason", "error", "attempt", "retry_at"},
    ),
    "phase_seen": (
        PhaseSeen("web-1", PhasePassed(hop("web-1"), Phase.AUTH, 0.25, {"method": "password"}), "jump"),
        {"host", "route", "hop", "phase", "outcome", "seconds", "evidence"},
    ),
    "person_asked": (PersonAsked("web-1", "password", True, 3.2), {"host", "kind", "answered", "seconds"}),
    "login_held_back": (LoginHeldBack("web-1", AuthError(Code.LOGIN_HELD_BACK)), {"host", "error"}),
    "command_changed": (
        CommandChanged("web-1", "c1", CommandState.ENDED, CommandOutcome(ExitReport(3), None, 0.5, 10, 0)),
        {"host", "command_id", "state", "outcome"},
    ),
    "deep_checked": (DeepChecked("web-1", DeepCheck("web-1", MOMENT, 0.2, ())), {"host", "check"}),
    "deep_check_failed": (DeepCheckFailed("web-1", REFUSED, True), {"host", "error", "again"}),
    "health_level_changed": (
        HealthLevelChanged("web-1", "load.per_cpu", Level.OK, Level.WARN, "busy", MOMENT),
        {"host", "name_", "old", "new", "text"},
    ),
    "recovery_done": (
        RecoveryDone("web-1", "restart nginx.service", Outcome.DONE, "it is active"),
        {"host", "action", "outcome", "text"},
    ),
    "latency_measured": (LatencyMeasured("web-1", 0.0123456789), {"host", "seconds"}),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_the_fields_are_the_documented_ones(kind: str) -> None:
    event, names = EVENTS[kind]
    documented = (Path(__file__).parents[2] / "docs/logs.md").read_text()
    (row,) = [line for line in documented.splitlines() if line.startswith(f"| `{kind}`")]
    assert kind_of(type(event).__name__) == kind
    assert set(fields_of(event)) == names
    assert all(f"`{name}`" in row for name in names)
    json.dumps(fields_of(event))


def test_an_error_is_its_code_its_sentence_and_its_hop() -> None:
    told = plain(REFUSED)
    assert (told["code"], told["hop"]) == ("TCP_REFUSED", "bastion")


def test_a_failed_phase_says_why_and_a_started_one_that_it_started() -> None:
    failed = fields_of(PhaseSeen("web-1", PhaseFailed(hop("web-1"), Phase.TCP, 0.1, REFUSED)))
    started = fields_of(PhaseSeen("web-1", PhaseStarted(hop("web-1"), Phase.TCP)))
    assert (failed["outcome"], failed["error"]["code"]) == ("failed", "TCP_REFUSED")
    assert started["outcome"] == "started"


def test_bytes_and_what_lies_deeper_are_left_out() -> None:
    assert plain(b"a command") is None
    assert plain({"TOKEN": "a value"}) is None
    assert fields_of(EVENTS["command_changed"][0])["outcome"]["exit"] == {"status": 3}


def test_every_event_becomes_one_json_object_and_hints_to_redraw_become_none(tmp_path: Path) -> None:
    configure_logging(file=tmp_path / "log", verbosity=0, vault=Vault())
    try:
        bus = EventBus()
        log_events(bus)
        for event, _ in EVENTS.values():
            bus.publish(event)
        bus.publish(CommandOutput("web-1", "c1"))
    finally:
        reset_logging()
    records = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [record["message"] for record in records] == [
        kind for kind in EVENTS if kind not in ("latency_measured", "deep_checked")
    ]
    assert all(record["logger"] == "fairlead.events" and record["at"].endswith("Z") for record in records)


def test_nobody_listens_where_no_log_is_wanted() -> None:
    heard = logging.getLogger("fairlead.events").isEnabledFor(logging.INFO)
    bus = EventBus()
    log_events(bus)
    assert not heard
    assert bus._subscriptions == []
