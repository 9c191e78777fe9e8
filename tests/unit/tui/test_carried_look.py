"""Colours carry over the end of a line, as in a terminal."""

from __future__ import annotations

from backend.commands.output import OutputBuffer
from backend.commands.terminals.emulator import PLAIN, Look
from backend.connection.connector import Chunk, StdStream
from tui.widgets.ansi import parse_line
from tui.widgets.carried_look import LOOKED_BACK, CarriedLooks

RED = Look(foreground=1)


def _looks(*chunks: tuple[StdStream, bytes]) -> CarriedLooks:
    buffer = OutputBuffer()
    for stream, data in chunks:
        buffer.feed(Chunk(stream, data))
    return CarriedLooks(buffer)


def test_a_colour_goes_on_in_the_next_lines_until_it_is_taken_back() -> None:
    looks = _looks((StdStream.OUT, b"a\x1b[31mb\nc\nd\x1b[0me\nf\n"))
    assert [looks.before(number, StdStream.OUT) for number in range(4)] == [PLAIN, RED, RED, PLAIN]


def test_it_does_not_matter_in_which_order_the_lines_are_looked_at() -> None:
    looks = _looks((StdStream.OUT, b"\x1b[31ma\n" + b"b\n" * 5))
    assert looks.before(5, StdStream.OUT) == looks.before(1, StdStream.OUT) == looks.before(3, StdStream.OUT) == RED


def test_each_stream_has_its_own() -> None:
    looks = _looks((StdStream.OUT, b"\x1b[31ma\n"), (StdStream.ERR, b"b\n"), (StdStream.OUT, b"c\n"))
    assert looks.before(1, StdStream.ERR) == PLAIN
    assert looks.before(2, StdStream.OUT) == RED


def test_only_so_far_is_looked_back() -> None:
    output = b"\x1b[31ma\n" + b"b\n" * LOOKED_BACK
    assert _looks((StdStream.OUT, output)).before(LOOKED_BACK, StdStream.OUT) == RED
    assert _looks((StdStream.OUT, output)).before(LOOKED_BACK + 1, StdStream.OUT) == PLAIN


def test_a_line_begins_with_the_look_that_it_is_given() -> None:
    (whole,) = parse_line(b"plain", RED)
    assert whole.look == RED
    first, second = parse_line(b"a\x1b[1mb", RED)
    assert (first.look, second.look) == (RED, Look(foreground=1, bold=True))
