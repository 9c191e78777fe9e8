"""Looking for names below a directory: hits as they come, and a way to go there."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import aclosing
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from backend.connection.connector import FileKind
from backend.errors import FairleadError
from backend.files.contract import Hit, Search
from backend.files.filesystem import FileSystem
from backend.files.name_pattern import typed_pattern
from backend.sizes import size_text
from backend.text import show_bytes
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt, Words
from tui.prompts.line import AnswerLine
from tui.widgets.file_columns import fitted, right
from tui.widgets.row_list import RowList

MOST = 10_000
"""Hits that are listed; then the search ends, and says so."""
_SIZE = 9

GO = Action("find.go", "enter", "go there", "Show its directory with the cursor on it.", scope="prompts", does="choose",
            rank=1)  # fmt: skip
ACTIONS = (
    Action("find.again", "slash", "other name", "Look for another name.", scope="prompts", rank=2),
    Action("find.stop", "x", "stop", "Stop looking; what was found stays.", scope="prompts", rank=3),
    Action("find.decline", "escape", "close", "Stop and go back.", scope="prompts", rank=4, key_display="esc"),
)


class HitList(RowList[Hit]):
    """Paths below where was looked."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((GO,))]

    def __init__(self, root: bytes, glyphs: Glyphs) -> None:
        super().__init__(id="hits")
        self._root = root.rstrip(b"/") + b"/"
        self._glyphs = glyphs

    def key_of(self, row: Hit) -> Hashable:
        return row.path

    def draw(self, row: Hit, width: int) -> Content:
        found = row.attributes
        name = show_bytes(row.path.removeprefix(self._root)) + ("/" if found.kind is FileKind.DIRECTORY else "")
        plain = found.kind is FileKind.FILE and found.size is not None
        size = size_text(found.size) if plain and found.size is not None else self._glyphs.dash
        text = fitted(name, max(4, width - _SIZE), self._glyphs.ellipsis)
        return Content.assemble(text, (right(size, _SIZE), "$quiet"))


class FindPrompt(Prompt[bytes | None]):
    """The path to go to; None when the person closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    FindPrompt #box { height: 90%; }
    FindPrompt #content { height: 1fr; }
    FindPrompt HitList { height: 1fr; min-height: 3; margin-top: 1; }
    """

    def __init__(self, files: FileSystem, root: bytes, place: str, glyphs: Glyphs) -> None:
        super().__init__(f"find below {place}")
        self._files = files
        self._root = root
        self._glyphs = glyphs
        self._search: Search | None = None
        self._hits: list[Hit] = []
        self._looking = False

    def compose_body(self) -> ComposeResult:
        yield AnswerLine(placeholder="a part of the name, or a pattern: *.log", select_on_focus=True)
        yield Words("Capitals make case count.", id="find-says", classes="quiet")
        yield HitList(self._root, self._glyphs)

    def on_mount(self) -> None:
        self.query_one(AnswerLine).focus()

    @property
    def hits(self) -> HitList:
        return self.query_one(HitList)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "stop":
                return True if self._looking else None
            case "again":
                return self.hits.has_focus
            case _:
                return True

    @on(Input.Submitted)
    def _asked(self, message: Input.Submitted) -> None:
        text = message.value.strip()
        if text:
            self._hits = []
            self.hits.set_rows([])
            self.hits.focus()
            self._look(text)

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _look(self, text: str) -> None:
        search = self._search = self._files.search(self._root, typed_pattern(text))
        self._looking = True
        self._tell("")
        try:
            async with aclosing(search.hits()) as batches:  # type: ignore[type-var]
                async for batch in batches:
                    self._hits += batch
                    self._show()
                    if len(self._hits) >= MOST:
                        self._tell(f"; there may be more: only {MOST:,} are listed")
                        return
        except FairleadError as error:
            self._looking = False
            self._tell(f"; then it failed: {error.message}")
            return
        finally:
            self._looking = False
            self.refresh_bindings()
        self._tell("")

    def _show(self) -> None:
        self.hits.set_rows(list(self._hits))
        self._tell("")
        self.refresh_bindings()

    def _tell(self, more: str) -> None:
        search = self._search
        count = f"{len(self._hits):,} found"
        state = f", looking{self._glyphs.ellipsis}" if self._looking and not more else ""
        by = f" {self._glyphs.dot} {search.by}" if search is not None else ""
        unread = f"; {search.unreadable:,} directories could not be read" if search and search.unreadable else ""
        self.query_one("#find-says", Words).update(f"{count}{state}{by}{unread}{more}")

    @on(RowList.Chosen)
    def _chosen(self, message: RowList.Chosen) -> None:
        message.stop()
        if (hit := self.hits.current) is not None:
            self.dismiss(hit.path)

    def action_again(self) -> None:
        self.query_one(AnswerLine).focus()

    def action_stop(self) -> None:
        self.workers.cancel_group(self, "find")
        self._looking = False
        self._tell("; stopped")
        self.refresh_bindings()
