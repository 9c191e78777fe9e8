"""What keys send is what xterm's terminfo entry promises (`infocmp -x xterm-256color`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands.terminals.emulator import Modes
from backend.commands.terminals.keys import focus_bytes, key_bytes, paste_bytes

NORMAL = Modes()
CURSOR = Modes(application_cursor=True)
KEYPAD = Modes(application_keypad=True)

KEYS: list[tuple[str, str | None, Modes, bytes]] = [
    ("a", "a", NORMAL, b"a"),
    ("A", "A", NORMAL, b"A"),
    ("full_stop", ".", NORMAL, b"."),
    ("space", " ", NORMAL, b" "),
    ("é", "é", NORMAL, "é".encode()),
    ("漢", "漢", NORMAL, "漢".encode()),
    ("enter", "\r", NORMAL, b"\r"),
    ("enter", "\r", Modes(newline=True), b"\r\n"),
    ("shift+enter", None, NORMAL, b"\r"),
    ("alt+enter", None, NORMAL, b"\x1b\r"),
    ("tab", "\t", NORMAL, b"\t"),
    ("shift+tab", None, NORMAL, b"\x1b[Z"),
    ("escape", "\x1b", NORMAL, b"\x1b"),
    ("backspace", "\x7f", NORMAL, b"\x7f"),
    ("ctrl+backspace", None, NORMAL, b"\x08"),
    ("alt+backspace", None, NORMAL, b"\x1b\x7f"),
    ("ctrl+c", "\x03", NORMAL, b"\x03"),
    ("ctrl+z", None, NORMAL, b"\x1a"),
    ("ctrl+j", "\n", NORMAL, b"\n"),
    ("ctrl+shift+a", None, NORMAL, b"\x01"),
    ("ctrl+@", "\x00", NORMAL, b"\x00"),
    ("ctrl+space", None, NORMAL, b"\x00"),
    ("ctrl+backslash", "\x1c", NORMAL, b"\x1c"),
    ("ctrl+right_square_bracket", "\x1d", NORMAL, b"\x1d"),
    ("ctrl+circumflex_accent", "\x1e", NORMAL, b"\x1e"),
    ("ctrl+underscore", "\x1f", NORMAL, b"\x1f"),
    ("ctrl+slash", None, NORMAL, b"\x1f"),
    ("ctrl+6", None, NORMAL, b"\x1e"),
    ("ctrl+1", None, NORMAL, b"1"),
    ("alt+x", "x", NORMAL, b"\x1bx"),
    ("alt+x", None, NORMAL, b"\x1bx"),
    ("alt+shift+x", None, NORMAL, b"\x1bX"),
    ("alt+full_stop", None, NORMAL, b"\x1b."),
    ("alt+minus", None, NORMAL, b"\x1b-"),
    ("alt+ctrl+x", None, NORMAL, b"\x1b\x18"),
    ("meta+x", None, NORMAL, b"\x1bx"),
    ("up", None, NORMAL, b"\x1b[A"),
    ("up", None, CURSOR, b"\x1bOA"),
    ("left", None, NORMAL, b"\x1b[D"),
    ("home", None, NORMAL, b"\x1b[H"),
    ("end", None, CURSOR, b"\x1bOF"),
    ("shift+up", None, CURSOR, b"\x1b[1;2A"),
    ("alt+down", None, NORMAL, b"\x1b[1;3B"),
    ("ctrl+left", None, CURSOR, b"\x1b[1;5D"),
    ("ctrl+shift+right", None, NORMAL, b"\x1b[1;6C"),
    ("alt+ctrl+shift+home", None, NORMAL, b"\x1b[1;8H"),
    ("insert", None, NORMAL, b"\x1b[2~"),
    ("delete", None, CURSOR, b"\x1b[3~"),
    ("pageup", None, NORMAL, b"\x1b[5~"),
    ("ctrl+pagedown", None, NORMAL, b"\x1b[6;5~"),
    ("f1", None, NORMAL, b"\x1bOP"),
    ("f4", None, CURSOR, b"\x1bOS"),
    ("ctrl+f1", None, NORMAL, b"\x1b[1;5P"),
    ("f5", None, NORMAL, b"\x1b[15~"),
    ("f12", None, NORMAL, b"\x1b[24~"),
    ("shift+f5", None, NORMAL, b"\x1b[15;2~"),
    ("f13", None, NORMAL, b"\x1b[1;2P"),
    ("f24", None, NORMAL, b"\x1b[24;2~"),
    ("add", "+", NORMAL, b"+"),
    ("add", "+", KEYPAD, b"\x1bOk"),
    ("divide", None, KEYPAD, b"\x1bOo"),
    ("left_shift", None, NORMAL, b""),
    ("caps_lock", None, NORMAL, b""),
    ("<ignore>", None, NORMAL, b""),
    ("super+x", None, NORMAL, b""),
]


@pytest.mark.parametrize(("key", "character", "modes", "sent"), KEYS)
def test_a_key_sends(key: str, character: str | None, modes: Modes, sent: bytes) -> None:
    assert key_bytes(key, character, modes) == sent


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("ls -l", b"ls -l"),
        ("one\ntwo\r\nthree\r", b"one\rtwo\rthree\r"),
        ("a\tb", b"a\tb"),
        ("grün", "grün".encode()),
        ("\x1b[201~rm -rf /\n", b"[201~rm -rf /\r"),
        ("\x1b[20\x1b[201~1~", b"[20[201~1~"),
        ("a\x03b\x04c\x9bd\x00", b"abcd"),
        ("\udcff", b"?"),
    ],
)
def test_a_paste_is_typed_as_lines_without_control_codes(text: str, sent: bytes) -> None:
    assert paste_bytes(text, NORMAL) == sent
    assert paste_bytes(text, Modes(bracketed_paste=True)) == b"\x1b[200~" + sent + b"\x1b[201~"


@given(st.text())
def test_nothing_that_is_pasted_ends_the_bracket_before_its_end(text: str) -> None:
    assert paste_bytes(text, Modes(bracketed_paste=True)).count(b"\x1b") == 2


@given(st.text(), st.none() | st.text(max_size=1))
def test_no_key_is_too_odd(key: str, character: str | None) -> None:
    assert isinstance(key_bytes(key, character, NORMAL), bytes)


def test_the_focus_is_told_to_who_asked() -> None:
    asked = Modes(focus_events=True)
    assert [focus_bytes(asked, focused=True), focus_bytes(asked, focused=False)] == [b"\x1b[I", b"\x1b[O"]
    assert focus_bytes(NORMAL, focused=True) == b""
