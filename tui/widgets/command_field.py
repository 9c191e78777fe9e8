"""Where commands are typed: the host and directory they run in, the line itself, and what was typed before."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.actions import Action, bindings_of
from tui.widgets.text_line import TextLine

_GROUP = "Command line"

ACTIONS = (
    Action("command_line.run", "enter", "run", "Run what is typed.", _GROUP, "command line", rank=1, does="submit"),
    Action("command_line.older", "up", "history", "What was typed before.", _GROUP, "command line", palette=False),
    Action("command_line.newer", "down", "newer", "What was typed after it.", _GROUP, "command line", palette=False),
)

INTERRUPT = Action(
    "commands.interrupt",
    "ctrl+c",
    "stop",
    "Stop the command that is shown; says what was confirmed.",
    "Commands",
    "commands",
    does="screen.interrupt",
    rank=2,
)
"""Bound here as well: a line of text would take the key for copying."""


class History:
    """What was typed, oldest first, and where one is in it. What is half typed is kept as the newest. Pure."""

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._lines: list[str] = []
        self._back = 0
        self._draft = ""

    def add(self, line: str) -> None:
        """`line` was run. The same one twice in a row is kept once."""
        if self._lines[-1:] != [line]:
            self._lines = [*self._lines, line][-self._limit :]
        self._back, self._draft = 0, ""

    def older(self, typed: str) -> str | None:
        """The line before; None at the oldest."""
        if self._back == len(self._lines):
            return None
        if self._back == 0:
            self._draft = typed
        self._back += 1
        return self._lines[-self._back]

    def newer(self) -> str | None:
        """The line after; the half-typed one at the end, None beyond it."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._lines[-self._back] if self._back else self._draft


class CommandField(TextLine):
    """The line itself."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((*ACTIONS, INTERRUPT))]
    BINDING_GROUP_TITLE = _GROUP

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.history = History()

    async def action_submit(self) -> None:
        """Hand the line over, and be empty at once: the next one may be on its way already."""
        await super().action_submit()
        if line := self.value.strip():
            self.history.add(line)
            self.value = ""

    def action_older(self) -> None:
        self._take(self.history.older(self.value))

    def action_newer(self) -> None:
        self._take(self.history.newer())

    def _take(self, line: str | None) -> None:
        if line is not None:
            self.value = line
            self.cursor_position = len(line)


class CommandLine(Horizontal):
    """`web-1:~/app ▏make deploy`"""

    DEFAULT_CSS = """
    CommandLine {
        height: 1;
        #prompt { width: auto; max-width: 50%; height: 1; }
        CommandField, CommandField:focus { width: 1fr; border: none; padding: 0; background: transparent; height: 1; }
        #limit { width: auto; height: 1; color: $warning; }
    }
    """

    class Submitted(Message):
        """A command is to be run."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.input = CommandField()

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt", markup=False)
        yield self.input
        yield Static("", id="limit", markup=False)

    def place(self, host: str, directory: str, limit: str) -> None:
        """Say where the next command runs, and for how long at most."""
        prompt = Content.assemble((host, "bold $accent"), ":", (directory, "$accent"), ("$ ", "$quiet"))
        self.query_one("#prompt", Static).update(prompt)
        self.query_one("#limit", Static).update(f"  {limit}" if limit else "")

    def refuse(self, reason: str) -> None:
        """There is nowhere to run anything; say why where the prompt would be."""
        self.query_one("#prompt", Static).update(Content.styled(reason, "$quiet"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        line = message.value.strip()
        if line:
            self.post_message(self.Submitted(line))
