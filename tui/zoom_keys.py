"""The escape key among the raw keys of a real terminal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.keys import _character_to_key

from backend.dataclass import dataclass

_AFTER = re.compile(rb"\x1b\[27;\d+;(\d+)~|\x1b\[(\d+)(?:;\d*)?u|([\x00-\x7f]|[\xc0-\xff][\x80-\xbf]+)")
_NAMED = {"right_square_bracket": "]", "backslash": "\\", "underscore": "_", "circumflex_accent": "^", "at": "@"}


@dataclass(frozen=True, slots=True)
class ZoomKeys:
    """What became of some keys."""

    send: bytes
    """For the program."""
    command: str | None = None
    """Textual's name of the key after the escape key: the terminal is wanted back. What came after it is dropped."""


def escape_bytes(keys: Iterable[str]) -> tuple[bytes, ...]:
    """What terminals send for the escape key, by Textual's names: plainly, with modifyOtherKeys, by kitty's protocol.

    Only control keys can be told from what a program is sent; without any, it is ctrl+].
    """
    letters = [name.removeprefix("ctrl+") for name in keys if name.startswith("ctrl+")]
    characters = [_NAMED.get(letter, letter) for letter in letters]
    found = [character for character in characters if len(character) == 1 and "@" <= character.upper() <= "_"] or ["]"]
    return tuple(
        form
        for character in found
        for form in (
            bytes([ord(character.upper()) & 0x1F]),
            b"\x1b[27;5;%d~" % ord(character),
            b"\x1b[%d;5u" % ord(character),
        )
    )


class ZoomEscape:
    """Takes keys as they come, and finds the escape key among them."""

    def __init__(self, escapes: tuple[bytes, ...]) -> None:
        self._find = re.compile(b"|".join(re.escape(form) for form in escapes))
        self._plain = escapes[0]
        self._escaped = False

    def feed(self, keys: bytes) -> ZoomKeys:
        """Take in some keys."""
        send = bytearray()
        while keys:
            if self._escaped:
                self._escaped = False
                if again := self._find.match(keys):
                    send += self._plain
                    keys = keys[again.end() :]
                    continue
                return ZoomKeys(bytes(send), _name(keys))
            if (found := self._find.search(keys)) is None:
                send += keys
                break
            send += keys[: found.start()]
            keys = keys[found.end() :]
            self._escaped = True
        return ZoomKeys(bytes(send))


def _name(keys: bytes) -> str:
    """Textual's name for the first of `keys`; empty for one that has no plain name."""
    match = _AFTER.match(keys)
    if match is None:
        return ""
    code = match[1] or match[2]
    character = chr(min(int(code), 0x10FFFF)) if code else match[3].decode("utf-8", "replace")
    if character == "\x1b":
        return "escape"
    if character < " ":
        return f"ctrl+{chr(ord(character) | 0x60)}"
    return _character_to_key(character)
