"""SGR: how the characters to come look (ctlseqs, "Character Attributes"; ITU-T T.416 for the forms with colons)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from backend.commands.terminals.emulator import PLAIN, Colour, Look

_MAX_PARAMETERS = 64
_ON: dict[int, dict[str, Any]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    5: {"blink": True},
    6: {"blink": True},
    7: {"reverse": True},
    8: {"hidden": True},
    9: {"strike": True},
    21: {"underline": True},  # twice underlined
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    25: {"blink": False},
    27: {"reverse": False},
    28: {"hidden": False},
    29: {"strike": False},
    39: {"foreground": None},
    49: {"background": None},
    **{30 + colour: {"foreground": colour} for colour in range(8)},
    **{40 + colour: {"background": colour} for colour in range(8)},
    **{90 + colour: {"foreground": 8 + colour} for colour in range(8)},
    **{100 + colour: {"background": 8 + colour} for colour in range(8)},
}
_EXTENDED = {38: "foreground", 48: "background", 58: ""}
"""58 is the colour of the underline, which is read over."""


def number(digits: str, most: int = 65_535) -> int:
    """A parameter: 0 when left out, never more than `most`."""
    digits = digits.lstrip("0")
    return min(int(digits or 0), most) if len(digits) < 10 else most


@lru_cache(1024)
def look_after(look: Look, parameters: str) -> Look:
    """`look` after `CSI parameters m`."""
    changes: dict[str, Any] = {}
    fields = iter(parameters.split(";")[:_MAX_PARAMETERS])
    for field in fields:
        first, *rest = field.split(":")
        code = number(first)
        if code in _EXTENDED:
            colour = _with_colons(rest) if rest else _with_semicolons(fields)
            if colour is not None and _EXTENDED[code]:
                changes[_EXTENDED[code]] = colour
        elif code == 0:
            look, changes = PLAIN, {}
        elif code == 4 and rest:
            changes["underline"] = number(rest[0]) != 0
        elif code in _ON:
            changes |= _ON[code]
    return _one(replace(look, **changes)) if changes else look


@lru_cache(1024)
def _one(look: Look) -> Look:
    """The same object for equal looks, so that they are told apart quickly; always that for plain ones."""
    return PLAIN if look == PLAIN else look


def _with_colons(fields: Sequence[str]) -> Colour:
    """`5:n`, `2:r:g:b`, and with a colour space before the red: `2::r:g:b`."""
    kind, *values = fields
    if kind == "2" and len(values) > 3:
        values = values[1:]
    return _colour(kind, values)


def _with_semicolons(fields: Iterator[str]) -> Colour:
    """`5;n` and `2;r;g;b`, taken from the parameters that follow."""
    kind = next(fields, "")
    return _colour(kind, list(islice(fields, {"5": 1, "2": 3}.get(kind, 0))))


def _colour(kind: str, values: Sequence[str]) -> Colour:
    """None for what is none."""
    levels = [number(value) if ":" not in value else 256 for value in values]
    if any(level > 255 for level in levels):
        return None
    if kind == "5" and levels:
        return levels[0]
    if kind == "2" and len(levels) >= 3:
        return levels[0], levels[1], levels[2]
    return None
