"""Keeping the output of a command in a file of this machine. The Commands screen is built on it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from textual import on, work

from backend.commands.running import RunningCommand
from backend.errors import FairleadError
from tui.messages import Notice, OperationFailed
from tui.prompts.line import LinePrompt
from tui.screens.base import WorkbenchScreen
from tui.widgets.output_view import OutputView


class SavesOutput(WorkbenchScreen):
    """Subclasses say which command is looked at."""

    @property
    def selected(self) -> RunningCommand | None:
        """The command that is looked at."""
        raise NotImplementedError

    @on(OutputView.SaveAsked)
    def _save_asked(self) -> None:
        if (command := self.selected) is not None:
            self._save(command)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _save(self, command: RunningCommand) -> None:
        name = re.sub(r"[^\w.-]+", "-", command.spec.command.decode("utf-8", "replace")).strip("-.")[:40]
        value = f"~/{command.host}-{name or 'output'}.log"
        detail = "A new file on this machine. The output goes there as it came, colours and all."
        answer = await self.workbench.push_screen_wait(LinePrompt("save the output", detail, value=value))
        if answer is not None:
            await self._save_to(command, os.path.expanduser(answer.strip()))  # noqa: ASYNC240, PTH111 - reads no disk

    async def _save_to(self, command: RunningCommand, path: str) -> None:
        try:
            saved = await command.save(Path(path))
        except FairleadError as error:
            self.post_message(OperationFailed(error, "saving the output"))
            return
        missing = f" {saved.dropped_lines:,} older lines were dropped before." if saved.dropped_lines else ""
        self.post_message(Notice(f"Saved {saved.bytes:,} bytes to {saved.path}.{missing}"))
