"""One reading of a host, plotted over an hour, a day, a week or a month, with what it leads to below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from backend.errors import FairleadError
from backend.health.history.values import Point
from backend.text import clean_line
from tui.actions import Action, bindings, bindings_of
from tui.health.gathering import series_of
from tui.health.plot import Scale, plot
from tui.health.ranges import DAY, MONTH, RANGES, WEEK, Range, moment_words, moments
from tui.health.table import ReadingRow, trend_story
from tui.health.words import finer_value, is_ratio, reading_label, reading_value
from tui.messages import OperationFailed, RecordUpdated
from tui.prompts.modal import Modal
from tui.prompts.panel import CLOSE
from tui.widgets.flow import Flow
from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

_GROUP = "Plot"
_ROOMY = 30
"""Lines of the screen from which on there is room for reasons."""
ACTIONS = (
    Action("plot.hour", "o", "hour", "The last hour.", _GROUP, "plot", "range('hour')", rank=1),
    Action("plot.day", "d", "day", "The last day.", _GROUP, "plot", "range('day')", rank=2),
    Action("plot.week", "w", "week", "The last week.", _GROUP, "plot", "range('week')", rank=3),
    Action("plot.month", "m", "month", "The last 30 days.", _GROUP, "plot", "range('month')", rank=4),
)


class Plot(Widget):
    """Draws for the size at hand."""

    DEFAULT_CSS = "Plot { height: 1fr; }"
    HELP = """
    The line is the middle of what was read in each stretch of time, the dotted band reaches from the least to the most.
    """

    def __init__(self, name: str, glyphs: Glyphs) -> None:
        super().__init__(id="plot")
        self._reading = name
        self._glyphs = glyphs
        self._points: tuple[Point, ...] | None = None
        self._range = WEEK
        self._now = 0.0

    def show(self, points: tuple[Point, ...] | None, shown: Range, now: float) -> None:
        """Show these, of the last `shown` before `now`; None while they are read."""
        self._points, self._range, self._now = points, shown, now
        self.refresh()

    def render(self) -> Content:
        if self._points is None:
            return Content.styled(f"Reading{self._glyphs.ellipsis}", "$quiet")
        ratio = is_ratio(self._reading)
        scale = Scale(
            value=lambda value: reading_value(self._reading, value),
            finer=lambda value: finer_value(self._reading, value),
            time=moment_words(self._range),
            times=moments(self._range, self._now),
            floor=None if self._reading == "clock.offset" else 0.0,
            ceiling=1.0 if ratio else None,
            least=0.02 if ratio else 0.0,
        )
        start = self._now - self._range.seconds
        drawn = plot(
            self._points, start, self._now, (self.content_size.width, self.content_size.height), scale, self._glyphs
        )
        if drawn.plain or self.content_size.height < 4:
            return drawn
        return Content.styled(
            f"Nothing was read in the last {self._range.word}. A longer range may show some.", "$quiet"
        )


class ReadingPlot(Modal[None]):
    """Opened with enter from the history."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((*ACTIONS, CLOSE)), *bindings("app.palette")]
    CSS_PATH = "reading_plot.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-roomy")]  # noqa: RUF012 - Textual's own kind

    def __init__(self, host: str, row: ReadingRow, services: Container, glyphs: Glyphs) -> None:
        super().__init__()
        self.host = host
        self.services = services
        self.glyphs = glyphs
        self._row = row
        self._range = MONTH if row.trend is not None else DAY
        self._points: tuple[Point, ...] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="plot-box", classes="pane") as box:
            box.border_title = Content(f"{reading_label(self._row.name)} on {clean_line(self.host)}")
            yield Plot(self._row.name, self.glyphs)
            yield Flow(self._story, id="plot-story")
            yield Footer()

    def on_mount(self) -> None:
        self._draw()
        self._read()

    def hear(self, message: Message) -> None:
        """Something has changed."""
        if isinstance(message, RecordUpdated) and message.host == self.host:
            self._read()

    @work(exclusive=True, group="plot", exit_on_error=False)
    async def _read(self) -> None:
        now = self.services.clock.now().timestamp()
        try:
            ssh = await self.services.health.of(self.host)
            series = await series_of(self.services, self.host, ssh, now - MONTH.seconds)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "reading the history"))
            series = {}
        self._points = series.get(self._row.name, ())
        self._draw()

    def _draw(self) -> None:
        if self.is_mounted:
            self.query_one(Plot).show(self._points, self._range, self.services.clock.now().timestamp())
            self.query_one("#plot-box").border_subtitle = Content(self._summary())
            self.refresh_bindings()

    def _summary(self) -> str:
        last = (
            ""
            if self._row.value is None
            else f" {self.glyphs.dot} {reading_value(self._row.name, self._row.value)} now"
        )
        return f"last {self._range.word}{last}"

    def _story(self, width: int) -> Content:
        """What it leads to; the reasons where they leave the plot enough room."""
        if self._row.trend is None:
            return Content("")
        return trend_story(self._row.trend, width, self.glyphs, reasons=self.size.height >= _ROOMY)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "range" and parameters == (self._range.word,) else True

    def action_range(self, word: str) -> None:
        """Show another length of time."""
        self._range = next(one for one in RANGES if one.word == word)
        self._draw()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_palette(self) -> None:
        self.workbench.action_palette()
