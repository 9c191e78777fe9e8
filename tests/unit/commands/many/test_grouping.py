"""Whose output is the same, and how it differs."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.many.difference import MOST_LINES, difference
from backend.commands.many.grouping import Alike, group, without_name
from backend.commands.many.kept import KeptOutput
from backend.commands.many.prefixed import LinesByHost
from backend.connection.connector import Chunk, StdStream
from backend.errors import FairleadError


@dataclass
class Ended:
    """One host that is over."""

    host: str
    said: bytes = b""
    err: bytes = b""
    end: str = "0"
    room: int = 1000
    error: FairleadError | None = None
    kept: KeptOutput = field(init=False)

    def __post_init__(self) -> None:
        self.kept = KeptOutput(self.room)
        self.kept.take(Chunk(StdStream.OUT, self.said))
        self.kept.take(Chunk(StdStream.ERR, self.err))

    @property
    def succeeded(self) -> bool:
        return self.end == "0"


def test_the_largest_group_comes_first() -> None:
    results = [Ended("a", b"6.1\n"), *(Ended(f"h{n}", b"6.8\n") for n in range(97)), Ended("z", b"6.1\n")]
    largest, other = group(results)
    assert (len(largest.hosts), largest.out) == (97, b"6.8\n")
    assert other.hosts == ("a", "z")


def test_stderr_and_the_end_tell_hosts_apart() -> None:
    results = [Ended("a", b"x"), Ended("b", b"x", err=b"!"), Ended("c", b"x", end="1"), Ended("d", b"", err=b"x")]
    assert len(group(results)) == 4


def test_what_is_not_kept_is_compared_all_the_same() -> None:
    same, other = Ended("a", b"12345678", room=4), Ended("b", b"12345679", room=4)
    assert same.kept.of(StdStream.OUT) == other.kept.of(StdStream.OUT)
    apart = group([same, other])
    assert [alike.hosts for alike in apart] == [("a",), ("b",)]
    assert all(alike.truncated for alike in apart)


def test_a_hosts_own_name_makes_no_difference_where_that_is_asked_for() -> None:
    results = [Ended("me@web-1.example:22", b"web-1 is up, web-1.example too\n"), Ended("db", b"db is up, db too\n")]
    assert len(group(results)) == 2
    (only,) = group(results, names_apart=False)
    assert only.out == b"{host} is up, {host} too\n"


@pytest.mark.parametrize(
    ("said", "host", "left"),
    [
        (b"web-1 web-10 xweb-1 web-1.", "web-1", b"{host} web-10 xweb-1 {host}."),
        (b"at 10.0.0.7 and 10.0.0.70", "10.0.0.7", b"at {host} and 10.0.0.70"),
        (b"10 is no name", "10.0.0.7", b"10 is no name"),
        (b"on ::1 here", "[::1]:22", b"on {host} here"),
    ],
)
def test_a_name_is_replaced_as_a_word(said: bytes, host: str, left: bytes) -> None:
    assert without_name(said, host) == left


@given(st.lists(st.tuples(st.sampled_from([b"x", b"y", b""]), st.sampled_from([b"", b"e"])), max_size=12))
def test_every_host_is_in_exactly_one_group(said: list[tuple[bytes, bytes]]) -> None:
    results = [Ended(f"h{n}", out, err) for n, (out, err) in enumerate(said)]
    groups = group(results)
    assert sorted(name for alike in groups for name in alike.hosts) == sorted(result.host for result in results)
    assert len({(alike.out, alike.err) for alike in groups}) == len(groups)


# --- the difference ------------------------------------------------------------------------------------------------


def _alike(out: bytes, err: bytes = b"", end: str = "0", *, truncated: bool = False) -> Alike:
    return Alike(("h",), end, end == "0", out, err, truncated)


async def test_a_difference_names_lines_streams_and_ends() -> None:
    found = await difference(_alike(b"a\nb\n"), _alike(b"a\nc\n", b"oops\n", "1"))
    assert found.complete
    assert found.lines == (
        "@@ -1,3 +1,4 @@", "-end: 0", "+end: 1", " a", "-b", "+c", "+stderr: oops",
    )  # fmt: skip


async def test_the_same_has_no_difference() -> None:
    assert (await difference(_alike(b"a\n"), _alike(b"a\n"))).lines == ()


async def test_hostile_bytes_are_shown_harmlessly() -> None:
    found = await difference(_alike(b""), _alike(b"\x1b[2J\xff\n"))
    assert found.lines[-1] == "+\\x1b[2J\\xff"


async def test_only_so_much_is_compared_and_that_is_said() -> None:
    many = b"".join(b"%d\n" % number for number in range(MOST_LINES + 1))
    assert not (await difference(_alike(many), _alike(many))).complete
    assert not (await difference(_alike(b"x"), _alike(b"x", truncated=True))).complete


# --- lines with names ----------------------------------------------------------------------------------------------


@given(st.binary(max_size=60), st.lists(st.integers(1, 60), max_size=5))
def test_lines_come_whole_and_named_however_they_were_sliced(said: bytes, cuts: list[int]) -> None:
    lines = LinesByHost()
    told, start = b"", 0
    for end in [*sorted(cuts), len(said)]:
        told += lines.take("h", Chunk(StdStream.OUT, said[start:end]))
        start = max(start, end)
    told += b"".join(rest for _, rest in lines.rest())
    whole = said.split(b"\n")
    expected = whole if whole[-1] else whole[:-1]
    assert told == b"".join(b"h: " + line + b"\n" for line in expected)


def test_a_line_without_end_is_cut_and_not_kept_for_ever() -> None:
    lines = LinesByHost(longest=4)
    assert lines.take("h", Chunk(StdStream.OUT, b"123456789")) == b"h: 1234\nh: 5678\n"
    assert list(lines.rest()) == [(StdStream.OUT, b"h: 9\n")]
