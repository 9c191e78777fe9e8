"""The output of a command on the screen: follows it, goes back in it, searches, filters, wraps, and is copied from.

Only the rows in view are ever drawn, whatever the buffer holds. The view never touches the buffer except to read; what
it owes to new output is done at most sixty times a second, ten times while it pours, in slices of a few milliseconds.
"""

from __future__ import annotations

import time
from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from backend.commands.output import Line, OutputBuffer
from backend.connection.connector import StdStream
from tui.actions import bindings_of
from tui.glyphs import Glyphs
from tui.widgets.ansi import plain_text
from tui.widgets.carried_look import CarriedLooks
from tui.widgets.output_actions import GROUP, OUTPUT_ACTIONS
from tui.widgets.output_copy import selected_text
from tui.widgets.output_paint import EDGE, Drawing, Ink, Painter
from tui.widgets.output_rows import DirectRows, Needle, ReadRows, Rows
from tui.widgets.output_search import Finder
from tui.widgets.output_status import OutputStatus
from tui.widgets.soon import soon

FRAME = 1 / 60
"""Seconds between two looks at the buffer, at least."""
POURING_FRAME = 0.1
"""The same while more comes than anybody could read: drawing it more often would take longer than taking it in."""
FLOOD = 4
"""Screens of lines since the last look that count as pouring."""
SLICE = 0.008
"""Seconds that reading lines may take at a time."""
READING_FRAME = 0.05
"""Seconds between two pictures while lines are read for a search, a filter or for wrapping."""
_STEP = 100
_SIDEWAYS = 8


class OutputView(ScrollView, can_focus=True):
    """A window on an `OutputBuffer`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "output--match",
        "output--match-here",
        "output--stderr",
        "output--more",
    }
    DEFAULT_CSS = """
    OutputView {
        overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        &> .output--match { background: $warning 35%; }
        &> .output--match-here { background: $warning; color: $background; }
        &> .output--stderr { color: $error; }
        &> .output--more { color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OUTPUT_ACTIONS)]
    BINDING_GROUP_TITLE = GROUP
    HELP = "The output of a command. It follows what arrives until you scroll up; `f` follows again."

    following: reactive[bool] = reactive(True, init=False, repaint=False)
    """Whether the newest line is kept in view."""
    wrapping: reactive[bool] = reactive(False, init=False, repaint=False)
    status: reactive[str] = reactive("", init=False, repaint=False)
    """Where one is, what is hidden and what was lost; whoever frames the view shows it."""

    class SearchAsked(Message):
        """The person wants to type what to look for."""

        def __init__(self, *, filtering: bool) -> None:
            super().__init__()
            self.filtering = filtering

    class SaveAsked(Message):
        """The person wants the output in a file."""

    class Copied(Message):
        """Something was handed to the clipboard."""

        def __init__(self, lines: int) -> None:
            super().__init__()
            self.lines = lines

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._buffer = OutputBuffer()
        self._looks = CarriedLooks(self._buffer)
        self._rows: Rows = DirectRows(self._buffer)
        self._finder: Finder | None = None
        self._needle: Needle | None = None
        self._live = True
        self._due = False
        self._looked_at = 0.0
        self.frame = FRAME
        """Seconds between two looks now, at least."""
        self._end_seen = 0
        self._settled_at = 0.0
        self._gone = 0
        """Rows that went at the top since the last picture."""
        self._steering = False
        self._widest = 0
        self._page: dict[int, Line] = {}
        self._ink: Ink | None = None
        self._painter: Painter | None = None

    # --- what is shown -----------------------------------------------------------------------------------------

    @property
    def buffer(self) -> OutputBuffer:
        return self._buffer

    @property
    def allow_select(self) -> bool:
        return True

    @property
    def searched(self) -> str:
        """The text that is looked for; empty for none."""
        return self._finder.needle.text if self._finder else ""

    @property
    def filtered(self) -> str:
        """The text that every shown line holds; empty for all lines."""
        return self._needle.text if self._needle else ""

    @property
    def behind(self) -> bool:
        """Whether something that the buffer holds is not on the screen, or not searched, yet."""
        return self._due or self._reading

    def show(self, buffer: OutputBuffer, *, live: bool = True) -> None:
        """Show another command's output, from its end. Search and filter stay as they are.

        `live` says whether more may come. Showing the same one again only takes note of that.
        """
        self._live = live
        if buffer is self._buffer:
            self._tell()
            return
        self._buffer = buffer
        self._looks = CarriedLooks(buffer)
        self._widest = 0
        self.frame, self._end_seen = FRAME, buffer.end
        if self._finder is not None:
            self._finder = Finder(buffer, self._finder.needle, within=self._needle)
        if self._painter is not None:
            self._painter.forget()
        self._arrange()
        self.follow()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.following = True
        self.grown()

    def grown(self) -> None:
        """The buffer has more, or other lines. Cheap; call it as often as you like."""
        self._look_in(self._looked_at + self.frame - time.monotonic())

    def search(self, text: str) -> None:
        """Mark `text` wherever it stands and go to the nearest line above the end of the view; empty: no more."""
        self._finder = Finder(self._buffer, Needle(text), within=self._needle) if text else None
        self.grown()
        self.refresh()

    def filter(self, text: str) -> None:
        """Show only lines that hold `text`; empty: all."""
        line = self._line_at(self._top) if not self.following else None
        self._needle = Needle(text) if text else None
        if self._finder is not None:
            self._finder = Finder(self._buffer, self._finder.needle, within=self._needle)
        self._arrange()
        self._look_from(line)

    def watch_wrapping(self) -> None:
        line = self._line_at(self._top) if not self.following else None
        self._arrange()
        self._look_from(line)

    # --- keeping up with the buffer ------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Work out anew which line stands where."""
        if self._needle is None and not self.wrapping:
            self._rows = DirectRows(self._buffer)
        else:
            needles = (self._needle,) if self._needle is not None else ()
            width = self._text_width if self.wrapping else None
            self._rows = ReadRows(self._buffer, width=width, needles=needles)
        self._page.clear()

    def _look_from(self, line: int | None) -> None:
        """Look now; with `line` at the top, as far as it has been read."""
        self._look()
        if line is not None:
            self._go(self._rows.row_of(line))

    def _look_in(self, seconds: float) -> None:
        if not self._due and self.is_attached:
            self._due = True
            soon(self, seconds, self._look)

    def _look(self) -> None:
        """Take in what is new, for a slice of time; come back soon for the rest."""
        self._due = False
        self._looked_at = time.monotonic()
        came, self._end_seen = self._buffer.end - self._end_seen, self._buffer.end
        self.frame = POURING_FRAME if came > FLOOD * self._height else FRAME
        self._read(self._looked_at + SLICE)
        self._seek()
        if not self._reading or self._looked_at > self._settled_at + READING_FRAME:
            self._settle()
        if self._reading:
            self._look_in(0)

    @property
    def _reading(self) -> bool:
        return bool(self._rows.unread or (self._finder is not None and self._finder.unread))

    def _read(self, until: float) -> None:
        self._gone += self._rows.read(_STEP)
        while self._rows.unread and time.monotonic() < until:
            self._gone += self._rows.read(_STEP)
        while self._finder is not None and self._finder.unread and time.monotonic() < until:
            self._finder.read(_STEP)

    def _settle(self) -> None:
        """Make room for the rows there are now, stay where the person looks, and draw."""
        gone, self._gone = self._gone, 0
        self._settled_at = self._looked_at
        self._page.clear()
        self._steering = True
        try:
            self._make_room()
            if self.following:
                self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
            elif gone:
                self.scroll_to(y=max(0, self.scroll_y - gone), animate=False, immediate=True)
        finally:
            self._steering = False
        self._tell()
        self.refresh()

    def _make_room(self) -> None:
        size = Size(self._widest + 1 if not self.wrapping else self._text_width + 1, self._rows.count)
        if size != self.virtual_size:
            # The usual way lays the whole screen out anew; nothing moves here but our own scroll bar.
            self.set_reactive(OutputView.virtual_size, size)
            self._scroll_update(size)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._steering and round(old_value) != round(new_value):
            self.following = round(new_value) >= self.max_scroll_y
            self._tell()

    def on_resize(self) -> None:
        if self.wrapping:
            line = self._line_at(self._top) if not self.following else None
            self._arrange()
            self._look_from(line)
        else:
            self.grown()

    # --- searching -----------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        self.post_message(self.SearchAsked(filtering=False))

    def action_filter(self) -> None:
        self.post_message(self.SearchAsked(filtering=True))

    def action_next(self) -> None:
        self._seek_on(1)

    def action_previous(self) -> None:
        self._seek_on(-1)

    def _seek_on(self, direction: int) -> None:
        if self._finder is None:
            self.action_search()
            return
        self._finder.aim(direction)
        self._seek()
        self._tell()

    def _seek(self) -> None:
        """Go to the match that is sought, once it has been read."""
        if self._finder is not None:
            found = self._finder.arrive(self._line_at(self._top), self._line_at(self._top + self._height - 1))
            if found is not None:
                self._bring(self._rows.row_of(found))

    # --- moving --------------------------------------------------------------------------------------------------

    @property
    def _top(self) -> int:
        return round(self.scroll_y)

    @property
    def _height(self) -> int:
        return max(1, self.scrollable_content_region.height)

    @property
    def _text_width(self) -> int:
        """Cells for text: all but the edge."""
        return max(2, self.scrollable_content_region.width - 1)

    def _line_at(self, row: int) -> int:
        if not self._rows.count:
            return self._buffer.first
        return self._rows.locate(min(max(0, row), self._rows.count - 1))[0]

    def _go(self, row: float) -> None:
        self.scroll_to(y=min(max(0, row), self.max_scroll_y), animate=False, immediate=True)

    def _bring(self, row: int) -> None:
        """Have `row` in view, with some of what stands above it."""
        if not self._top <= row < self._top + self._height:
            self._go(row - self._height // 3)
        self.refresh()

    def action_follow(self) -> None:
        self.follow()

    def action_top(self) -> None:
        self._go(0)

    def action_line_up(self) -> None:
        self._go(self._top - 1)

    def action_line_down(self) -> None:
        self._go(self._top + 1)

    def action_page_up(self) -> None:
        self._go(self._top - self._height + 1)

    def action_page_down(self) -> None:
        self._go(self._top + self._height - 1)

    def action_left(self) -> None:
        self._sideways(-_SIDEWAYS)

    def action_right(self) -> None:
        self._sideways(_SIDEWAYS)

    def _sideways(self, cells: int) -> None:
        furthest = max(0, self._widest - self._text_width)
        self.set_reactive(OutputView.scroll_x, float(min(max(0, self.scroll_x + cells), furthest)))
        self.refresh()

    def action_wrap(self) -> None:
        self.set_reactive(OutputView.scroll_x, 0.0)
        self.wrapping = not self.wrapping

    # --- copying -------------------------------------------------------------------------------------------------

    def action_save(self) -> None:
        self.post_message(self.SaveAsked())

    def action_copy(self) -> None:
        selection = self.text_selection
        text = selected_text(self._buffer, selection, self._needle) if selection is not None else self._text_in_view()
        if text:
            self.app.copy_to_clipboard(text)
            self.post_message(self.Copied(text.count("\n") + 1))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selected_text(self._buffer, selection, self._needle), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def _text_in_view(self) -> str:
        lines = dict.fromkeys(self._line_at(row) for row in self._rows_in_view())
        return "\n".join(plain_text(self._line(number).raw) for number in lines)

    # --- drawing -------------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ink = None

    def render_lines(self, crop: Region) -> list[Strip]:
        self._fetch()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        row, width = self._top + y, self.scrollable_content_region.width
        painter = self._ready_painter()
        if row >= self._rows.count or width <= EDGE:
            return painter.blank(width)
        number, piece = self._rows.locate(row)
        line = self._line(number)
        drawn = painter.line(number, line, self._looks.before(number, line.stream))
        if self.wrapping:
            return painter.row(drawn, piece, line, width=width)
        self._widest = max(self._widest, drawn.cell_length)
        return painter.window(drawn, line, left=round(self.scroll_x), width=width)

    def _ready_painter(self) -> Painter:
        drawing = Drawing(
            self._ready_ink(),
            wrap=self._text_width if self.wrapping else None,
            needle=self._finder.needle if self._finder is not None else self._needle,
            match=self._finder.at if self._finder is not None else None,
            selection=self.text_selection,
        )
        if self._painter is None:
            self._painter = Painter(self.app.console, drawing, self._glyphs.edge)
        self._painter.use(drawing)
        return self._painter

    def _ready_ink(self) -> Ink:
        if self._ink is None:
            self._ink = Ink(
                base=self.rich_style,
                match=self._part_style("output--match"),
                match_here=self._part_style("output--match-here"),
                stderr=self._part_style("output--stderr"),
                more=self._part_style("output--more"),
                selection=self.screen.get_component_rich_style("screen--selection"),
            )
        return self._ink

    def _part_style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _rows_in_view(self) -> range:
        return range(self._top, min(self._top + self._height, self._rows.count))

    def _fetch(self) -> None:
        """Read the lines in view at once, where they follow each other."""
        rows = self._rows_in_view()
        if rows and self._needle is None:
            first, last = self._rows.locate(rows[0])[0], self._rows.locate(rows[-1])[0]
            self._page = dict(enumerate(self._buffer.lines(first, last + 1), max(first, self._buffer.first)))

    def _line(self, number: int) -> Line:
        found = self._page.get(number)
        if found is None:
            found = next(iter(self._buffer.lines(number, number + 1)), Line(b"", StdStream.OUT))
            self._page[number] = found
        return found

    def _tell(self) -> None:
        """Say what is shown and what is not."""
        finder = self._finder
        status = OutputStatus(
            lines=self._buffer.end - self._buffer.first,
            live=self._live,
            following=self.following,
            below=self._rows.count - self._top - self._height,
            dropped=self._buffer.dropped,
            cut=self._buffer.cut,
            filtered=self.filtered,
            shown=self._rows.count,
            unread=self._rows.unread,
            searched=self.searched,
            matches=finder.count if finder else 0,
            place=finder.place if finder else None,
            unsearched=finder.unread if finder else 0,
        )
        self.status = status.text(self._glyphs)
