"""Modes: which are known, which are set, and what switching one does to the screen (DECSET, DECRST, SM, RM)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from backend.commands.terminals import cursor
from backend.commands.terminals.emulator import Modes, MouseCoding, MouseMode
from backend.commands.terminals.screen import ReverseWrap, Screen

CURSOR_KEYS, REVERSE, ORIGIN, AUTO_WRAP, VISIBLE, KEYPAD = 1, 5, 6, 7, 25, 66
REVERSE_WRAP, FOCUS, ALTERNATE_SCROLL, PASTE, SYNCHRONISED = 45, 1004, 1007, 2004, 2026
_MICE = frozenset({9, 1000, 1002, 1003})
_CODINGS = frozenset({1005, 1006, 1015})
_PAGES = frozenset({47, 1047, 1049})
_READ_OVER = frozenset({4, 8, 12, 40, 67, 1034, 1035, 1036, 1048, 1070})
"""What is told apart but changes nothing here."""
_FIRST = frozenset({AUTO_WRAP, VISIBLE, ALTERNATE_SCROLL})
"""Those that are set at the beginning."""
_SOFT = frozenset({CURSOR_KEYS, ORIGIN, AUTO_WRAP, VISIBLE, REVERSE_WRAP, 1045, KEYPAD})
"""Those that DECSTR brings back to what they were at the beginning."""
_KNOWN = (
    frozenset({CURSOR_KEYS, REVERSE, ORIGIN, AUTO_WRAP, VISIBLE, KEYPAD, REVERSE_WRAP, 1045})
    | {FOCUS, ALTERNATE_SCROLL, PASTE, SYNCHRONISED}
    | _MICE
    | _CODINGS
    | _PAGES
    | _READ_OVER
)
INSERT, NEWLINE = 4, 20
_NEVER_SET = frozenset({1, 2, 5, 7, 10, 11, 13, 14, 15, 16, 17, 18, 19})
"""ANSI modes that terminals know of and do not have; the keyboard (2) is nothing that a host may lock."""
NOT_KNOWN, SET, NOT_SET, NEVER_SET = 0, 1, 2, 4
"""What DECRPM says."""


class ModeTable:
    """The modes of one terminal."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._set: set[int] = set(_FIRST)
        self._saved: dict[int, bool] = {}

    def reset(self) -> None:
        self._set, self._saved = set(_FIRST), {}

    def soft_reset(self) -> None:
        self._set = (self._set - _SOFT) | (_FIRST & _SOFT)

    def switch(self, mode: int, on: bool) -> None:
        """DECSET and DECRST."""
        if mode not in _KNOWN:
            return
        for group in (_MICE, _CODINGS):
            if on and mode in group:
                self._set -= group
        if on:
            self._set.add(mode)
        else:
            self._set.discard(mode)
        if effect := _EFFECTS.get(mode):
            effect(self._screen, on)

    def switch_ansi(self, mode: int, on: bool) -> None:
        """SM and RM."""
        if mode == INSERT:
            self._screen.insert = on
        elif mode == NEWLINE:
            self._screen.newline = on

    def state(self, mode: int) -> int:
        """DECRQM of a private one."""
        if mode not in _KNOWN:
            return NOT_KNOWN
        return SET if self.on(mode) else NOT_SET

    def state_ansi(self, mode: int) -> int:
        known = {INSERT: self._screen.insert, NEWLINE: self._screen.newline}
        if mode in known:
            return SET if known[mode] else NOT_SET
        return NEVER_SET if mode in _NEVER_SET else NOT_KNOWN

    def on(self, mode: int) -> bool:
        if mode == ORIGIN:
            return self._screen.pen.origin
        if mode in _PAGES:
            return self._screen.alternate
        return mode in self._set

    def save(self, modes: Iterable[int]) -> None:
        """XTSAVE."""
        self._saved |= {mode: self.on(mode) for mode in modes if mode in _KNOWN}

    def restore(self, modes: Iterable[int]) -> None:
        """XTRESTORE."""
        for mode in modes:
            if mode in self._saved:
                self.switch(mode, self._saved[mode])

    @property
    def modes(self) -> Modes:
        """As the port has them."""
        on = self._set
        return Modes(
            application_cursor=CURSOR_KEYS in on,
            application_keypad=KEYPAD in on,
            newline=self._screen.newline,
            bracketed_paste=PASTE in on,
            focus_events=FOCUS in on,
            mouse=MouseMode(next(iter(_MICE & on), 0)),
            coding=MouseCoding(next(iter(_CODINGS & on), 0)),
            alternate=self._screen.alternate,
            alternate_scroll=ALTERNATE_SCROLL in on,
            reverse_screen=REVERSE in on,
            synchronised=SYNCHRONISED in on,
        )


def _origin(screen: Screen, on: bool) -> None:
    screen.pen.origin = on
    cursor.go(screen, 0, 0)


def _auto_wrap(screen: Screen, on: bool) -> None:
    screen.auto_wrap = on


def _reverse_wrap(how: ReverseWrap) -> Callable[[Screen, bool], None]:
    def switch(screen: Screen, on: bool) -> None:
        screen.reverse_wrap = how if on else ReverseWrap.NONE

    return switch


def _page(screen: Screen, on: bool) -> None:
    screen.show(screen.other if on else screen.main)


def _cleared_page(screen: Screen, on: bool) -> None:
    if not on and screen.alternate:
        screen.clear(screen.other)
    _page(screen, on)


def _cursor(screen: Screen, on: bool) -> None:
    if on:
        screen.save()
    else:
        screen.restore()


def _page_and_cursor(screen: Screen, on: bool) -> None:
    if on and not screen.alternate:
        screen.save()
        screen.show(screen.other)
        screen.clear(screen.other)
    elif not on:
        screen.show(screen.main)
        screen.restore()


_EFFECTS: Mapping[int, Callable[[Screen, bool], None]] = {
    ORIGIN: _origin,
    AUTO_WRAP: _auto_wrap,
    REVERSE_WRAP: _reverse_wrap(ReverseWrap.INLINE),
    1045: _reverse_wrap(ReverseWrap.EVERYWHERE),
    47: _page,
    1047: _cleared_page,
    1048: _cursor,
    1049: _page_and_cursor,
}
