"""Health as a monitoring plugin: the state fits what was seen, and the line can be parsed whatever a host says."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import AuthError, Code, ConfigError, ConnectError, FairleadError
from backend.health.live import LiveLook
from backend.health.nagios import Limits, NagiosState, judge, report, unknown
from backend.health.values import SshHealth

LIMITS = Limits(0.4, 1.0)
_DATUM = re.compile(r"'(?:[^'=|]|'')+'=-?[0-9.]+(?:s|%)?;[0-9.]*;[0-9.]*;[0-9.]*(?:;[0-9.]*)?")


def known(consecutive: int = 0) -> SshHealth:
    since = datetime(2026, 3, 2, tzinfo=UTC)
    return SshHealth("web-1", since, 9, 1, consecutive_failures=consecutive, window_successes=9, window_failures=1)


def looked(*trips: float, error: FairleadError | None = None) -> LiveLook:
    return LiveLook("web-1", error, 0.21, (), trips)


@pytest.mark.parametrize(
    ("trip", "state"), [(0.012, NagiosState.OK), (0.5, NagiosState.WARNING), (1.5, NagiosState.CRITICAL)]
)
def test_a_look_is_judged_by_its_round_trip(trip: float, state: NagiosState) -> None:
    assert judge(known(), looked(trip), LIMITS).state is state


def test_a_host_that_is_not_reached_is_critical() -> None:
    assert judge(known(), looked(error=ConnectError(Code.TCP_REFUSED)), LIMITS).state is NagiosState.CRITICAL


@pytest.mark.parametrize("error", [ConfigError(Code.HOST_UNKNOWN), AuthError(Code.NEEDS_PERSON)])
def test_what_is_not_the_hosts_fault_is_unknown(error: FairleadError) -> None:
    assert judge(known(), looked(error=error), LIMITS).state is NagiosState.UNKNOWN


@pytest.mark.parametrize(
    ("consecutive", "state"), [(0, NagiosState.OK), (2, NagiosState.WARNING), (3, NagiosState.CRITICAL)]
)
def test_a_history_is_judged_by_its_last_failures(consecutive: int, state: NagiosState) -> None:
    assert judge(known(consecutive), None, LIMITS).state is state


def test_a_host_that_was_never_reached_is_critical_from_its_first_failure_on() -> None:
    verdict = judge(SshHealth("web-1", datetime(2026, 3, 2, tzinfo=UTC), 0, 1, consecutive_failures=1), None, LIMITS)
    assert verdict.state is NagiosState.CRITICAL
    assert verdict.text.startswith("never reached, 1 failed in a row")
    assert verdict.data[0] == "'web-1 failed'=1;0;0;0"


def test_without_a_history_nothing_is_known() -> None:
    assert judge(SshHealth("web-1"), None, LIMITS).state is NagiosState.UNKNOWN
    assert report([])[0] is NagiosState.UNKNOWN


def test_the_line_of_one_host() -> None:
    assert report([judge(known(), looked(0.012), LIMITS)]) == (
        NagiosState.OK,
        "SSH OK - web-1: round trip 12 ms, connected in 0.21 s"
        " | 'web-1 rtt'=0.0120s;0.4;1;0 'web-1 connect'=0.2100s;;;0",
    )


def test_the_worst_of_several_hosts_decides() -> None:
    verdicts = [judge(known(count), None, LIMITS) for count in (0, 3, 1)]
    state, text = report(verdicts)
    assert state is NagiosState.CRITICAL
    assert text.splitlines()[0].startswith("SSH CRITICAL - 2 of 3 hosts: web-1, web-1 | ")
    assert len(text.splitlines()) == 4


@given(host=st.text(min_size=1, max_size=12), said=st.text(max_size=30))
def test_no_name_and_no_message_can_pass_for_performance_data(host: str, said: str) -> None:
    fine = judge(SshHealth(host), LiveLook(host, None, 0.1, (), (0.01,)), LIMITS)
    failed = judge(SshHealth(host), LiveLook(host, ConnectError(Code.TCP_REFUSED, said)), LIMITS)
    state, text = report([fine])
    line, _, data = text.partition(" | ")
    assert state is NagiosState.OK
    assert "|" not in line and "\n" not in text
    assert "|" not in report([failed])[1] and "|" not in unknown(said)
    assert len(_DATUM.findall(data)) == 2
