"""Looking through what was typed before: a few letters, enter, and the line stands in the command field again."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from backend.commands.history import Entry, once_each
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.format import ago_text
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt, Words
from tui.widgets.row_list import RowList
from tui.widgets.text_line import TextLine

if TYPE_CHECKING:
    from datetime import datetime

    from backend.container import Container

ACTIONS = (
    Action("history.decline", "escape", "back", "Leave the line as it is.", scope="prompts", rank=4, key_display="esc"),
    Action("history.older", "down,ctrl+r", "older", "To the line below.", scope="prompts", does="move(1)"),
    Action("history.newer", "up,ctrl+s", "newer", "To the line above.", scope="prompts", does="move(-1)"),
    Action(
        "history.everywhere", "tab", "all hosts", "The lines of all hosts, or of this one.", scope="prompts", rank=2
    ),
)
FORGET = Action(
    "history.forget", "alt+x,shift+delete", "forget", "Forget this line, on this host; ctrl+z undoes it.",
    scope="prompts", rank=3, does="screen.forget",
)  # fmt: skip
UNDO = Action(
    "history.put_back", "ctrl+z", "undo", "The line that was forgotten last is there again.", scope="prompts", rank=3,
    does="screen.put_back",
)  # fmt: skip
TAKE = Action("history.take", "enter", "take", "Put this line into the command field.", scope="prompts", rank=1,
              does="submit")  # fmt: skip


class HistoryLine(TextLine):
    """Where a few letters are typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TAKE, FORGET, UNDO))]


class HistoryRows(RowList[Entry]):
    """Lines, the newest first."""

    def __init__(self, glyphs: Glyphs, now: datetime) -> None:
        super().__init__(id="choices")
        self.can_focus = False
        self.everywhere = False
        self._glyphs = glyphs
        self._now = now

    def key_of(self, row: Entry) -> Hashable:
        return row.number

    def draw(self, row: Entry, width: int) -> Content:
        good = row.end == "0"
        glyph, style = (self._glyphs.passed, "$success") if good else (self._glyphs.failed, "$error")
        if not row.end:
            glyph, style = "?", "$quiet"
        host = (f"{clean_line(row.host)} ", "$accent") if self.everywhere else ""
        right = Content.styled(ago_text(row.at, self._now), "$quiet")
        left = Content.assemble((glyph, style), " ", host, clean_line(row.line))
        left = left.truncate(max(8, width - right.cell_length - 2), ellipsis=True)
        return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


class HistoryPrompt(Prompt[str | None]):
    """Answers with a line; None for: leave it."""

    BINDINGS = bindings_of(ACTIONS)
    DEFAULT_CSS = "HistoryPrompt #choices { height: auto; max-height: 12; margin-top: 1; }"

    def __init__(self, host: str, services: Container, glyphs: Glyphs, *, typed: str = "") -> None:
        super().__init__("typed before")
        self._host = host
        self._services = services
        self._glyphs = glyphs
        self._typed = typed
        self._entries: tuple[Entry, ...] = ()
        self._dropped: list[tuple[Entry, ...]] = []

    def compose_body(self) -> ComposeResult:
        yield HistoryLine(self._typed, placeholder="a part of the line", select_on_focus=False, compact=True)
        yield HistoryRows(self._glyphs, self._services.clock.now())
        yield Words("", id="choices-empty", classes="quiet")
        yield Words("", id="history-said", classes="quiet")

    def on_mount(self) -> None:
        self._load()

    @property
    def forgotten(self) -> tuple[tuple[str, str], ...]:
        """Host and line of each that is forgotten for good."""
        return tuple((entry.host, entry.line) for dropped in self._dropped for entry in dropped[:1])

    @property
    def _rows(self) -> HistoryRows:
        return self.query_one(HistoryRows)

    @work(exclusive=True, group="history", exit_on_error=False)
    async def _load(self, *, stay: bool = False) -> None:
        """Read the lines; the cursor may `stay` where it is, near what is gone."""
        host = None if self._rows.everywhere else self._host
        try:
            self._entries = once_each(await self._services.history.entries(host))
        except FairleadError as error:
            self.query_one("#choices-empty", Words).update(error.message)
            return
        self._fit(self.query_one(HistoryLine).value, stay=stay)
        self.refresh_bindings()

    def _fit(self, typed: str, *, stay: bool = False) -> None:
        words = typed.casefold().split()
        rows = [entry for entry in self._entries if all(word in entry.line.casefold() for word in words)]
        here = self._rows.cursor
        self._rows.set_rows(rows)
        self._rows.cursor = here if stay else 0
        where = "any host" if self._rows.everywhere else clean_line(self._host)
        self.query_one("#choices-empty", Words).update("" if rows else _none(typed, where))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fit(event.value)

    def action_move(self, step: int) -> None:
        """Move the cursor while the line keeps the keys."""
        self._rows.cursor += step

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "forget":
                return self.is_mounted and self._rows.current is not None
            case "put_back":
                return bool(self._dropped)
            case _:
                return True

    @work(group="forget", exit_on_error=False)
    async def action_forget(self) -> None:
        if (entry := self._rows.current) is None:
            return
        try:
            dropped = await self._services.history.drop(entry.host, entry.line)
        except FairleadError as error:
            self._say(error.message)
            return
        self._dropped.append(dropped)
        self._say(f"forgotten: {clean_line(entry.line)}")

    @work(group="forget", exit_on_error=False)
    async def action_put_back(self) -> None:
        if not self._dropped:
            return
        dropped = self._dropped.pop()
        try:
            await self._services.history.put_back(dropped)
        except FairleadError as error:
            self._dropped.append(dropped)
            self._say(error.message)
            return
        self._say(f"there again: {clean_line(dropped[0].line)}" if dropped else "")

    def _say(self, words: str) -> None:
        self.query_one("#history-said", Words).update(words)
        self._load(stay=True)

    def action_everywhere(self) -> None:
        self._rows.everywhere = not self._rows.everywhere
        self._load()

    def on_row_list_chosen(self) -> None:
        self.on_input_submitted()

    def on_input_submitted(self) -> None:
        """The line under the cursor; where nothing fits, what is typed."""
        entry = self._rows.current
        self.dismiss(entry.line if entry is not None else self.query_one(HistoryLine).value or None)


def _none(typed: str, where: str) -> str:
    return f"nothing {'like it ' if typed.strip() else ''}was typed for {where}"
