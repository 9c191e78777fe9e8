"""Keys: what terminals send for alt and a digit or enter, read as that, and who gets every key."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeGuard, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.widget import Widget

DIGITS = "1234"


class _MoreKeys(StrEnum):
    """Keys that Textual's own list leaves out."""

    ALT_ENTER = "alt+enter"


def read_alt_keys() -> None:
    """Have `ESC 3` mean alt+3, and ESC and a return alt+enter.

    Textual 8 takes the first for the character that option+3 writes on a Mac's keyboard (a pound sign), so that alt+3
    would type one. Macs send that character itself; ESC and a digit come from terminals where alt is a modifier. The
    second it takes for enter alone, wherever the terminal does not speak kitty's protocol.
    """
    table = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    table["\x1b\r"] = (_MoreKeys.ALT_ENTER,)
    for digit in DIGITS:
        table.pop(f"\x1b{digit}", None)


def takes_all_keys(widget: Widget | None) -> TypeGuard[Widget]:
    """Whether keys go to `widget` before anybody else, whatever they are bound to: it has `TAKES_ALL_KEYS`."""
    return getattr(widget, "TAKES_ALL_KEYS", False)
