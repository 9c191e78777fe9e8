"""What is seen while the services open."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static


class OpeningScreen(Screen[Any]):
    """The name, and nothing that could be pressed."""

    def compose(self) -> ComposeResult:
        yield Static("fairlead", id="opening", markup=False)
