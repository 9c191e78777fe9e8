"""Hosts as the list shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.state import SessionState
from backend.errors import Code, ConnectError, HostKeyError
from backend.events import EventBus
from backend.hosts.book import HostEntry, HostSource
from tests.tui.fakes import FakeSession, a_few_hosts
from tui.glyphs import ASCII, UNICODE
from tui.hosts import Gap, Heading, HostView, cause_words, counts_text, grouped, view_of, views
from tui.widgets.host_list import host_line

OWN = HostEntry("web-1", HostSource.OWN, tags=("web", "nginx"), group="prod")


def test_a_host_that_nobody_asked_for_says_nothing() -> None:
    assert HostView(OWN).status(UNICODE) == ""


def test_a_countdown_counts_down() -> None:
    session = FakeSession("web-1", EventBus())
    session.become(SessionState.RECONNECTING, retry_in=4.0)
    words = [view_of(OWN, session, now=now).status(UNICODE) for now in (1000.0, 1003.0, 1003.9, 1010.0)]  # type: ignore[arg-type]
    assert words == ["retry in 4 s", "retry in 1 s", "retrying", "retrying"]


def test_a_failure_is_told_by_its_cause() -> None:
    failed = HostView(OWN, SessionState.FAILED, error=ConnectError(Code.TCP_TIMEOUT))
    assert failed.status(UNICODE) == "tcp timeout"
    assert failed.look(UNICODE).glyph == UNICODE.failed


def test_a_changed_key_asks_for_the_person() -> None:
    changed = HostView(OWN, SessionState.FAILED, error=HostKeyError(Code.HOST_KEY_CHANGED))
    assert changed.look(UNICODE).glyph == UNICODE.attention
    assert changed.status(UNICODE) == "key changed"


def test_a_measured_host_tells_its_latency() -> None:
    assert HostView(OWN, SessionState.READY, latency=0.0123).status(UNICODE) == "12 ms"


@pytest.mark.parametrize("code", list(Code))
def test_every_cause_has_short_words(code: Code) -> None:
    assert cause_words(code) == cause_words(code).lower()
    assert "_" not in cause_words(code)


def test_typed_hosts_are_listed_while_they_are_in_use_or_current() -> None:
    bus = EventBus()
    used, idle = FakeSession("me@10.1.1.1", bus), FakeSession("me@10.1.1.2", bus)
    used.become(SessionState.READY)
    sessions = {"me@10.1.1.1": used, "me@10.1.1.2": idle}
    names = [view.name for view in views((OWN,), sessions, now=0.0)]  # type: ignore[arg-type]
    assert names == ["web-1", "me@10.1.1.1"]
    current = [view.name for view in views((OWN,), sessions, now=0.0, current="me@10.1.1.2")]  # type: ignore[arg-type]
    assert current == ["web-1", "me@10.1.1.1", "me@10.1.1.2"]


def test_groups_stand_apart_where_there_is_room() -> None:
    shown = [HostView(entry) for entry in a_few_hosts()]
    roomy = grouped(shown, height=30)
    cramped = grouped(shown, height=8)
    assert [row.title for row in roomy if isinstance(row, Heading)] == ["prod", "lab", "~/.ssh/config"]
    assert sum(isinstance(row, Gap) for row in roomy) == 2
    assert not any(isinstance(row, Gap) for row in cramped)


def test_a_single_group_needs_no_heading() -> None:
    assert grouped([HostView(OWN)], height=30) == [HostView(OWN)]


def test_the_count_says_where_hosts_come_from() -> None:
    assert counts_text(a_few_hosts()) == "5 hosts: 3 own, 2 ~/.ssh/config"
    assert counts_text((OWN,)) == "1 host: 1 own"
    assert counts_text(()) == "no hosts"


@given(
    st.text(max_size=30),
    st.sampled_from(SessionState),
    st.integers(min_value=30, max_value=120),
    st.integers(min_value=4, max_value=22),
)
def test_a_line_always_fits(name: str, state: SessionState, width: int, name_width: int) -> None:
    view = HostView(HostEntry(name, HostSource.OWN, tags=("日本", "x" * 40)), state, latencies=(0.01, 0.02))
    for glyphs in (UNICODE, ASCII):
        line = host_line(view, width, glyphs, name_width=name_width)
        assert "\n" not in line.plain
        assert line.cell_length <= width
