"""Process tables of several kinds of ps are read; processes that call themselves anything change no other."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.processes.model import Process, ProcessTable
from backend.commands.processes.reading import read_table

AT = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
LINUX = b"linux\nticks 100\npage 4096\nup 1000.50\nmemory 2048\n"


def _read(answer: bytes) -> ProcessTable:
    table = read_table(answer, "h", AT)
    assert table is not None
    return table


def test_proc_and_ps_are_joined() -> None:
    table = _read(
        LINUX + b"s 1 0 S 5 300 10\ns 7 1 R 50050 250 3\np     1 root     /sbin/init\np 7 www-data nginx: w \xff\nend\n"
    )
    assert table.memory == 2048 * 1024
    one, seven = table.processes
    assert (one.pid, one.parent, one.user, one.state, one.resident) == (1, 0, "root", "S", 40960)
    assert (seven.cpu_seconds, seven.age, seven.start, seven.command) == (2.5, 500.0, "50050", b"nginx: w \xff")
    assert seven.cpu == pytest.approx(0.5)
    assert (one.name, seven.name) == ("init", "nginx:")


def test_busybox_has_a_heading_and_no_threads_are_made_up() -> None:
    table = _read(
        LINUX + b"s 1 0 S 5 300 10\np PID   USER     COMMAND\np     1 root     init\np    99 root     sh\nend\n"
    )
    assert [process.pid for process in table.processes] == [1]
    assert table.odd == 0


def test_the_ps_of_bsd_tells_enough() -> None:
    line = b"o   812     1 Ss    10240   1:02.50  2-03:04:05 Mon Mar  2 09:00:00 2026 mara  /usr/sbin/sshd -D x\n"
    table = _read(b"other\nmemory 16777216\n" + line + b"end\n")
    assert table.processes == (
        Process(812, 1, "mara", "S", 10240 * 1024, 62.5, 183845.0, "Mon_Mar_2_09:00:00_2026", b"/usr/sbin/sshd -D x"),
    )


def test_an_answer_that_breaks_off_is_none() -> None:
    assert read_table(LINUX + b"s 1 0 S 5 300 10\n", "h", AT) is None


@given(st.binary(max_size=80).map(lambda raw: raw.replace(b"\n", b" ")))
def test_a_command_line_is_kept_byte_for_byte_and_harms_no_other(command: bytes) -> None:
    answer = LINUX + b"s 1 0 S 5 300 10\ns 7 1 R 50050 250 3\np 7 evil x" + command + b"\np 1 root init\nend\n"
    known = _read(answer).by_pid()
    assert known[1].command == b"init"
    assert known[7].command == b"x" + command


@given(st.binary(max_size=300))
def test_any_answer_can_be_read(answer: bytes) -> None:
    table = read_table(answer + b"\nend\n", "h", AT)
    assert table is not None
