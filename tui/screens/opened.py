"""What opens from the commands: their actions here, their screens loaded when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.actions import Action

if TYPE_CHECKING:
    from tui.screens.base import WorkbenchScreen

MANY = Action(
    "commands.many", "alt+g", "many hosts", "Run one command on many hosts at once.", "Commands", "commands",
    does="many_hosts",
)  # fmt: skip


def open_many(screen: WorkbenchScreen) -> None:
    """Choose hosts, or see the last run on many of them."""
    from tui.prompts.many import ManyPanel

    screen.workbench.push_screen(ManyPanel(screen.host, screen.services, screen.glyphs))
