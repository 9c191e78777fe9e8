"""What a line of output becomes on the screen: colours kept, everything dangerous gone."""

from __future__ import annotations

import itertools
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.terminals.emulator import PLAIN, Look
from tui.widgets.ansi import Span, parse_line, plain_text, rich_style

_PIECES = (
    *(b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b\\", b"\x07", b"31", b";", b":", b"m", b"38;5;", b"38;2;1;2;3m"),
    *(b"?25l", b"0", b"J", b"\t", b"a", b"\xe6\xbc\xa2", b"\xff", b"\x9b", b"\xc2\x9b", b"\r", b"\x00", b"(B", b" "),
    *("\u202e".encode(), "\u2028".encode()),
)
_TRICKY = st.lists(st.sampled_from(_PIECES)).map(b"".join)


def _text(raw: bytes) -> str:
    return "".join(span.text for span in parse_line(raw))


@given(st.one_of(st.binary(max_size=300), _TRICKY))
def test_nothing_that_a_terminal_would_obey_is_left(raw: bytes) -> None:
    for character in _text(raw):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"


@given(st.one_of(st.binary(max_size=300), _TRICKY))
def test_neighbouring_spans_differ_and_none_is_of_no_look(raw: bytes) -> None:
    spans = parse_line(raw)
    assert all(first.look != second.look for first, second in itertools.pairwise(spans))
    for span in spans:
        rich_style(span.look)


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))))
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert plain_text(text.encode()) == text


@pytest.mark.parametrize(
    ("raw", "look"),
    [
        (b"\x1b[31mx", Look(foreground=1)),
        (b"\x1b[1;92;44mx", Look(foreground=10, background=4, bold=True)),
        (b"\x1b[38;5;208mx", Look(foreground=208)),
        (b"\x1b[38;2;10;20;30mx", Look(foreground=(10, 20, 30))),
        (b"\x1b[48:2::10:20:30mx", Look(background=(10, 20, 30))),
        (b"\x1b[48:2:10:20:30mx", Look(background=(10, 20, 30))),
        (b"\x1b[38:5:7mx", Look(foreground=7)),
        (b"\x1b[1;2;3;4;7;9mx", Look(bold=True, dim=True, italic=True, underline=True, reverse=True, strike=True)),
        (b"\x1b[1;2m\x1b[22mx", PLAIN),
        (b"\x1b[4:3mx", Look(underline=True)),
        (b"\x1b[4m\x1b[4:0mx", PLAIN),
        (b"\x1b[31m\x1b[mx", PLAIN),
        (b"\x1b[31;42m\x1b[39;49mx", PLAIN),
        (b"\x1b[107mx", Look(background=15)),
        (b"\x1b[38;5;300mx", PLAIN),
        (b"\x1b[38;2;1mx", PLAIN),
        (b"\x1b[38mx", PLAIN),
        (b"\x1b[>4;2mx", PLAIN),
        (b"\x1b[" + b"9" * 5000 + b"mx", PLAIN),
    ],
)
def test_sgr_sets_the_look(raw: bytes, look: Look) -> None:
    assert parse_line(raw) == [Span("x", look)]


@pytest.mark.parametrize(
    "sequence",
    [
        *(b"\x1b=", b"\x1bc", b"\x1b7", b"\x1b]52;c;aGVsbG8=\x07"),
        b"\x1b[2J",
        b"\x1b[?1049h",
        b"\x1b[10;5H",
        b"\x1b]0;title\x07",
        b"\x1b]8;;http://x\x1b\\",
        b"\x1bP1$r\x1b\\",
        b"\x1b(B",
    ],
)
def test_other_sequences_disappear(sequence: bytes) -> None:
    assert _text(b"a" + sequence + b"b") == "ab"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\x07b", "a^Gb"),
        (b"a\x00b\x7f", "a^@b^?"),
        (b"a\xc2\x9bb", "a\\x9bb"),
        (b"a\xffb", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\u202eb".encode(), "a\N{REPLACEMENT CHARACTER}b"),
        (b"\x1b]0;never ended", "^[]0;never ended"),
        (b"\x1b[12", "^[[12"),
        (b"tail\x1b", "tail^["),
    ],
)
def test_what_cannot_be_obeyed_is_written_out(raw: bytes, shown: str) -> None:
    assert _text(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\tx", "        x"),
        (b"ab\tx", "ab      x"),
        (b"12345678\tx", "12345678        x"),
        ("漢\tx".encode(), "漢      x"),
        (b"a\x1b[31m\tb\tc", "a       b       c"),
    ],
)
def test_tabs_stop_where_a_terminal_stops(raw: bytes, shown: str) -> None:
    assert _text(raw) == shown


@pytest.mark.parametrize(
    "unit",
    [b"\x1b[31m", b"\x1b]", b"\x1b[", b"\x1bP", b"\x1b", b"\x1b[31mx\x1b[32my", b"\t", b"\x00", b"1;", b"\xff"],
)
def test_a_hostile_megabyte_takes_linear_time(unit: bytes) -> None:
    def seconds(size: int) -> float:
        raw = b"\x1b[" + unit * (size // len(unit))
        started = time.process_time()
        parse_line(raw)
        return time.process_time() - started

    small = min(seconds(50_000) for _ in range(3))
    assert seconds(400_000) < 40 * small + 0.1


@given(st.one_of(st.binary(max_size=300), _TRICKY))
def test_plain_text_is_what_the_spans_say(raw: bytes) -> None:
    assert plain_text(raw) == _text(raw)
