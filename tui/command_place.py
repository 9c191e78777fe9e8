"""What the Commands screen remembers of one host while another one is looked at."""

from __future__ import annotations

from dataclasses import field

from backend.dataclass import dataclass
from tui.how_to_run import HowToRun
from tui.widgets.command_field import History


@dataclass(slots=True)
class CommandPlace:
    """Where and how the next commands of a host run, and what was typed for it."""

    directory: bytes | None = None
    """Where commands run; None is the home directory."""
    how: HowToRun = field(default_factory=HowToRun)
    history: History = field(default_factory=History)
    selected: str | None = None
    """Id of the command that is looked at."""
    draft: str = ""
