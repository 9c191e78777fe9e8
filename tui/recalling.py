"""Earlier sessions' lines in the history that the keys for older and newer go through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.container import Container
    from tui.widgets.command_field import History

SEARCHED = 1_000
"""Lines that are read."""


async def recall_into(history: History, services: Container, host: str) -> None:
    """Let `history` know what was typed for `host` in earlier sessions. Raises FairleadError."""
    entries = await services.history.entries(host, most=SEARCHED)
    history.recall([entry.line for entry in reversed(entries)])
