"""The history of a host: its readings with a week of bars, what they lead to and why; enter plots one of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.health.gathering import Health, health_of, series_of
from tui.health.table import WEEK, ReadingRow, reading_line, reading_rows, reading_story
from tui.messages import Notice, OperationFailed, RecordUpdated, SessionUpdated
from tui.prompts.panel import Panel, PanelList
from tui.status import why_not_there
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

PLOT = Action(
    "readings.plot", "enter", "plot", "See this reading over an hour, a day, a week or a month.", "History", "readings",
    does="choose", rank=1,
)  # fmt: skip
CHECK = Action(
    "readings.check", "r", "check now", "Look into the host now; connects where that was not done yet.", "History",
    "readings", rank=2,
)  # fmt: skip


class ReadingList(PanelList[ReadingRow]):
    """The readings, one line each."""

    HELP = """
    What Fairlead has read of the host: while you are connected, and of hosts that are watched at any time. The bars are
    the last seven days, from the least to the most of them. What stands on the right is where a reading leads to, where
    that is sure; its reasons are below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((PLOT,))]

    def __init__(self, now: float, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self.now = now
        self._glyphs = glyphs

    def key_of(self, row: ReadingRow) -> Hashable:
        return row.name

    def draw(self, row: ReadingRow, width: int) -> Content:
        return reading_line(row, self.now, width, self._glyphs)


class ReadingsPanel(Panel[ReadingRow]):
    """Opened with `h`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((CHECK,))]

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self._rows: list[ReadingRow] = []
        self._health: Health | None = None
        self._problem: FairleadError | None = None
        self._checking = False

    @property
    def heading(self) -> str:
        return f"history of {clean_line(self.host)}"

    def make_list(self) -> ReadingList:
        return ReadingList(self.services.clock.now().timestamp(), self.glyphs)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._count_down)
        self._read()

    def hear(self, message: Message) -> None:
        if isinstance(message, RecordUpdated) and message.host == self.host:
            self._read()
        elif isinstance(message, SessionUpdated) and message.host == self.host and self._checking:
            self.redraw()

    def _count_down(self) -> None:
        if self._checking and self._not_there:
            self.redraw()

    @work(exclusive=True, group="readings", exit_on_error=False)
    async def _read(self) -> None:
        now = self.services.clock.now().timestamp()
        health = await health_of(self.services, self.host)
        self._problem = health.problem
        try:
            series = await series_of(self.services, self.host, health.ssh, now - WEEK)
        except FairleadError as error:
            self._problem, series = error, {}
        self._health, self._rows = health, reading_rows(health, series)
        if self.is_mounted and isinstance(self.list_, ReadingList):
            self.list_.now = now
        self.redraw()

    # --- what is shown -------------------------------------------------------------------------------------------

    def rows(self) -> list[ReadingRow]:
        return self._rows

    def story(self, row: ReadingRow, width: int) -> Content:
        return reading_story(row, self.services.clock.now(), width, self.glyphs)

    def nothing(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if self._health is None:
            return Content.styled(f"Reading{self.glyphs.ellipsis}", "$quiet")
        name = clean_line(self.host)
        looks = Content.assemble(
            f"Nothing is known of {name} yet. ", ("r", "bold $accent"), " looks into it now: load, memory, disks and"
            " more, with one command on the host.",
        )  # fmt: skip
        later = "While you are connected, Fairlead looks again every few minutes, and the history grows by itself."
        always = "To have it watched at any time, write in config.toml, with a key that asks nobody:"
        entry = Content.styled(f'    [hosts."{name}"]\n    health = {{ watch = true }}', "$accent")
        return Content("\n\n").join([broken(looks, width), broken(later, width), broken(always, width), entry])

    def summary(self) -> str:
        if self._checking:
            waits = self._not_there
            return f"waits: {waits}" if waits else f"looking into it{self.glyphs.ellipsis}"
        trends = sum(row.trend is not None for row in self._rows)
        said = f" {self.glyphs.dot} {trends} trend{'' if trends == 1 else 's'}" if trends else ""
        count = len(self._rows)
        return f"{count} reading{'' if count == 1 else 's'}{said}" if count else ""

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "check":
                return not self._checking
            case _:
                return True

    @on(RowList.Chosen)
    def _plot(self) -> None:
        if (row := self.current) is not None:
            from tui.prompts.reading_plot import ReadingPlot

            self.workbench.push_screen(ReadingPlot(self.host, row, self.services, self.glyphs))

    @property
    def _not_there(self) -> str:
        """Why nothing can be asked of the host now."""
        return why_not_there(self.services.sessions.get(self.host), self.services.clock.monotonic())

    def action_check(self) -> None:
        """Look into the host, as soon as it is there."""
        if self._checking:
            return
        if why := self._not_there:
            words = f"Nothing can be checked now: {why}. It is looked into as soon as the host is there; esc gives up."
            self.workbench.post_message(Notice(words, title=clean_line(self.host)))
        self._checking = True
        self.redraw()
        self._check()

    @work(group="check", exit_on_error=False)
    async def _check(self) -> None:
        try:
            await self.services.deep_checks.check(self.host)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, f"looking into {clean_line(self.host)}"))
        finally:
            self._checking = False
            self.redraw()
        self._read()
