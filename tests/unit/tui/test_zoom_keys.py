"""The escape key is found among raw keys, however a terminal writes it and however they are cut."""

from __future__ import annotations

import pytest

from tui.zoom_keys import ZoomEscape, ZoomKeys, escape_bytes

ESCAPES = escape_bytes(["ctrl+right_square_bracket"])


def fed(*pieces: bytes) -> list[ZoomKeys]:
    escape = ZoomEscape(ESCAPES)
    return [escape.feed(piece) for piece in pieces]


def test_all_other_keys_pass() -> None:
    assert fed(b"ls\r\x1b[A\x03\xc3\xa9") == [ZoomKeys(b"ls\r\x1b[A\x03\xc3\xa9")]


@pytest.mark.parametrize("escape", ESCAPES)
def test_the_key_after_the_escape_key_comes_back(escape: bytes) -> None:
    assert fed(b"ab" + escape + b"zcd") == [ZoomKeys(b"ab", "z")]
    assert fed(escape, b"z") == [ZoomKeys(b""), ZoomKeys(b"", "z")]


@pytest.mark.parametrize("escape", ESCAPES)
def test_twice_is_sent_once_as_plain_as_can_be(escape: bytes) -> None:
    assert fed(escape + escape + b"z") == [ZoomKeys(b"\x1dz")]
    assert fed(escape, escape + b"z") == [ZoomKeys(b""), ZoomKeys(b"\x1dz")]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (b"n", "n"), (b"1", "1"), (b"[", "left_square_bracket"), (b"/", "slash"), (b"\x1b", "escape"),
        (b"\x11", "ctrl+q"), (b"\x1b[122u", "z"), (b"\x1b[27;1;122~", "z"), (b"\xff", ""),
    ],
)  # fmt: skip
def test_it_has_textual_s_name(key: bytes, name: str) -> None:
    assert fed(b"\x1d" + key)[0].command == name


def test_another_escape_key_can_be_chosen() -> None:
    assert escape_bytes(["ctrl+a"])[0] == b"\x01"
    assert escape_bytes(["ctrl+backslash"])[0] == b"\x1c"
    assert escape_bytes(["f12"]) == ESCAPES
