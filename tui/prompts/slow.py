"""Why a host is slow: what is measured, live; then the sentence, each limit that is felt, and the figures with bars."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.worker import Worker

from backend.diagnostics.remedies.model import Remedy
from backend.diagnostics.slowness.report import SlowReport
from backend.diagnostics.slowness.table import table
from backend.diagnostics.slowness.values import Progress, Step
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of, key_shown
from tui.glyphs import Glyphs
from tui.messages import Notice
from tui.prompts.panel import Panel, PanelList
from tui.remedy_words import AppliedBy, applied_by
from tui.slow_looks import FigureRow, LimitRow, SlowRow, StepRow, as_text, figure_rows, slow_line, slow_story
from tui.widgets.explanation import explain_error
from tui.widgets.flow import Flow, broken
from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from backend.container import Container

_GROUP = "Why slow"

ACTIONS = (
    Action("slow.again", "r", "measure again", "Log in anew and measure everything once more.", _GROUP, "slow", rank=1),
    Action("slow.stop", "x", "stop", "Stop; what was written for it is removed.", _GROUP, "slow", rank=1),
    Action("slow.fix", "f", "do it", "Do what is marked with this key, after a question, and measure again.", _GROUP,
           "slow", rank=1),
    Action("slow.copy", "c", "copy", "Copy the answer and its figures.", _GROUP, "slow", rank=2),
)  # fmt: skip


class SlowList(PanelList[SlowRow]):
    """Steps while they are under way; afterwards limits and figures, one line each."""

    HELP = """
    One login of its own, then small measurements over it, one after the other: round trips, commands, login files, bulk
    data both ways, the disk. Nothing of it stays on the host. The first line is what limits the host most; move over
    the lines to read how the numbers come to that and what to do. Closing this stops it.
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs

    def key_of(self, row: SlowRow) -> Hashable:
        match row:
            case StepRow():
                return ("step", row.step)
            case LimitRow():
                return ("limit", row.limit.kind)
            case FigureRow():
                return (row.row.group, row.row.label)

    def draw(self, row: SlowRow, width: int) -> Content:
        return slow_line(row, width, self._glyphs)


class SlowPanel(Panel[SlowRow]):
    """Opened with `w` from the diagnostics; begins at once."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    SlowPanel #slow-answer { padding: 1 1 0 1; max-height: 7; }
    SlowPanel.-low #slow-answer { padding: 0 1; }
    """

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self.steps: dict[Step, Progress] = {}
        """How each stands that has begun."""
        self.report: SlowReport | None = None
        """The answer, once it is there."""
        self._before: SlowReport | None = None
        """The answer before something was done about it."""
        self._run: Worker[None] | None = None
        self._problem: FairleadError | None = None
        self._under_way = False

    def compose(self) -> ComposeResult:
        with Vertical(id="panel-box", classes="pane") as box:
            box.border_title = Content(self.heading)
            yield Flow(self._answer, id="slow-answer")
            yield self.make_list()
            yield Flow(self.nothing, id="panel-empty")
            with VerticalScroll(id="panel-below", can_focus=False):
                yield Flow(id="panel-story")
            yield Footer()

    @property
    def heading(self) -> str:
        return f"why is {clean_line(self.host)} slow?"

    def make_list(self) -> SlowList:
        return SlowList(self.glyphs)

    def on_mount(self) -> None:
        self.action_again()

    def rows(self) -> list[SlowRow]:
        if self.report is not None:
            limits: list[SlowRow] = [LimitRow(limit, number == 0) for number, limit in enumerate(self.report.limits)]
            return [*limits, *figure_rows(table(self.report.measurements))]
        if self._problem is not None:
            return []
        return [StepRow(step, self.steps.get(step)) for step in Step]

    def story(self, row: SlowRow, width: int) -> Content:
        return slow_story(row, self.report, width, self._keys)

    @property
    def _keys(self) -> AppliedBy:
        can, key = self._can, key_shown("slow.fix", self.workbench.options.keymap)
        return applied_by(can, key, key)

    @property
    def _can(self) -> Sequence[Remedy]:
        return () if self.report is None else self.report.can

    def nothing(self, width: int) -> Content:
        return Content("") if self._problem is None else explain_error(self._problem, width)

    def _answer(self, width: int) -> Content:
        """The sentence, as soon as there is one."""
        if self.report is not None:
            answer = broken(Content.styled(clean_line(self.report.sentence), "bold"), width)
            if self._before is None:
                return answer
            before = Content.styled(f"before: {clean_line(self._before.sentence)}", "$quiet")
            return Content("\n").join([answer, broken(before, width)])
        if self._problem is not None:
            return Content("")
        words = "A login of its own, then one measurement after the other." if self._under_way else "Stopped."
        return broken(Content.styled(words, "$quiet"), width)

    def summary(self) -> str:
        if self.report is not None:
            limit = self.report.limit
            return "nothing stands out" if limit is None else f"certain to {limit.confidence * 100:.0f} %"
        return f"{len(self.steps)} of {len(Step)}" if self._under_way else ""

    def redraw(self) -> None:
        super().redraw()
        if self.is_mounted:
            self.query_one("#slow-answer", Flow).show(self._answer)

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "again":
                return not self._under_way
            case "stop":
                return self._under_way
            case "fix":
                return bool(self._can)
            case "copy":
                return self.report is not None
            case _:
                return True

    def action_again(self) -> None:
        self._begin(None)

    def _begin(self, before: SlowReport | None) -> None:
        self._before = before
        self.steps, self.report, self._problem, self._under_way = {}, None, None, True
        self._run = self._measure()
        self.redraw()

    @work(exclusive=True, group="slow", exit_on_error=False)
    async def _measure(self) -> None:
        try:
            async with aclosing(self.services.slowness.measure(self.host)) as measuring:
                async for item in measuring:
                    self._take(item)
        except FairleadError as error:
            self._problem = error
        finally:
            self._under_way = False
            self.redraw()

    def _take(self, item: Progress | SlowReport) -> None:
        if isinstance(item, SlowReport):
            self.report = item
            self.redraw()
            self.list_.move_to(self.list_.key_of(self.rows()[0]))
            return
        self.steps[item.step] = item
        self.redraw()
        self.list_.move_to(("step", item.step))

    def action_stop(self) -> None:
        if self._run is not None:
            self._run.cancel()

    @work(exclusive=True, group="remedy", exit_on_error=False)
    async def action_fix(self) -> None:
        """Agreed to and done, it is measured whether it helped."""
        from tui.remedying import apply_one

        before = self.report
        if await apply_one(self.workbench, self._can) is not None and self.is_mounted:
            self._begin(before)

    def action_copy(self) -> None:
        if self.report is not None:
            self.app.copy_to_clipboard(as_text(self.report))
            self.workbench.post_message(Notice("The answer is on the clipboard."))
