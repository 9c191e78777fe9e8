"""One case, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.commands.terminals.emulator import Look


@dataclass(frozen=True)
class Case:
    """Columns and rows are counted from 1, as in the sequences."""

    name: str
    fed: str
    """␛ stands for ESC."""
    screen: str | None = None
    """All rows, with | between them; those that are missing at the end are blank. None: not looked at."""
    cursor: tuple[int, int] | None = None
    """Column and row."""
    answer: str | None = None
    """What the program is told; ␛ as above."""
    looks: Mapping[tuple[int, int], Look] = field(default_factory=dict)
    """Of cells, by column and row."""
    size: tuple[int, int] = (80, 24)
    """Columns and rows."""

    @property
    def bytes_in(self) -> bytes:
        return self.fed.replace("␛", "\x1b").encode("utf-8", "surrogateescape")

    @property
    def bytes_out(self) -> bytes | None:
        return None if self.answer is None else self.answer.replace("␛", "\x1b").encode()
