"""Which processes belong to a command, read from a host's process table; nothing else is ever signalled."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.kin import Process, Table, kill_script, kin, leader, named, read_table
from backend.connection.connector import Place


def process(pid: int, parent: int, session: int | None = None, started: int = 0, name: bytes = b"x") -> Process:
    own = pid if session is None else session
    return Process(pid, parent, own, own, started or pid, name)


SERVER, LOOK = 100, 900
OURS = (process(200, SERVER), process(300, SERVER), process(400, SERVER))
TABLE = Table(SERVER, LOOK, (process(1, 0), process(SERVER, 1), *OURS, process(LOOK, SERVER), process(950, 1)))


def stat(pid: int, name: bytes, parent: int, session: int, state: bytes = b"S") -> bytes:
    numbers = b" ".join(b"%d" % number for number in (0, -1, 4194560, *[0] * 12))
    return b"%d (%s) %s %d %d %d %s %d 0 0\n" % (pid, name, state, parent, session, session, numbers, 5000 + pid)


@pytest.mark.parametrize("name", [b"sh", b"a b", b"x) S 1 1", b"(((", b"", b"\xff\n1 (y", b") Z 1 (x"])
def test_a_process_may_call_itself_what_it_likes(name: bytes) -> None:
    said = b"100 900\n" + stat(200, name, 100, 200) + stat(300, b"other", 100, 300) + stat(9, b"gone", 1, 9, b"Z")
    table = read_table(said)
    assert table is not None
    assert (table.server, table.looker) == (100, 900)
    assert Process(300, 100, 300, 300, 5300, b"other") in table.processes
    assert Process(200, 100, 200, 200, 5200, name) in table.processes
    assert {each.pid for each in table.processes} == {200, 300}


def test_this_machines_own_table_is_read() -> None:
    said = b"1 2\n" + b"".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/stat") if path.exists())
    table = read_table(said)
    assert table is not None
    assert any(each.pid == 1 for each in table.processes)
    assert all(each.started > 0 for each in table.processes if each.pid != 1)


def test_hosts_without_proc_tell_by_ps() -> None:
    table = read_table(
        b"100 900\n  200   100   200 Ss   /bin/sh\n  201   200   200 Z+   <defunct>\n 900 100 900 R+ sh\n"
    )
    assert table is not None
    assert [(each.pid, each.parent, each.group, each.started) for each in table.processes] == [
        (200, 100, 200, 0),
        (900, 100, 900, 0),
    ]


@pytest.mark.parametrize(
    "said", [b"", b"sh: not found\n", b"This account is not available.\n", b"1 2\n", b"1 2\nnoise\n"]
)
def test_what_is_no_table_is_none(said: bytes) -> None:
    assert read_table(said) is None


@pytest.mark.parametrize(("before", "pid"), [(0, 200), (1, 300), (2, 400)])
def test_the_place_among_the_commands_tells_which_process_it_is(before: int, pid: int) -> None:
    found = leader(TABLE, Place(before, 2 - before))
    assert found is not None
    assert found.pid == pid


@pytest.mark.parametrize("place", [Place(0, 1), Place(3, 0), Place(0, 3)])
def test_where_the_numbers_do_not_agree_nobody_is_meant(place: Place) -> None:
    assert leader(TABLE, place) is None


def test_without_start_times_only_a_single_one_is_sure() -> None:
    timeless = Process(200, SERVER, 200, 200, 0, b"sh")
    assert leader(Table(SERVER, LOOK, (timeless,)), Place(0, 0)) == timeless
    assert leader(Table(SERVER, LOOK, (timeless, Process(300, SERVER, 300, 300, 0, b"sh"))), Place(0, 1)) is None


def test_the_session_and_all_that_descends_belong_to_it() -> None:
    family = (process(201, 200, 200), process(202, 201, 202), process(203, 1, 200))
    table = Table(SERVER, LOOK, (*TABLE.processes, *family))
    assert {each.pid for each in kin(table, OURS[0])} == {200, 201, 202, 203}


def test_what_was_its_child_is_followed_when_it_is_alone() -> None:
    child = process(202, 200, 202)
    orphan = Process(202, 1, 202, 202, child.started, b"renamed")
    assert kin(Table(SERVER, LOOK, (process(1, 0), orphan)), OURS[0], [child]) == (orphan,)
    another = Process(202, 1, 202, 202, child.started + 1, b"x")
    assert kin(Table(SERVER, LOOK, (process(1, 0), another)), OURS[0], [child]) == ()


def test_a_server_that_begins_no_sessions_loses_nothing_but_the_command() -> None:
    """As one whose commands stay in its own session: that must not be taken for the command's."""
    root = process(200, SERVER, SERVER)
    table = Table(
        SERVER, LOOK, (process(1, 0), process(SERVER, 1), root, process(201, 200, SERVER), process(300, SERVER, SERVER))
    )
    assert {each.pid for each in kin(table, root)} == {200, 201}


def test_a_signal_goes_to_whole_groups_only_where_they_are_the_commands() -> None:
    members = [process(200, SERVER), process(201, 200, 200), Process(202, 200, 777, 777, 5, b"x")]
    assert kill_script("TERM", members) == b"kill -s TERM -- -200 202 2>/dev/null"


def test_names_are_told_cleaned_and_not_without_end() -> None:
    assert named([process(7, 1, name=b"\x1b[2Jx")]).startswith("7 (")
    assert "\x1b" not in named([process(7, 1, name=b"\x1b[2Jx")])
    assert named([process(number, 1) for number in range(2, 10)]).endswith("and 3 more")


@given(st.lists(st.tuples(st.integers(2, 40), st.integers(0, 40), st.integers(0, 40)), max_size=30), st.integers(2, 40))
def test_neither_the_first_process_nor_the_server_is_ever_among_them(
    rows: list[tuple[int, int, int]], pid: int
) -> None:
    processes = {number: process(number, parent, session) for number, parent, session in rows}
    root = process(pid, SERVER)
    table = Table(SERVER, LOOK, (process(1, 0), process(SERVER, 1), *processes.values()))
    assert not {1, SERVER} & {each.pid for each in kin(table, root)}
