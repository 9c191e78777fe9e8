"""What the mouse sends, for every mode and coding."""

from __future__ import annotations

import pytest

from backend.commands.terminals.emulator import Modes, MouseCoding, MouseMode
from backend.commands.terminals.mouse import Act, Button, MouseEvent, mouse_bytes, wheel_bytes

PRESS = MouseEvent(Act.PRESSED, Button.LEFT, 0, 0)
RELEASE = MouseEvent(Act.RELEASED, Button.LEFT, 0, 0)
DRAG = MouseEvent(Act.MOVED, Button.RIGHT, 9, 4)
HOVER = MouseEvent(Act.MOVED, Button.NONE, 9, 4)
WHEEL = MouseEvent(Act.PRESSED, Button.WHEEL_DOWN, 9, 4)
WITH_ALL = MouseEvent(Act.PRESSED, Button.MIDDLE, 1, 2, shift=True, alt=True, ctrl=True)
FAR = MouseEvent(Act.PRESSED, Button.LEFT, 299, 0)
TOO_FAR = MouseEvent(Act.PRESSED, Button.LEFT, 2100, 0)

WRITTEN: list[tuple[MouseEvent, MouseCoding, bytes]] = [
    (PRESS, MouseCoding.X10, b"\x1b[M !!"),
    (RELEASE, MouseCoding.X10, b"\x1b[M#!!"),
    (DRAG, MouseCoding.X10, b"\x1b[MB*%"),
    (HOVER, MouseCoding.X10, b"\x1b[MC*%"),
    (WHEEL, MouseCoding.X10, b"\x1b[Ma*%"),
    (WITH_ALL, MouseCoding.X10, b'\x1b[M="#'),
    (FAR, MouseCoding.X10, b""),
    (PRESS, MouseCoding.UTF8, b"\x1b[M !!"),
    (FAR, MouseCoding.UTF8, b"\x1b[M " + chr(332).encode() + b"!"),
    (TOO_FAR, MouseCoding.UTF8, b""),
    (PRESS, MouseCoding.SGR, b"\x1b[<0;1;1M"),
    (RELEASE, MouseCoding.SGR, b"\x1b[<0;1;1m"),
    (DRAG, MouseCoding.SGR, b"\x1b[<34;10;5M"),
    (HOVER, MouseCoding.SGR, b"\x1b[<35;10;5M"),
    (WHEEL, MouseCoding.SGR, b"\x1b[<65;10;5M"),
    (WITH_ALL, MouseCoding.SGR, b"\x1b[<29;2;3M"),
    (TOO_FAR, MouseCoding.SGR, b"\x1b[<0;2101;1M"),
    (PRESS, MouseCoding.URXVT, b"\x1b[32;1;1M"),
    (RELEASE, MouseCoding.URXVT, b"\x1b[35;1;1M"),
    (WHEEL, MouseCoding.URXVT, b"\x1b[97;10;5M"),
]


@pytest.mark.parametrize(("event", "coding", "sent"), WRITTEN)
def test_an_event_is_written(event: MouseEvent, coding: MouseCoding, sent: bytes) -> None:
    assert mouse_bytes(event, Modes(mouse=MouseMode.MOVE, coding=coding)) == sent


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        (MouseMode.NONE, []),
        (MouseMode.PRESS, [PRESS]),
        (MouseMode.CLICK, [PRESS, RELEASE, WHEEL]),
        (MouseMode.DRAG, [PRESS, RELEASE, DRAG, WHEEL]),
        (MouseMode.MOVE, [PRESS, RELEASE, DRAG, HOVER, WHEEL]),
    ],
)
def test_a_program_gets_the_events_that_it_asked_for(mode: MouseMode, wanted: list[MouseEvent]) -> None:
    modes = Modes(mouse=mode, coding=MouseCoding.SGR)
    assert [event for event in (PRESS, RELEASE, DRAG, HOVER, WHEEL) if mouse_bytes(event, modes)] == wanted


def test_a_wheel_has_no_release() -> None:
    event = MouseEvent(Act.RELEASED, Button.WHEEL_UP, 0, 0)
    assert mouse_bytes(event, Modes(mouse=MouseMode.MOVE)) == b""


def test_the_first_mouse_mode_knows_no_modifiers() -> None:
    assert mouse_bytes(WITH_ALL, Modes(mouse=MouseMode.PRESS)) == b'\x1b[M!"#'


@pytest.mark.parametrize(
    ("modes", "sent"),
    [
        (Modes(alternate=True), b"\x1b[A\x1b[A"),
        (Modes(alternate=True, application_cursor=True), b"\x1bOA\x1bOA"),
        (Modes(), b""),
        (Modes(alternate=True, alternate_scroll=False), b""),
        (Modes(alternate=True, mouse=MouseMode.CLICK), b""),
    ],
)
def test_a_wheel_is_arrows_where_a_full_screen_program_knows_no_mouse(modes: Modes, sent: bytes) -> None:
    assert wheel_bytes(-2, modes) == sent


def test_a_wheel_turned_down_is_arrows_down() -> None:
    assert wheel_bytes(3, Modes(alternate=True)) == b"\x1b[B" * 3
