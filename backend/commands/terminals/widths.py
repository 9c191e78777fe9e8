"""How many columns a character takes, as the wcwidth of a host's C library has it."""

from __future__ import annotations

from functools import lru_cache
from unicodedata import category, east_asian_width

_ZERO = frozenset({"Mn", "Me", "Cf", "Zl", "Zp"})
_SOFT_HYPHEN = "\xad"
_JOINERS = "\u200c\u200d"


@lru_cache(8192)
def width(character: str) -> int:
    """0 for what joins the character before it, 2 for wide ones, else 1."""
    kind = category(character)
    if kind in _ZERO:
        return int(character == _SOFT_HYPHEN)
    if "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff":
        return 0  # vowels and finals of Hangul, which join the initial
    return 2 if kind != "Cn" and east_asian_width(character) in "WF" else 1


def joins(character: str) -> bool:
    """Whether something of width 0 is kept: marks are; what steers the order of a text (bidirectional controls) and
    the like is not, for it would reorder what stands beside the terminal."""
    return character in _JOINERS or category(character) not in {"Cf", "Zl", "Zp"}
