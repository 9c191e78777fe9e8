"""The processes of a host: looked at gently while somebody looks, sorted, filtered, as a tree, and signalled."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from backend.commands.processes.arranging import Order, as_tree, in_order, matching, rows_of
from backend.commands.processes.model import Process, ProcessTable, Row
from backend.commands.processes.service import SIGNALS
from backend.connection.interaction import Confirmation
from backend.errors import FairleadError
from backend.text import clean_line, show_bytes
from tui.actions import Action, bindings_of
from tui.messages import Notice, OperationFailed
from tui.process_looks import heading, process_line, process_story
from tui.prompts.base import Words
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.line import LinePrompt
from tui.prompts.panel import Panel, PanelList
from tui.widgets.explanation import explain_error
from tui.widgets.flow import Flow
from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

PERIOD = 3.0
"""Seconds from one look at the host to the next, while the panel is in front."""
_GROUP = "Processes"
_ORDERS = (Order.CPU, Order.MEMORY, Order.TIME, Order.AGE, Order.PID, Order.USER, Order.NAME)

ACTIONS = (
    Action("processes.sort", "s", "sort", "Sort by the next column.", _GROUP, "processes", rank=1),
    Action("processes.tree", "t", "tree", "Each one below the one that started it, or sorted.", _GROUP, "processes",
           rank=2),
    Action("processes.filter", "slash", "filter", "Only those with these words in PID, account or command.", _GROUP,
           "processes", rank=3, key_display="/"),
    Action("processes.end", "x", "end", "Ask the process to end (TERM).", _GROUP, "processes", rank=4),
    Action("processes.kill", "X", "kill", "End the process whatever it does (KILL).", _GROUP, "processes"),
    Action("processes.signal", "S", "signal", "Send another signal to the process.", _GROUP, "processes"),
    Action("processes.hold", "space", "hold", "Let the table stand still, or go on.", _GROUP, "processes", rank=5),
)  # fmt: skip


class ProcessList(PanelList[Row]):
    """The processes, one line each."""

    HELP = """
    What runs on the host. It is looked at every few seconds while this is open and in front; processor is per cent of
    one since the look before. A signal reaches only the process that is shown, never another one with its number.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs

    def key_of(self, row: Row) -> Hashable:
        return row.process.pid, row.process.start

    def draw(self, row: Row, width: int) -> Content:
        return process_line(row, width, self._glyphs)


class ProcessesPanel(Panel[Row]):
    """Opened with `alt+p`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    CSS_PATH = ["panel.tcss", "processes.tcss"]  # type: ignore[assignment]  # noqa: RUF012 - Textual's own kind

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self._order = Order.CPU
        self._as_tree = False
        self._words = ""
        self._held = False
        self._looking = False
        self._table: ProcessTable | None = None
        self._before: ProcessTable | None = None
        self._rows: list[Row] = []
        self._problem: FairleadError | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="panel-box", classes="pane") as box:
            box.border_title = Content(self.heading)
            yield Words("", id="process-heading")
            yield self.make_list()
            yield Flow(self.nothing, id="panel-empty")
            with VerticalScroll(id="panel-below", can_focus=False):
                yield Flow(id="panel-story")
            yield Footer()

    @property
    def heading(self) -> str:
        return f"processes on {clean_line(self.host)}"

    def make_list(self) -> ProcessList:
        return ProcessList(self.glyphs)

    def on_mount(self) -> None:
        self._look()
        self.set_interval(PERIOD, self._again)

    def on_screen_resume(self) -> None:
        self._again()

    def on_resize(self) -> None:
        self._draw_heading()

    def _again(self) -> None:
        """The next look, unless nobody is there to see it, or the last one still waits for its answer."""
        looked_at = self.app.screen is self and self.app.app_focus
        if looked_at and not self._held and not self._looking and self._table is not None:
            self._look()

    @work(exclusive=True, group="processes", exit_on_error=False)
    async def _look(self) -> None:
        self._looking = True
        try:
            table = await self.services.processes.table(self.host)
        except FairleadError as error:
            self._problem = error
        else:
            self._before, self._table, self._problem = self._table, table, None
        self._looking = False
        await self._arrange()

    async def _arrange(self) -> None:
        """Put the rows in order; beside the screen, for there may be very many."""
        table = self._table
        if table is not None:
            self._rows = await asyncio.to_thread(
                _arranged, table, self._before, self._words, self._order, tree=self._as_tree
            )
        self.redraw()

    @work(exclusive=True, group="arranging", exit_on_error=False)
    async def _arrange_anew(self) -> None:
        await self._arrange()

    def redraw(self) -> None:
        super().redraw()
        if self.is_mounted:
            self.list_.styles.height = "1fr"
            self._draw_heading()

    def _draw_heading(self) -> None:
        line = self.query_one("#process-heading", Words)
        line.display = bool(self._rows)
        line.update(heading(self._order, self.list_.scrollable_content_region.width, self.glyphs))

    # --- what is shown -------------------------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        return self._rows

    def story(self, row: Row, width: int) -> Content:
        assert self._table is not None
        return process_story(row, self._table, self.services.clock.now(), width)

    def nothing(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if self._table is None:
            return Content(f"Looking{self.glyphs.ellipsis}")
        return Content(f"No process has {self._words!r}. / changes what is looked for.")

    def summary(self) -> str:
        if self._table is None:
            return ""
        count = len(self._table.processes)
        parts = [f"{len(self._rows):,} of {count:,} with {self._words}" if self._words else f"{count:,} processes"]
        parts += ["tree"] if self._as_tree else []
        parts += ["held"] if self._held else []
        parts += [self._problem.code.value] if self._problem is not None else []
        return f" {self.glyphs.dot} ".join(parts)

    def action_sort(self) -> None:
        self._order = _ORDERS[(_ORDERS.index(self._order) + 1) % len(_ORDERS)]
        self._arrange_anew()

    def action_tree(self) -> None:
        self._as_tree = not self._as_tree
        self._arrange_anew()

    def action_hold(self) -> None:
        self._held = not self._held
        self.redraw()
        self._again()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_filter(self) -> None:
        detail = "Words that stand in PID, account or command line. Nothing: all processes."
        words = await self.workbench.push_screen_wait(
            LinePrompt("show only", detail, value=self._words, check=lambda answer: "", replaced=True)
        )
        if words is not None:
            self._words = words.strip()
            await self._arrange()

    # --- signals -------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"end", "kill", "signal"}:
            return self.current is not None
        return True

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_end(self) -> None:
        if (row := self.current) is not None:
            await self._signal(row.process, "TERM")

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_kill(self) -> None:
        if (row := self.current) is not None:
            await self._signal(row.process, "KILL")

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_signal(self) -> None:
        if (row := self.current) is None:
            return
        name = await self.workbench.push_screen_wait(
            LinePrompt("which signal?", f"One of {', '.join(SIGNALS)}.", value="HUP", check=_no_signal)
        )
        if name is not None:
            await self._signal(row.process, name.strip().upper())

    async def _signal(self, process: Process, signal: str) -> None:
        """Ask, then send it; the table shows what came of it."""
        words = f"{process.pid}  {process.user}\n{show_bytes(process.command)}"
        question = Confirmation(f"send {signal}?", words, yes=f"Send {signal} to {process.name}", danger=True)
        if not await self.workbench.push_screen_wait(ConfirmPrompt(question)):
            return
        try:
            await self.services.processes.signal(self.host, process, signal)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, f"signalling process {process.pid}"))
        else:
            self.workbench.post_message(Notice(f"{signal} sent to {process.pid} {process.name}."))
        self._look()


def _arranged(table: ProcessTable, before: ProcessTable | None, words: str, order: Order, *, tree: bool) -> list[Row]:
    rows: Sequence[Row] = matching(rows_of(table, before), words=words)
    return as_tree(rows, order) if tree else in_order(rows, order)


def _no_signal(answer: str) -> str:
    return "" if answer.strip().upper() in SIGNALS else f"One of {', '.join(SIGNALS)}."
