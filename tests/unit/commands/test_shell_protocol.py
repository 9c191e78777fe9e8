"""Orders to a shell that is kept open, and what its two streams mean, however they are sliced."""

from __future__ import annotations

import subprocess
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.shells.protocol import Begun, Between, Ended, Reading, Said, is_posix, opening_line, order
from backend.connection.connector import StdStream

BEGIN, END = b"b" * 32, b"e" * 32
OUT, ERR = StdStream.OUT, StdStream.ERR


def sliced(reading: Reading, stream: StdStream, data: bytes, cuts: list[int]) -> list[object]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    found: list[object] = []
    for start, stop in pairwise(places):
        found += reading.feed(stream, data[start:stop])
    return found


def said(happenings: list[object], stream: StdStream) -> bytes:
    return b"".join(one.data for one in happenings if isinstance(one, Said) and one.stream is stream)


NEAR_MARKS = st.lists(
    st.sampled_from([END[:31], END[:1], BEGIN, b"\n", b" 0 /\n", b"x"]) | st.binary(max_size=20), max_size=12
).map(b"".join)


@given(
    out=NEAR_MARKS,
    err=NEAR_MARKS,
    before=st.binary(max_size=9),
    status=st.integers(0, 255),
    directory=st.binary(max_size=20).filter(lambda raw: b"e" * 32 not in raw),
    cuts=st.lists(st.integers(0, 500), max_size=8),
)
def test_both_streams_come_out_byte_for_byte_and_the_end_is_known(
    out: bytes, err: bytes, before: bytes, status: int, directory: bytes, cuts: list[int]
) -> None:
    if b"e" * 32 in out + b"|" + err:  # what nobody can guess
        return
    reading = Reading(BEGIN, END)
    raw_err = before + BEGIN + b"\n" + err + END + b"\n"
    raw_out = before + BEGIN + b" 42\n7\n8\n" + BEGIN + b"\n" + out + END + b" %d " % status + directory
    found = sliced(reading, ERR, raw_err, cuts)
    assert not reading.done
    found += sliced(reading, OUT, raw_out + b"\n" + END + b"\n", cuts)
    assert (said(found, OUT), said(found, ERR)) == (out, err)
    assert Begun(42, (7, 8)) in found
    assert found[-1] == Ended(status, directory)
    assert sum(one.count for one in found if isinstance(one, Between)) == 2 * len(before)


@given(command=st.binary(max_size=60).filter(lambda raw: b"\0" not in raw))
def test_an_order_is_three_lines_of_printable_text(command: bytes) -> None:
    begin, carried, end, nothing = order(BEGIN, END, command).split(b"\n")
    assert (begin, end, nothing) == (BEGIN, END, b"")
    assert carried.isascii()
    assert carried.decode().isprintable()


def test_printf_gives_the_command_back_as_it_was() -> None:
    command = bytes(range(1, 256)) + b"\\n%s\n\n"
    carried = order(BEGIN, END, command).split(b"\n")[1]
    done = subprocess.run(["sh", "-c", 'printf %b "$1"', "sh", carried], capture_output=True, check=True)
    assert done.stdout == command


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox sh"])
def test_the_loop_runs_in_any_posix_shell(shell: str) -> None:
    """The same script that goes to a host, in a local shell."""
    orders = order(BEGIN, END, b"cd /usr; A=1; (exit 3)") + order(
        b"c" * 32, b"d" * 32, b"cat; echo $A; pwd; echo x >&2"
    )
    script = opening_line().replace(b"exec sh -c", b"exec " + shell.encode() + b" -c")
    env = {
        "SHELL": f"/bin/{shell.split()[0]}" if shell != "busybox sh" else "/bin/sh",
        "HOME": "/",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(["/bin/sh", "-c", script], input=orders, capture_output=True, check=True, env=env)
    first, second = Reading(BEGIN, END), Reading(b"c" * 32, b"d" * 32)
    half_out, half_err = done.stdout.index(b"c" * 32), done.stderr.index(b"c" * 32)
    found = first.feed(ERR, done.stderr[:half_err]) + first.feed(OUT, done.stdout[:half_out])
    assert found[-1] == Ended(3, b"/usr")
    found = second.feed(ERR, done.stderr[half_err:]) + second.feed(OUT, done.stdout[half_out:])
    assert (said(list(found), OUT), said(list(found), ERR)) == (b"1\n/usr\n", b"x\n")
    assert found[-1] == Ended(0, b"/usr")


@pytest.mark.parametrize(("shell", "posix"), [("/bin/bash", True), ("/usr/bin/fish", False), ("/bin/tcsh", False)])
def test_which_login_shells_a_session_runs_in(shell: str, posix: bool) -> None:
    assert is_posix(shell) is posix
