"""Names of one transfer that some file systems take for the same: they differ in upper and lower case only, or in the
way an accent is written (as on macOS and Windows). Pure."""

from __future__ import annotations

import unicodedata
from array import array

from backend.files.partial import partial_name

Parts = tuple[bytes, ...]

_TABLES = 256
"""So many that none of them takes long to grow."""
_FIRST_SLOTS = 8

CLASH = "another name of this transfer differs from it in upper and lower case only, and has the place already"


def folded(parts: Parts) -> str:
    """What all spellings of a path have in common."""
    text = b"/".join(parts).decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


class Spellings:
    """Remembers the paths of a transfer, in about thirty bytes each: there may be millions."""

    def __init__(self) -> None:
        self._tables = [_Table() for _ in range(_TABLES)]

    def clash(self, anchor: bytes, parts: Parts) -> bool:
        """Whether another spelling of this path came before; the same path again is none."""
        own, all_spellings = hash((anchor, parts)), hash((anchor, folded(parts)))
        return self._tables[all_spellings % _TABLES].setdefault(all_spellings, own) != own


class _Table:
    """As a dict of 64-bit numbers, in a fifth of the memory: open addressing over two arrays, never quite full."""

    def __init__(self) -> None:
        self._keys = array("q", bytes(8 * _FIRST_SLOTS))
        self._values = array("q", bytes(8 * _FIRST_SLOTS))
        self._used = 0

    def setdefault(self, key: int, value: int) -> int:
        """What `key` (0 counts as 1) stands for: what it was first given with."""
        key = key or 1
        slot = self._slot(key)
        if self._keys[slot] == key:
            return self._values[slot]
        self._keys[slot], self._values[slot] = key, value
        self._used += 1
        if 3 * self._used > 2 * len(self._keys):
            self._grow()
        return value

    def _slot(self, key: int) -> int:
        """Where `key` is, or would be."""
        keys = self._keys
        slot = (key // _TABLES) % len(keys)
        while keys[slot] not in (0, key):
            slot = (slot + 1) % len(keys)
        return slot

    def _grow(self) -> None:
        known = [(key, value) for key, value in zip(self._keys, self._values, strict=True) if key]
        room = bytes(8 * 2 * len(self._keys))
        self._keys, self._values = array("q", room), array("q", room)
        for key, value in known:
            slot = self._slot(key)
            self._keys[slot], self._values[slot] = key, value


def probe_names(salt: bytes) -> tuple[bytes, bytes]:
    """A name to be made for a moment, and its other spelling, under which it must not be found."""
    name = partial_name(b"case", salt)
    return name, name.upper()
