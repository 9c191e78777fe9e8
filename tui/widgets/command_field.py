"""Where commands are typed: the host and directory they run in, the line itself, and what was typed before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.messages import Notice
from tui.widgets.text_line import TextLine

_GROUP = "Command line"

ACTIONS = (
    Action("command_line.run", "enter", "run", "Run what is typed.", _GROUP, "command line", rank=1, does="submit"),
    Action("command_line.another", "alt+enter", "another line", "Keep this line, and type another that runs after it.",
           _GROUP, "command line"),
    Action("command_line.older", "up", "history", "What was typed before.", _GROUP, "command line", palette=False),
    Action("command_line.newer", "down", "newer", "What was typed after it.", _GROUP, "command line", palette=False),
)  # fmt: skip

INTERRUPT = Action(
    "commands.interrupt",
    "ctrl+c",
    "stop",
    "Stop the command that is shown; says what was confirmed.",
    "Commands",
    "commands",
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

    def recall(self, lines: Sequence[str]) -> None:
        """What was run in earlier sessions, oldest first."""
        earlier = [line for line, _ in groupby((*lines, *self._lines))]
        self._lines = earlier[-self._limit :]

    def forget(self, line: str) -> None:
        """`line` is offered no more."""
        self._lines = [one for one in self._lines if one != line]
        self._back = 0

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
        self.before: tuple[str, ...] = ()
        """Lines that run before the one that is typed."""
        self.checking: Callable[[], bool] = lambda: False
        """Whether a password is being checked: what is typed now may be meant for it, and is no command."""

    class Kept(Message):
        """There are more lines before the one that is typed, or fewer."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "interrupt":  # of the screen that the line is on, also while a dialog is in front of it
            return hasattr(self.screen, "action_interrupt") and self.screen.check_action(action, parameters)
        return super().check_action(action, parameters)

    async def action_interrupt(self) -> None:
        await self.screen.run_action("interrupt")

    async def on_key(self, event: events.Key) -> None:
        if (event.is_printable or event.key in {"enter", "alt+enter"}) and self.checking():
            self._refuse(event)

    def _refuse(self, event: events.Key | events.Paste) -> None:
        """A password in the command line would be run, and kept in the history."""
        event.stop()
        event.prevent_default()
        self.post_message(Notice("A password is still being checked: nothing was typed here."))

    def action_another(self) -> None:
        """Keep the line that is typed, for it to run first."""
        if line := self.value.strip():
            self._keep_before(line)
            self.value = ""

    def _keep_before(self, *lines: str) -> None:
        self.before += lines
        self.post_message(self.Kept())

    def _on_paste(self, event: events.Paste) -> None:
        """Several lines are several commands; the last one can still be changed."""
        if self.checking():
            self._refuse(event)
            return
        lines = [line.strip() for line in event.text.splitlines() if line.strip()]
        if len(lines) > 1:
            event.stop()
            event.prevent_default()
            self.insert_text_at_cursor(lines[0])
            self._keep_before(self.value.strip(), *lines[1:-1])
            self.value = lines[-1]
            self.cursor_position = len(self.value)

    def action_delete_left(self) -> None:
        """Before the first letter: back to the line before."""
        if not self.value and self.before:
            *rest, line = self.before
            self.before = tuple(rest)
            self._take(line)
            self.post_message(self.Kept())
        else:
            super().action_delete_left()

    async def action_submit(self) -> None:
        """Hand the line over, and be empty at once: the next one may be on its way already."""
        await super().action_submit()
        if line := self.value.strip():
            if not self.value.startswith(" "):
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
        #limit { width: auto; max-width: 40%; height: 1; color: $warning; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    class Submitted(Message):
        """A command is to be run, or several in turn. A leading blank, which keeps one out of the history, is there."""

        def __init__(self, *lines: str) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.input = CommandField()
        self._notes: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt", markup=False)
        yield self.input
        yield Static("", id="limit", markup=False)

    def place(self, host: str, directory: str, notes: tuple[str, ...], *, shell: str = "") -> None:
        """Say where the next command runs, in which session, and what is unusual about how it does."""
        session = [(f"[{clean_line(shell)}]", "$success")] if shell else []
        prompt = Content.assemble((host, "bold $accent"), *session, ":", (directory, "$accent"), ("$ ", "$quiet"))
        self.query_one("#prompt", Static).update(prompt)
        self._notes = notes
        self._draw_notes()

    def place_gone(self, host: str, shell: str, key: str) -> None:
        """The session that commands would run in is gone; `key` opens a new one."""
        gone = (f"[{clean_line(shell)} is gone]", "bold $error")
        prompt = Content.assemble((host, "bold $accent"), gone, ("$ ", "$quiet"))
        self.query_one("#prompt", Static).update(prompt)
        self._notes = (f"{key} opens a new one",)
        self._draw_notes()

    def refuse(self, reason: str) -> None:
        """There is nowhere to run anything; say why where the prompt would be."""
        self.query_one("#prompt", Static).update(Content.styled(reason, "$quiet"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        line = message.value.rstrip()
        if lines := (*self.input.before, *((line,) if line else ())):
            self.input.before = ()
            self._draw_notes()
            self.post_message(self.Submitted(*lines))

    def on_command_field_kept(self, message: CommandField.Kept) -> None:
        message.stop()
        self._draw_notes()

    def _draw_notes(self) -> None:
        before = len(self.input.before)
        first = (f"after {before} {'line' if before == 1 else 'lines'}",) if before else ()
        notes = (*first, *self._notes)
        self.query_one("#limit", Static).update(f"  {', '.join(notes)}" if notes else "")
