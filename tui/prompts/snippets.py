"""Choosing a snippet, and saying what its variables are; what comes of it is a line, and nothing runs by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from backend.commands.snippets.file import SnippetFile
from backend.commands.snippets.template import Snippet
from backend.errors import FairleadError
from backend.matching import best
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.prompts.line import LinePrompt
from tui.widgets.row_list import RowList
from tui.widgets.text_line import TextLine

if TYPE_CHECKING:
    from tui.app import WorkbenchApp

ACTIONS = (
    Action("snippets.decline", "escape", "back", "Take none.", scope="prompts", rank=3, key_display="esc"),
    Action("snippets.up", "up", "up", "One line up.", scope="prompts", does="move(-1)"),
    Action("snippets.down", "down", "down", "One line down.", scope="prompts", does="move(1)"),
)
TAKE = Action("snippets.take", "enter", "take", "Take this snippet.", scope="prompts", rank=1, does="submit")


class SnippetLine(TextLine):
    """Where a few letters are typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TAKE,))]


class SnippetRows(RowList[Snippet]):
    """The snippets that fit."""

    def __init__(self) -> None:
        super().__init__(id="choices")
        self.can_focus = False

    def key_of(self, row: Snippet) -> Hashable:
        return row.name

    def draw(self, row: Snippet, width: int) -> Content:
        about = row.description or row.command
        return Content.assemble((f"{clean_line(row.name):<16}", "bold"), ("  " + clean_line(about), "$quiet"))


class SnippetPrompt(Prompt[Snippet | None]):
    """Answers with a snippet; None for: none."""

    BINDINGS = bindings_of(ACTIONS)
    DEFAULT_CSS = "SnippetPrompt #choices { height: auto; max-height: 12; margin-top: 1; }"

    def __init__(self, file: SnippetFile) -> None:
        super().__init__("snippets")
        self._file = file
        self._snippets: tuple[Snippet, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield SnippetLine(placeholder="name", select_on_focus=False, compact=True)
        yield SnippetRows()
        yield Words("", id="choices-empty", classes="quiet")

    def on_mount(self) -> None:
        self._load()

    @work(exclusive=True, group="snippets", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._snippets = await asyncio.to_thread(self._file.load)
        except FairleadError as error:
            self.query_one("#choices-empty", Words).update(error.message)
            return
        self._fit("")

    def _fit(self, typed: str) -> None:
        rows = best(typed, self._snippets, lambda one: (one.name, one.description, one.command))
        self.query_one(SnippetRows).set_rows(rows)
        self.query_one(SnippetRows).cursor = 0
        none_yet = "There are none yet: fairlead snippets add disk 'du -xsh {dir=/var}/*' keeps one."
        self.query_one("#choices-empty", Words).update("" if rows else "none fits" if self._snippets else none_yet)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fit(event.value)

    def action_move(self, step: int) -> None:
        """Move the cursor while the line keeps the keys."""
        self.query_one(SnippetRows).cursor += step

    def on_row_list_chosen(self) -> None:
        self.on_input_submitted()

    def on_input_submitted(self) -> None:
        if (snippet := self.query_one(SnippetRows).current) is not None:
            self.dismiss(snippet)


async def ask_for_line(app: WorkbenchApp, file: SnippetFile) -> str | None:
    """The line of a snippet that the person chooses and fills in; None when they back out. Raises ConfigError."""
    snippet = await app.push_screen_wait(SnippetPrompt(file))
    if snippet is None:
        return None
    values: dict[str, str] = {}
    for variable in snippet.variables:
        detail = variable.description or clean_line(snippet.command)
        heading = f"{snippet.name}: {variable.name}"
        answer = await app.push_screen_wait(
            LinePrompt(heading, detail, value=variable.default or "", check=lambda typed: "", replaced=True)
        )
        if answer is None:
            return None
        values[variable.name] = answer
    return snippet.fill(values)
