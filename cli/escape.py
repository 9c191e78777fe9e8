"""The escape character of a shell session, as ssh(1) has it: `~` at the beginning of a line. Pure."""

from __future__ import annotations

from enum import Enum

from backend.dataclass import dataclass

HELP = b"\r\n~.  end this session    ~~  send a tilde    ~?  this help\r\n"

_TILDE, _DOT, _QUESTION = b"~"[0], b"."[0], b"?"[0]
_LINE_ENDS = frozenset(b"\r\n")


class Place(Enum):
    """Where in a line the next key falls."""

    LINE_START = 1
    AFTER_TILDE = 2
    INSIDE = 3


@dataclass(frozen=True, slots=True)
class Keys:
    """What became of some keys."""

    send: bytes
    """For the host."""
    ended: bool = False
    """`~.` was typed: what came after it is dropped."""
    help_wanted: bool = False


class Escapes:
    """Takes keys as they are typed and finds the escapes among them."""

    def __init__(self) -> None:
        self._place = Place.LINE_START

    def feed(self, keys: bytes) -> Keys:
        """Take in some keys. A tilde at the beginning of a line waits for what follows."""
        send = bytearray()
        help_wanted = False
        for key in keys:
            if self._place is Place.AFTER_TILDE:
                if key == _DOT:
                    return Keys(bytes(send), ended=True)
                if key == _QUESTION:
                    help_wanted, self._place = True, Place.LINE_START
                    continue
                send += bytes([key]) if key == _TILDE else bytes([_TILDE, key])
            elif self._place is Place.LINE_START and key == _TILDE:
                self._place = Place.AFTER_TILDE
                continue
            else:
                send.append(key)
            self._place = Place.LINE_START if key in _LINE_ENDS else Place.INSIDE
        return Keys(bytes(send), help_wanted=help_wanted)
