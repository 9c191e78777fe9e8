"""Hosts as the list shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.state import SessionState
from backend.errors import Code, ConnectError, HostKeyError
from backend.events import EventBus
from backend.hosts.book import HostEntry, HostSource
from backend.hosts.entries import by_use
from tests.tui.fakes import NOW, FakeSession, a_few_hosts
from tui.glyphs import ASCII, UNICODE
from tui.hosts import Gap, Heading, HostRow, HostView, cause_words, counts_text, grouped, view_of, views
from tui.widgets.host_list import heading_line, host_line, tag_text

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


def _names(rows: list[HostRow]) -> list[str]:
    return [row.name if isinstance(row, HostView) else row.title for row in rows if not isinstance(row, Gap)]


def test_pinned_hosts_stand_above_all_groups() -> None:
    hosts = [replace(entry, pinned=entry.name in {"gpu-7", "edge-3"}) for entry in a_few_hosts()]
    rows = grouped([HostView(entry) for entry in hosts], height=30)
    assert _names(rows) == ["gpu-7", "edge-3", "prod", "web-1", "db-2", "~/.ssh/config", "old-nas"]


def test_the_group_that_was_used_last_comes_first_and_in_it_the_host_that_was() -> None:
    used = {"edge-3": 3, "db-2": 2, "web-1": 1}
    moments = {name: NOW - timedelta(days=9 - days) for name, days in used.items()}
    entries = by_use(replace(entry, last_used=moments.get(entry.name)) for entry in a_few_hosts())
    rows = grouped([HostView(entry) for entry in entries], height=30)
    assert _names(rows) == ["~/.ssh/config", "edge-3", "old-nas", "prod", "db-2", "web-1", "lab", "gpu-7"]


def test_a_list_by_fit_keeps_its_order_whatever_is_pinned() -> None:
    hosts = [replace(entry, pinned=entry.name == "old-nas") for entry in a_few_hosts()]
    rows = grouped([HostView(entry) for entry in hosts], height=30, pins_apart=False)
    assert _names(rows)[-1] == "old-nas"


def test_a_folded_group_keeps_its_heading_and_says_how_many_are_connected() -> None:
    shown = [HostView(entry) for entry in a_few_hosts()]
    shown[0] = replace(shown[0], state=SessionState.READY)
    rows = grouped(shown, height=30, folded={"prod"})
    assert _names(rows) == ["prod", "lab", "gpu-7", "~/.ssh/config", "edge-3", "old-nas"]
    heading = rows[0]
    assert isinstance(heading, Heading)
    assert heading_line(heading, UNICODE).plain == "▸ prod (2)  ● 1"
    assert heading_line(replace(heading, folded=False), ASCII).plain == "v prod (2)"


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.booleans()), max_size=12),
    st.sets(st.sampled_from(["a", "b", "own"])),
    st.integers(min_value=0, max_value=40),
)
def test_every_host_is_listed_once_or_is_in_a_folded_group(
    hosts: list[tuple[str, bool]], folded: set[str], height: int
) -> None:
    shown = [
        HostView(HostEntry(f"h{number}", HostSource.OWN, group=group, pinned=pinned))
        for number, (group, pinned) in enumerate(hosts)
    ]
    rows = grouped(shown, height=height, folded=folded)
    listed = [row.name for row in rows if isinstance(row, HostView)]
    hidden = sum(row.count for row in rows if isinstance(row, Heading) and row.folded)
    assert len(listed) == len(set(listed))
    assert len(listed) + hidden == len(shown)


def test_an_idle_host_says_when_it_was_used_last() -> None:
    entry = replace(OWN, last_used=NOW - timedelta(hours=3))
    assert view_of(entry, None, now=0.0, today=NOW).status(UNICODE) == "3 h ago"


def test_pins_have_a_column_of_their_own_where_there_are_some() -> None:
    pinned, other = HostView(replace(OWN, pinned=True)), HostView(OWN)
    assert host_line(pinned, 60, UNICODE, name_width=8, pins=True).plain.startswith("★ ○ web-1")
    assert host_line(other, 60, UNICODE, name_width=8, pins=True).plain.startswith("  ○ web-1")
    assert host_line(pinned, 60, ASCII, name_width=8, pins=True).plain.startswith("+ o web-1")
    assert tag_text(pinned) == "prod web nginx"


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
        for pins in (False, True):
            line = host_line(view, width, glyphs, name_width=name_width, pins=pins)
            assert "\n" not in line.plain
            assert line.cell_length <= width
