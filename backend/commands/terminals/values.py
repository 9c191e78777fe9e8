"""What is said about a terminal: where it stands and what happens to it. Values and events only.

Events carry none of what is on a screen, which may hold secrets: whoever wants it reads the terminal.
"""

from __future__ import annotations

from enum import StrEnum

from backend.dataclass import dataclass
from backend.events import Event


class TerminalState(StrEnum):
    """Where a terminal stands."""

    OPENING = "opening"
    """Waiting for the person's consent, for the link, or for the host to start the program."""
    RUNNING = "running"
    ENDED = "ended"
    """The program has ended, or was never started; `Terminal.report` or `Terminal.error` tells how."""
    LOST = "lost"
    """The link went; what became of the program is unknown. The last screen is kept."""


AT_REST = frozenset({TerminalState.ENDED, TerminalState.LOST})
"""Nothing runs; it can be opened again."""


@dataclass(frozen=True, slots=True)
class TerminalChanged(Event):
    """A terminal was opened, entered another state, or is gone from the list."""

    terminal_id: str
    state: TerminalState


@dataclass(frozen=True, slots=True)
class TerminalOutput(Event):
    """A terminal's screen has changed, or its program wants something; at most one for each sixtieth of a second."""

    terminal_id: str
