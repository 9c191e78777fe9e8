"""A window on a terminal: its rows drawn line by line, gone back in, searched, and copied from.

Only rows that have changed are drawn anew. Going back in the history stays where it is while more arrives. Who gets the
keys and the mouse is `terminal_view`'s.
"""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import work
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from backend.commands.terminals.emulator import Colours
from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import AT_REST
from tui.widgets.output_rows import Needle
from tui.widgets.terminal_copy import selected_text
from tui.widgets.terminal_lines import TerminalLines
from tui.widgets.terminal_paint import Mark, paint, with_cursor
from tui.widgets.terminal_search import TerminalFinder


class TerminalWindow(Widget):
    """A window on one terminal at a time. The terminal belongs to its service."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"terminal--match", "terminal--match-here"}
    DEFAULT_CSS = """
    TerminalWindow {
        width: 1fr; height: 1fr;
        &> .terminal--match { color: $warning; text-style: bold underline; }
        &> .terminal--match-here { background: $warning; color: $background; }
    }
    """
    commanding: reactive[bool] = reactive(False, init=False, repaint=False)
    """The escape key was pressed; the next key is for Fairlead."""
    reading: reactive[bool] = reactive(False, init=False, repaint=False)
    """Keys move about in what the terminal has shown."""

    class Moved(Message):
        """It shows another part of the terminal, or takes keys otherwise."""

    class Copied(Message):
        """Text was handed to the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.terminal: Terminal | None = None
        self._lines: TerminalLines | None = None
        self._top: int | None = None
        """The line at the top while one has gone back; None follows the screen."""
        self._finder: TerminalFinder | None = None
        self._cursor_row = 0

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, terminal: Terminal | None) -> None:
        """Show another terminal, as it is now, in the size of this view."""
        self.terminal = terminal
        self._lines = TerminalLines(terminal.emulator) if terminal is not None else None
        self._top, self._finder = None, None
        self.commanding = self.reading = False
        self._lend_colours()
        self.fit()
        self.grown()
        self.refresh()

    def _lend_colours(self) -> None:
        """Let programs know whether it is dark here, where the theme says so."""
        style = self.rich_style
        if self.terminal is not None and style.color is not None and style.bgcolor is not None:
            front, back = style.color.triplet, style.bgcolor.triplet
            self.terminal.emulator.colours = Colours(front, back) if front and back else None

    def fit(self) -> None:
        """Give the terminal the size of this view."""
        if self.terminal is not None and self.size.width and self.size.height:
            self.terminal.resize(self.size.width, self.size.height)

    def grown(self) -> None:
        """The terminal has written something: draw what has changed."""
        if self.terminal is None or self._lines is None:
            return
        self.terminal.seen()
        changed = self.terminal.emulator.take_changed()
        if self._top is not None:
            self._top = max(self._top, self._lines.first)
            self._top = None if self._top >= self._lines.screen and not self.reading else self._top
            self.refresh()
        elif len(changed) >= self.size.height:
            self.refresh()
        else:
            rows = {*changed, self._cursor_row, self.terminal.emulator.cursor.row}
            self._cursor_row = self.terminal.emulator.cursor.row
            self.refresh(*(Region(0, row, self.size.width, 1) for row in rows if row < self.size.height))
        self.post_message(self.Moved())

    @property
    def below(self) -> int:
        """Lines below those in view; 0 where the screen is in view."""
        return 0 if self._top is None or self._lines is None else max(0, self._lines.screen - self._top)

    @property
    def searched(self) -> str:
        """The text that is looked for; empty for none."""
        return self._finder.needle.text if self._finder is not None else ""

    def on_resize(self) -> None:
        self.fit()
        self.grown()

    # --- drawing -------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if self._lines is None or self.terminal is None:
            return Strip.blank(width, base)
        if self.terminal.emulator.modes.reverse_screen:
            base = base + Style(reverse=True)
        line = self._first_shown + y
        strip = paint(self._lines.row(line), width, base, self._marks(line))
        cursor = self.terminal.emulator.cursor
        running = self.terminal.state not in AT_REST
        if running and cursor.visible and line == self._lines.screen + cursor.row:
            active = self._in_focus and not self.reading and not self.commanding
            strip = with_cursor(strip, min(cursor.column, width - 1), cursor.shape, focused=active)
        return strip.apply_offsets(0, line)

    @property
    def _first_shown(self) -> int:
        assert self._lines is not None
        return self._lines.screen if self._top is None else self._top

    def _marks(self, line: int) -> tuple[Mark, ...]:
        """What is found and what is selected of a line."""
        assert self._lines is not None
        marks: list[Mark] = []
        if (finder := self._finder) is not None:
            here = "terminal--match-here" if line == finder.at else "terminal--match"
            style = self.get_component_rich_style(here, partial=True)
            marks += [Mark(start, end, style) for start, end in finder.needle.spans(self._lines.text(line))]
        selection = self.text_selection
        span = selection.get_span(line) if selection is not None else None
        if span is not None:
            end = span[1] if span[1] >= 0 else self.size.width
            marks.append(Mark(span[0], end, self.screen.get_component_rich_style("screen--selection")))
        return tuple(marks)

    @property
    def _in_focus(self) -> bool:
        return self.has_focus and self.app.app_focus and self.app.screen is self.screen

    def _cursor_redrawn(self) -> None:
        self.refresh(Region(0, self._cursor_row, self.size.width, 1))

    # --- going back ----------------------------------------------------------------------------------------------

    @property
    def _page(self) -> int:
        return max(1, self.size.height - 1)

    def go_back(self) -> None:
        """Let the keys move about in what was shown."""
        self.reading = True

    def to_end(self) -> None:
        """Show the screen as it is."""
        self.reading = False
        if self._top is not None:
            self._top = None
            self.refresh()
            self.post_message(self.Moved())

    def _scroll(self, lines: int) -> None:
        if self._lines is not None:
            self._go(self._first_shown + lines)

    def _go(self, top: int) -> None:
        assert self._lines is not None
        top = max(self._lines.first, top)
        self._top = None if top >= self._lines.screen else top
        self.refresh()
        self.post_message(self.Moved())

    def action_line_up(self) -> None:
        self._scroll(-1)

    def action_line_down(self) -> None:
        self._scroll(1)

    def action_page_up(self) -> None:
        self._scroll(-self._page)

    def action_page_down(self) -> None:
        self._scroll(self._page)

    def action_top(self) -> None:
        if self._lines is not None:
            self._go(self._lines.first)

    def action_bottom(self) -> None:
        if self._lines is not None:
            self._go(self._lines.screen)

    def action_forward(self) -> None:
        self._finder = None
        self.to_end()
        self.refresh()

    # --- searching -----------------------------------------------------------------------------------------------

    def look_for(self, text: str) -> None:
        """Go to the nearest line above the end of the view that holds `text`; empty: no more."""
        if self._lines is None:
            return
        self.reading = True
        self._finder = TerminalFinder(self._lines, Needle(text)) if text else None
        self.refresh()
        self.action_found(-1)

    @work(exclusive=True, group="terminal-search", exit_on_error=False)
    async def action_found(self, direction: int) -> None:
        finder, lines = self._finder, self._lines
        if finder is None or lines is None:
            return
        found = await finder.find(direction, min(self._first_shown + self.size.height, lines.end) - 1)
        if found is None:
            self.notify(f"Nothing here holds {finder.needle.text}.", markup=False)
        elif finder is self._finder and not self._first_shown <= found < self._first_shown + self.size.height:
            self._go(found - self.size.height // 3)
        self.refresh()

    # --- copying -------------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        if not self.copy_selected() and self._lines is not None:
            shown = range(self._first_shown, self._first_shown + self.size.height)
            self._copy("\n".join(self._lines.text(line) for line in shown).rstrip("\n"))

    def copy_selected(self) -> bool:
        """Hand what is selected to the clipboard, if anything is."""
        text = self.screen.get_selected_text()
        if text:
            self._copy(text)
        return bool(text)

    def _copy(self, text: str) -> None:
        self.app.copy_to_clipboard(text)
        self.post_message(self.Copied(text))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return None if self._lines is None else (selected_text(self._lines, selection), "\n")

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()
