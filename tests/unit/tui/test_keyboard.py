"""Alt and a digit or enter, as terminals without the newer keyboard protocols send them."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from tui.keyboard import read_alt_keys


def _keys(sent: str) -> list[str]:
    parser = XTermParser()
    messages = [*parser.feed(sent), *parser.feed("")]
    return [message.key for message in messages if isinstance(message, events.Key)]


@pytest.mark.parametrize("digit", "1234")
def test_escape_and_a_digit_is_alt_and_the_digit(digit: str) -> None:
    read_alt_keys()
    assert _keys(f"\x1b{digit}") == [f"alt+{digit}"]


def test_escape_and_a_return_is_alt_and_enter() -> None:
    read_alt_keys()
    assert _keys("\x1b\r") == ["alt+enter"]
    assert _keys("\r") == ["enter"]


def test_a_pound_sign_that_is_typed_stays_one() -> None:
    read_alt_keys()
    assert _keys("£") == ["pound_sign"]
