"""Character sets of a VT220 that mean something else than ASCII: the line drawing of DEC, and the British one."""

from __future__ import annotations

from collections.abc import Mapping

DRAWING: Mapping[int, str] = dict(enumerate("\xa0◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·", 0x5F))
_BRITISH: Mapping[int, str] = {0x23: "£"}
_SETS: Mapping[str, Mapping[int, str]] = {"0": DRAWING, "2": DRAWING, "A": _BRITISH}


def charset(final: str) -> Mapping[int, str] | None:
    """What `ESC ( final` designates, for `str.translate`; None for ASCII, and for what nobody uses with UTF-8."""
    return _SETS.get(final)
