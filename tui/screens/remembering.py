"""What a line was and what it may be: the history of each host, kept in the state file, and the person's snippets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType

from backend.commands.snippets.file import SnippetFile
from backend.errors import FairleadError
from backend.settings import Paths
from tui.actions import Action, bindings_of
from tui.messages import Notice, OperationFailed
from tui.recalling import recall_into
from tui.screens.base import WorkbenchScreen

if TYPE_CHECKING:
    from tui.widgets.command_field import CommandLine, History

_GROUP = "Command line"

ACTIONS = (
    Action("commands.history", "ctrl+r", "history", "Look through what was typed before.", _GROUP, "commands",
           does="screen.search_history"),
    Action("commands.snippets", "alt+s", "snippets", "Choose a snippet, and fill it in.", _GROUP, "commands",
           does="screen.snippets"),
)  # fmt: skip


class Remembering(WorkbenchScreen):
    """A screen with a command line that knows what was typed before."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    @property
    def line(self) -> CommandLine:
        """Where commands are typed."""
        raise NotImplementedError

    def history_of(self, host: str) -> History:
        """What the keys for older and newer go through, for `host`."""
        raise NotImplementedError

    @work(group="history", exit_on_error=False)
    async def recall(self, host: str) -> None:
        """Let its history know what was typed for `host` in earlier sessions."""
        try:
            await recall_into(self.history_of(host), self.services, host)
        except FairleadError as error:
            self.post_message(Notice(error.message, title="history", severity="warning"))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_search_history(self) -> None:
        if self.host is None:
            return
        from tui.prompts.history import HistoryPrompt

        prompt = HistoryPrompt(self.host, self.services, self.glyphs, typed=self.line.input.value)
        line = await self.workbench.push_screen_wait(prompt)
        for host, forgotten in prompt.forgotten:
            self.history_of(host).forget(forgotten)
        self._put(line)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_snippets(self) -> None:
        from tui.prompts.snippets import ask_for_line

        config = self.services.book.file
        file = SnippetFile.beside(config.path if config is not None else Paths.standard().config)
        try:
            self._put(await ask_for_line(self.workbench, file))
        except FairleadError as error:
            self.post_message(OperationFailed(error, "filling in the snippet"))

    def _put(self, line: str | None) -> None:
        """Into the command field, to be looked at first: nothing runs by itself."""
        if line is not None:
            self.line.input.value = line
            self.line.input.cursor_position = len(line)
            self.line.input.focus()
