"""The output buffer: the same lines however the output was sliced, nothing lost without being counted."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.output import Line, OutputBuffer
from backend.connection.connector import Chunk, StdStream

OUT, ERR = StdStream.OUT, StdStream.ERR

pieces_of_output = st.lists(
    st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\x1b[31m", b"\xff\xfe", b"\n\n", b"\r\r\n"]),
    max_size=25,
).map(b"".join)
chunks = st.lists(st.builds(Chunk, st.sampled_from([OUT, ERR]), pieces_of_output), max_size=8)
limits = st.fixed_dictionaries(
    {"max_lines": st.integers(1, 12), "max_bytes": st.integers(1, 900), "max_line": st.integers(1, 20)}
)


def fed(output: list[Chunk], **limits: int) -> OutputBuffer:
    buffer = OutputBuffer(**limits)
    for chunk in output:
        buffer.feed(chunk)
    return buffer


def shown(buffer: OutputBuffer) -> list[tuple[bytes, StdStream]]:
    return [(line.raw, line.stream) for line in buffer.lines(0, buffer.end)]


def as_a_terminal_would(output: list[Chunk], max_line: int) -> list[tuple[bytes, StdStream]]:
    """The rules of the module's docstring, one byte at a time."""
    lines: list[tuple[bytes, StdStream]] = []
    for stream, run in groupby(output, key=lambda chunk: chunk.stream):
        content, returned = bytearray(), False
        for byte in b"".join(chunk.data for chunk in run):
            if byte == 10:
                lines.append((bytes(content), stream))
                content, returned = bytearray(), False
            elif byte == 13:
                returned = True
            else:
                content = bytearray() if returned else content
                returned = False
                if len(content) == max_line:
                    lines.append((bytes(content), stream))
                    content = bytearray()
                content.append(byte)
        if content or returned:
            lines.append((bytes(content), stream))
    return lines


def test_lines_end_with_newline_or_carriage_return_newline_and_the_last_may_be_unfinished() -> None:
    buffer = fed([Chunk(OUT, b"one\ntwo\r\nthree")])
    assert shown(buffer) == [(b"one", OUT), (b"two", OUT), (b"three", OUT)]
    assert (buffer.first, buffer.end, buffer.dropped) == (0, 3, 0)


def test_a_progress_bar_ends_as_its_last_state() -> None:
    bar = [Chunk(OUT, b"%d %%\r" % percent) for percent in range(101)]
    buffer = fed([Chunk(OUT, b"start\n"), *bar, Chunk(OUT, b"\ndone\n")])
    assert [line.raw for line in buffer.lines(0, 3)] == [b"start", b"100 %", b"done"]


def test_a_very_long_progress_bar_does_not_pile_up() -> None:
    buffer = fed([Chunk(OUT, b"#" * 70 + b"\r")] * 10_000)
    assert buffer.end == 1
    assert buffer.size < 100


def test_streams_keep_the_order_of_arrival_and_an_interrupted_line_is_closed() -> None:
    buffer = fed([Chunk(OUT, b"working "), Chunk(ERR, b"warning\n"), Chunk(OUT, b"done\n")])
    assert shown(buffer) == [(b"working ", OUT), (b"warning", ERR), (b"done", OUT)]
    assert buffer.text() == b"working warning\ndone\n"


def test_a_line_without_end_is_cut_into_counted_pieces() -> None:
    buffer = fed([Chunk(OUT, b"x" * 150_000), Chunk(OUT, b"\nafter\n")])
    assert [len(line.raw) for line in buffer.lines(0, 4)] == [65536, 65536, 18928, 5]
    assert buffer.cut == 2
    assert buffer.text() == b"x" * 150_000 + b"\nafter\n"


def test_colours_and_bytes_that_are_not_text_stay_in_the_line() -> None:
    raw = b"\x1b[31mred\x1b[0m \xff\x00"
    assert fed([Chunk(OUT, raw + b"\n")]).lines(0, 1) == [Line(raw, OUT)]


def test_what_is_unfinished_grows_in_place() -> None:
    buffer = fed([Chunk(OUT, b"pass")])
    assert buffer.lines(0, 1) == [Line(b"pass", OUT)]
    buffer.feed(Chunk(OUT, b"word: "))
    assert buffer.lines(0, 1) == [Line(b"password: ", OUT)]
    assert buffer.end == 1


def test_dropped_lines_are_counted_and_numbers_stay() -> None:
    buffer = fed([Chunk(OUT, b"%d\n" % number) for number in range(100)], max_lines=10)
    assert (buffer.first, buffer.end, buffer.dropped) == (90, 100, 90)
    assert [line.raw for line in buffer.lines(95, 97)] == [b"95", b"96"]
    assert buffer.text().startswith(b"90\n91\n")


def test_asking_for_lines_that_are_gone_or_not_there_yet_gives_those_that_are() -> None:
    buffer = fed([Chunk(OUT, b"a\nb\nc\n")], max_lines=2)
    assert [line.raw for line in buffer.lines(-5, 99)] == [b"b", b"c"]
    assert buffer.lines(7, 9) == []
    assert OutputBuffer().lines(0, 1) == []


@pytest.mark.parametrize("limit", ["max_lines", "max_bytes", "max_line"])
def test_a_buffer_without_room_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="room"):
        OutputBuffer(**{limit: 0})


@given(output=chunks, max_line=st.integers(1, 20))
def test_the_lines_are_what_a_terminal_would_show(output: list[Chunk], max_line: int) -> None:
    spoken = [chunk for chunk in output if chunk.data]
    buffer = fed(output, max_line=max_line)
    expected = as_a_terminal_would(spoken, max_line)
    assert shown(buffer) == expected
    assert buffer.end == len(expected)


@given(output=chunks, limits=limits, data=st.data())
def test_any_slicing_gives_the_same_lines(output: list[Chunk], limits: dict[str, int], data: st.DataObject) -> None:
    sliced: list[Chunk] = []
    for chunk in output:
        cuts = sorted(data.draw(st.sets(st.integers(0, len(chunk.data)), max_size=4)) | {0, len(chunk.data)})
        sliced += [Chunk(chunk.stream, chunk.data[start:stop]) for start, stop in pairwise(cuts)]
    whole, parts = fed(output, **limits), fed(sliced, **limits)
    assert shown(parts) == shown(whole)
    assert (parts.first, parts.end, parts.cut, parts.text()) == (whole.first, whole.end, whole.cut, whole.text())


@given(output=chunks, limits=limits)
def test_dropped_and_kept_are_all_and_a_line_keeps_its_number(output: list[Chunk], limits: dict[str, int]) -> None:
    unbounded, buffer = OutputBuffer(max_line=limits["max_line"]), OutputBuffer(**limits)
    for chunk in output:
        unbounded.feed(chunk)
        buffer.feed(chunk)
        assert buffer.end == unbounded.end
        assert buffer.dropped + len(buffer.lines(0, buffer.end)) == unbounded.end
        assert buffer.lines(0, buffer.end) == unbounded.lines(buffer.first, buffer.end)
        assert buffer.end - buffer.first <= limits["max_lines"]
        assert unbounded.text().endswith(buffer.text())


@given(output=chunks, limits=limits, start=st.integers(-2, 60), count=st.integers(0, 30))
def test_any_window_is_the_part_of_the_whole(
    output: list[Chunk], limits: dict[str, int], start: int, count: int
) -> None:
    buffer = fed(output, **limits)
    everything = dict(enumerate(buffer.lines(0, buffer.end), start=buffer.first))
    wanted = [line for number, line in everything.items() if start <= number < start + count]
    assert buffer.lines(start, start + count) == wanted


@given(output=chunks, limits=limits)
def test_memory_stays_within_its_bound(output: list[Chunk], limits: dict[str, int]) -> None:
    buffer = fed(output, **limits)
    finished = sum(map(len, buffer.pieces()[:-1]))
    assert finished <= limits["max_bytes"]
    assert sum(map(len, buffer.pieces())) == len(buffer.text())


def test_what_was_taken_out_for_saving_does_not_change_later() -> None:
    buffer = fed([Chunk(OUT, b"one\ntwo")])
    pieces = buffer.pieces()
    buffer.feed(Chunk(OUT, b" more\nthree\n"))
    assert b"".join(pieces) == b"one\ntwo"


def test_a_million_lines_are_taken_in() -> None:
    text = b"".join(b"line %d of the log\n" % number for number in range(1_000_000))
    arriving = [Chunk(OUT, text[start : start + 32768]) for start in range(0, len(text), 32768)]
    buffer = fed(arriving)
    assert buffer.end == 1_000_000
    assert [line.raw for line in buffer.lines(777_777, 777_778)] == [b"line 777777 of the log"]


def test_a_full_buffer_goes_on_taking_in_within_its_bound() -> None:
    buffer = OutputBuffer(max_lines=10_000, max_bytes=1 << 20)
    block = Chunk(OUT, b"another line of the log\n" * 1000)
    for _ in range(500):
        buffer.feed(block)
    assert (buffer.end, buffer.end - buffer.first) == (500_000, 10_000)
    assert sum(map(len, buffer.pieces())) <= 1 << 20
