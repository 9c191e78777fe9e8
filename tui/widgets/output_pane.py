"""An output view in its frame: what it says about itself in the border, and the line for what is looked for."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.widgets.output_view import OutputView
from tui.widgets.text_line import TextLine

ACTIONS = (
    Action("output.clear", "escape", "clear", "Take search or filter away again.", "Output", "output", palette=False),
)


class OutputPane(Vertical):
    """Subclasses may put lines above the view with `compose_above`."""

    DEFAULT_CSS = """
    OutputPane {
        OutputView { height: 1fr; background: transparent; }
        #looked-for { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
        #looked-for.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes="pane")
        self.view = OutputView(glyphs)
        self._line = TextLine(id="looked-for", select_on_focus=False, compact=True)
        self._filtering = False

    def compose(self) -> ComposeResult:
        yield from self.compose_above()
        yield self.view
        yield self._line

    def compose_above(self) -> ComposeResult:
        """What stands above the output."""
        yield from ()

    def on_mount(self) -> None:
        self.watch(self.view, "status", self._say)

    def _say(self, status: str) -> None:
        self.border_subtitle = Content(status)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "clear":
            return bool(self._line.has_class("-open") or self.view.searched or self.view.filtered)
        return True

    @on(OutputView.SearchAsked)
    def _open_line(self, message: OutputView.SearchAsked) -> None:
        self._filtering = message.filtering
        self._line.placeholder = "show only lines with" if message.filtering else "look for"
        self._line.add_class("-open")
        with self.prevent(Input.Changed):
            self._line.value = self.view.filtered if message.filtering else self.view.searched
        self._line.focus()

    @on(Input.Changed, "#looked-for")
    def _look(self, message: Input.Changed) -> None:
        message.stop()
        if self._filtering:
            self.view.filter(message.value)
        else:
            self.view.search(message.value)

    @on(Input.Submitted, "#looked-for")
    def _looked(self, message: Input.Submitted) -> None:
        message.stop()
        self._close_line()

    def _close_line(self) -> None:
        self._line.remove_class("-open")
        self.view.focus()

    def action_clear(self) -> None:
        """One step back: out of the line, and what it said with it; then the search; then the filter."""
        typing = self._line.has_class("-open")
        filtering = self._filtering if typing else not self.view.searched
        if filtering:
            self.view.filter("")
        else:
            self.view.search("")
        self._close_line()

    @on(OutputView.Copied)
    def _copied(self, message: OutputView.Copied) -> None:
        self.notify(f"Copied {message.lines:,} line{'' if message.lines == 1 else 's'}.", markup=False)
