"""The parser: text of a program in, its printable runs and control sequences out. ECMA-48 and the DEC VT500's states.

It knows the form of sequences, not their meaning. What it says does not depend on how the text was cut into pieces;
whatever a sequence is that breaks the rules or its bounds, it is taken in to its end and left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

MAX_STRING = 1 << 20
"""Characters of an OSC or DCS; a longer one is left out."""

_CSI = r"([<-?]?)([0-9:;]{0,256})([ -/]{0,2})([@-~])"
_WHOLE_CSI = re.compile(_CSI)
_TOKENS = re.compile(rf"([^\x00-\x1f\x7f-\x9f]+)|\x1b\[{_CSI}|([\x00-\x1a\x1c-\x1f])|([\x7f-\x9f])|\x1b")
_TEXT, _SEQUENCE, _CONTROL, _NOTHING = 1, 5, 6, 7
_STRING_BODY = re.compile(r"[^\x00-\x1f]+")
_MAX_COLLECTED = 300
"""Longer than any sequence that counts."""
_CANCEL, _SUBSTITUTE, _BELL, _ESCAPE = "\x18", "\x1a", "\x07", "\x1b"


class Listener(Protocol):
    """What is told about a stream."""

    def text(self, text: str) -> None:
        """Printable characters, at least one."""
        ...

    def control(self, code: str) -> None:
        """One of C0, also in the middle of a sequence."""
        ...

    def escape(self, name: str) -> None:
        """ESC with its intermediates and final character: `7`, `#8`, `(0`."""
        ...

    def sequence(self, name: str, parameters: str) -> None:
        """CSI with its private prefix, intermediates and final character as the name: `A`, `?h`, `?$p`, ` q`."""
        ...

    def string(self, introducer: str, body: str) -> None:
        """OSC (`]`) or DCS (`P`)."""
        ...


class Parser:
    """One stream."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._state: Callable[[str, int], int] = self._ground
        """Takes text in from a position, and says where it stopped."""
        self._collected = ""
        self._introducer = ""
        self._body: list[str] = []
        self._size = 0

    def feed(self, text: str) -> None:
        at, end = 0, len(text)
        while at < end:
            at = self._state(text, at)

    def _ground(self, text: str, at: int) -> int:
        listener = self._listener
        for token in _TOKENS.finditer(text, at):
            kind = token.lastindex
            if kind == _TEXT:
                listener.text(token[1])
            elif kind == _SEQUENCE:
                prefix, parameters, intermediates, final = token.group(2, 3, 4, 5)
                listener.sequence(prefix + intermediates + final, parameters)
            elif kind == _CONTROL:
                listener.control(token[6])
            elif kind != _NOTHING:
                self._begin()
                return token.end()
        return len(text)

    def _begin(self) -> None:
        self._collected = ""
        self._state = self._escape

    def _c0(self, code: str) -> None:
        """A control code within a sequence."""
        if code == _ESCAPE:
            self._begin()
        elif code in (_CANCEL, _SUBSTITUTE):
            self._state = self._ground
        else:
            self._listener.control(code)

    def _escape(self, text: str, at: int) -> int:
        code = text[at]
        if code < " ":
            self._c0(code)
        elif code <= "/":
            self._collect(code)
        elif code > "~":
            self._state = self._ground
            return at
        elif self._collected or code not in "[]PX^_":
            self._state = self._ground
            if len(self._collected) < _MAX_COLLECTED:
                self._listener.escape(self._collected + code)
        else:
            self._introducer, self._body, self._size = code, [], 0
            self._state = self._control if code == "[" else self._string
        return at + 1

    def _control(self, text: str, at: int) -> int:
        code = text[at]
        if code < " ":
            self._c0(code)
        elif code < "@":
            self._collect(code)
        elif code > "~":
            self._state = self._ground
            return at
        else:
            self._state = self._ground
            if sequence := _WHOLE_CSI.fullmatch(self._collected + code):
                prefix, parameters, intermediates, final = sequence.groups()
                self._listener.sequence(prefix + intermediates + final, parameters)
        return at + 1

    def _collect(self, code: str) -> None:
        if len(self._collected) < _MAX_COLLECTED:
            self._collected += code

    def _string(self, text: str, at: int) -> int:
        if body := _STRING_BODY.match(text, at):
            self._size += body.end() - at
            if self._size <= MAX_STRING:
                self._body.append(body[0])
            return body.end()
        code = text[at]
        if code == _ESCAPE:
            self._state = self._string_end
        elif code in (_CANCEL, _SUBSTITUTE):
            self._state = self._ground
        elif code == _BELL and self._introducer == "]":
            self._finish()
        return at + 1

    def _string_end(self, text: str, at: int) -> int:
        if text[at] == "\\":
            self._finish()
            return at + 1
        self._begin()
        return at

    def _finish(self) -> None:
        self._state = self._ground
        if self._introducer in "]P" and self._size <= MAX_STRING:
            self._listener.string(self._introducer, "".join(self._body))
        self._body = []
