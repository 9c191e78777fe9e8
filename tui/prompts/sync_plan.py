"""What a sync would do, name by name, to be unticked; deletions stand apart. Nothing is done before `y`."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content

from backend.files.lane import Parts
from backend.files.sync.compare import Plan
from backend.files.sync.model import CHANGES, Action, Approval, Do, Reason, SyncRequest
from backend.files.sync.selection import Selection
from backend.files.sync.service import Sync
from backend.files.sync.spool import Spool
from backend.sizes import size_text
from tui.actions import Action as KeyAction
from tui.actions import bindings_of
from tui.glyphs import Glyphs
from tui.prompts.base import ARMED_AFTER
from tui.prompts.panel import Panel, PanelList
from tui.sync_looks import (
    Heading,
    PlanRow,
    changes_words,
    deletions_words,
    ends_words,
    left_words,
    path_text,
    plan_line,
)
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken
from tui.widgets.soon import soon

if TYPE_CHECKING:
    from backend.container import Container

SHOWN = 20_000
"""Names of one kind that are listed; what is beyond goes along, and is counted."""
LOOK_EVERY = 0.2

_GROUP = "Sync"
ACTIONS = (
    KeyAction("sync.go", "y", "do it", "Do what is ticked.", _GROUP, "sync", rank=1),
    KeyAction("sync.tick", "space", "tick/untick", "Leave this out, or take it in again; of a directory, all in it.",
              _GROUP, "sync", rank=2),
    KeyAction("sync.tick_all", "a", "all or none", "Leave out all of its kind, or take all of them in again.", _GROUP,
              "sync", rank=3),
)  # fmt: skip


class PlanList(PanelList[PlanRow]):
    """The names of a plan."""

    HELP = """
    All that would be done, nothing of which has been done yet. space leaves a name out; of a directory, all that is in
    it. A directory is not deleted while something in it is left out. What is compared the same is counted only.
    """

    def __init__(self, panel: SyncPanel) -> None:
        super().__init__(id="panel-list")
        self._panel = panel

    def key_of(self, row: PlanRow) -> Hashable:
        return row if isinstance(row, Heading) else (row.do is Do.DELETE, row.parts)

    def can_stand_on(self, row: PlanRow) -> bool:
        return not isinstance(row, Heading)

    def draw(self, row: PlanRow, width: int) -> Content:
        return plan_line(row, width, self._panel.glyphs, ticked=self._panel.ticked(row))


class SyncPanel(Panel[PlanRow]):
    """Compares, shows the plan, and goes away when it is approved; the service carries it out."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    CSS_PATH = ["panel.tcss", "sync.tcss"]  # type: ignore[assignment]  # noqa: RUF012 - Textual's own kind

    def __init__(self, request: SyncRequest, services: Container, glyphs: Glyphs) -> None:
        super().__init__(request.goal.host or request.source.host or "", services, glyphs)
        self.request = request
        self.sync: Sync | None = None
        self.approved = False
        self._plan: Plan | None = None
        self._answer: asyncio.Future[Approval | None] | None = None
        self._rows: list[PlanRow] = []
        self.ready = False
        """Whether there is a plan to be approved."""
        self.armed = False
        """Whether `y` counts yet: the plan has been in sight for a moment."""
        self._left_out: set[Parts] = set()
        self._selection = Selection()
        self._changes = self._deletions = 0

    @property
    def heading(self) -> str:
        return f"sync {ends_words(self.request.source, self.request.goal, self.glyphs)}"

    def make_list(self) -> PlanList:
        return PlanList(self)

    def on_mount(self) -> None:
        self.sync = self.services.syncs.submit(self.request, self._approve)
        self._follow(self.sync)
        self.set_interval(LOOK_EVERY, self._look)

    @work(group="sync", exit_on_error=False)
    async def _follow(self, sync: Sync) -> None:
        """It may end before there is anything to approve: nothing differs, or something went wrong."""
        await sync.wait()
        self.redraw()

    def _look(self) -> None:
        if not self.ready:
            self.redraw()

    # --- the plan --------------------------------------------------------------------------------------------------

    async def _approve(self, plan: Plan) -> Approval | None:
        """Asked by the sync. What comes up after the person has said yes is done, but nothing more is deleted."""
        if self.approved:
            return Approval(delete=False)
        self._answer = asyncio.get_running_loop().create_future()
        self._plan = plan
        self._rows = await self._read(plan)
        self.ready = True
        self._count()
        self.redraw()
        self.list_.focus()  # it was not on the screen while there was nothing in it
        self.list_.action_first()
        soon(self, ARMED_AFTER, self._arm)
        return await self._answer

    def _arm(self) -> None:
        self.armed = True
        self.refresh_bindings()

    async def _read(self, plan: Plan) -> list[PlanRow]:
        """Deletions first, where they cannot be overlooked."""
        rows: list[PlanRow] = []
        if plan.counts.deletions and plan.source_failed:
            text = "part of the source could not be read: nothing is deleted"
            rows.append(Heading(f"{self.glyphs.attention} {text}", danger=True))
        elif plan.counts.deletions:
            rows += await self._section(plan.deletions, {Do.DELETE}, deletions_words(plan.counts), danger=True)
        if plan.counts.changes:
            rows += await self._section(plan.changes, CHANGES, changes_words(plan.counts))
        if any(plan.counts.of[do] for do in (Do.BLOCK, Do.SKIP)):
            rows += await self._section(plan.changes, {Do.BLOCK, Do.SKIP}, "cannot be synced")
        return rows

    async def _section(
        self, spool: Spool, kinds: set[Do] | frozenset[Do], words: str, *, danger: bool = False
    ) -> list[PlanRow]:
        rows: list[PlanRow] = [Heading(words, danger=danger)]
        beyond = 0
        async for batch in spool.batches():
            here = [one for one in batch if one.do in kinds]
            room = max(0, SHOWN + 1 - len(rows))
            rows += here[:room]
            beyond += max(0, len(here) - room)
        return [*rows, Heading(f"and {beyond:,} more, which go along", danger=danger)] if beyond else rows

    def ticked(self, row: PlanRow) -> bool | None:
        """Whether it is to be done; None for what is never done."""
        if isinstance(row, Heading) or not (row.do in CHANGES or row.do is Do.DELETE):
            return None
        return self._selection.wants(row)

    # --- what is shown ---------------------------------------------------------------------------------------------

    def rows(self) -> list[PlanRow]:
        return self._rows

    def redraw(self) -> None:
        super().redraw()
        if self.is_mounted:
            self.list_.styles.height = "1fr"
            self.query_one("#panel-box").set_class(bool(self._deletions), "-danger")

    def _count(self) -> None:
        """How much of the list is ticked: kept, for it is asked for with every key."""
        ticked = [row for row in self._rows if not isinstance(row, Heading) and self.ticked(row)]
        self._deletions = sum(row.do is Do.DELETE for row in ticked)
        self._changes = len(ticked) - self._deletions

    def summary(self) -> str:
        if self._plan is None or not self.ready:
            return ""
        parts = [f"{self._changes + self._deletions:,} ticked"]
        parts += [f"{self._deletions:,} to delete"] if self._deletions else []
        parts += ["a production host"] if self._plan.production else []
        return f" {self.glyphs.dot} ".join(parts)

    def story(self, row: PlanRow, width: int) -> Content:
        if isinstance(row, Heading) or self._plan is None:
            return Content("")
        first = broken(f"{row.do.value}  {path_text(row, self.glyphs)}", width)
        size = f", {size_text(row.size)}" if row.size else ""
        return Content.assemble(first, "\n", (f"{row.reason}{size}{_instead_of(row)}", "$quiet"))

    def nothing(self, width: int) -> Content:
        outcome = self.sync.outcome if self.sync is not None else None
        if outcome is None:
            seen = self.sync.progress.seen if self.sync is not None else 0
            words = f"Comparing{self.glyphs.ellipsis} {seen:,} names so far. Nothing is changed; esc stops it."
            return broken(words, width)
        if outcome.error is not None:
            return explain_error(outcome.error, width)
        left = left_words(outcome.done)
        return broken(f"Nothing differs: there is nothing to do{f' ({left})' if left else ''}.", width)

    # --- keys ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "go":
                return True if self.armed and (self._changes or self._deletions) else None
            case "tick" | "tick_all":
                return self.current is not None and self.ticked(self.current) is not None
            case "choose":
                return False
            case _:
                return True

    def action_tick(self) -> None:
        row = self.current
        if row is None or isinstance(row, Heading):
            return
        if self.ticked(row):
            self._left_out.add(row.parts)
        else:
            self._take_in(row)
        self._chosen_anew()
        self.list_.action_cursor_down()

    def _take_in(self, row: Action) -> None:
        """Take it in again, with the directories that it lies in, and all that is in it."""
        parts = row.parts
        self._left_out = {one for one in self._left_out if one != parts[: len(one)] and one[: len(parts)] != parts}

    def action_tick_all(self) -> None:
        row = self.current
        if row is None or isinstance(row, Heading):
            return
        deletions = row.do is Do.DELETE
        others = (one for one in self._rows if not isinstance(one, Heading))
        alike = [one.parts for one in others if (one.do is Do.DELETE) is deletions]
        if self.ticked(row):
            self._left_out.update(alike)
        else:
            self._left_out.difference_update(alike)
        self._chosen_anew()

    def _chosen_anew(self) -> None:
        self._selection = Selection(Approval(left_out=frozenset(self._left_out)))
        self._count()
        self.redraw()

    def action_go(self) -> None:
        if self._answer is not None and not self._answer.done():
            self.approved = True
            self._answer.set_result(Approval(left_out=frozenset(self._left_out)))
            self.dismiss(None)

    def action_close(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        elif self.sync is not None and self.sync.outcome is None:
            self._stop(self.sync)
        self.dismiss(None)

    def _stop(self, sync: Sync) -> None:
        asyncio.get_running_loop().create_task(sync.cancel())


def _instead_of(row: Action) -> str:
    if row.reason is Reason.OTHER_KIND and row.was is not None:
        return f": a {row.was.value} is there now"
    return ""
