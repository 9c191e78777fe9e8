"""Which emulator a terminal gets."""

from __future__ import annotations

from backend.commands.terminals.emulator import Emulator
from backend.commands.terminals.xterm import Xterm


def make_emulator(columns: int, rows: int) -> Emulator:
    """An empty screen of that size."""
    return Xterm(columns, rows)
