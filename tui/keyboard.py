"""What terminals send for alt and a digit, read as that."""

from __future__ import annotations

from typing import cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

DIGITS = "1234"


def read_alt_digits() -> None:
    """Have `ESC 3` mean alt+3.

    Textual 8 takes it for the character that option+3 writes on a Mac's keyboard (a pound sign), so that alt+3 would
    type one. Macs send that character itself; ESC and a digit come from terminals where alt is a modifier.
    """
    table = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    for digit in DIGITS:
        table.pop(f"\x1b{digit}", None)
