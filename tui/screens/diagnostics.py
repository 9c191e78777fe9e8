"""The diagnostics: the ladder of the current host, live, and what each rung means."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from backend.diagnostics.ladder import Diagnosis, Rung, RungStatus
from backend.errors import Code, FairleadError, FileError
from tui.actions import Action, bindings, bindings_of
from tui.format import latency_text
from tui.ladder import Ladder, markdown
from tui.messages import Notice, OperationFailed
from tui.prompts.verify import VerifyPanel
from tui.screens.base import WorkbenchScreen
from tui.widgets.flow import Flow, no_text
from tui.widgets.ladder_view import LadderView, rung_explanation, rung_title
from tui.widgets.row_list import RowList

_HERE = "Diagnostics"

ACTIONS = (
    Action("diagnostics.climb", "r,enter", "run", "Climb the ladder: one real attempt.", _HERE, "diagnostics", rank=1),
    Action("diagnostics.stop", "x", "stop", "Stop this attempt.", _HERE, "diagnostics", rank=2),
    Action("diagnostics.copy", "c", "copy", "Copy the ladder as Markdown.", _HERE, "diagnostics", rank=3),
    Action("diagnostics.export", "e", "export", "Write it to a JSON file here.", _HERE, "diagnostics", rank=4),
)


class DiagnosticsScreen(WorkbenchScreen):
    """One ladder for each host, kept until it is climbed again."""

    NAME = "diagnostics"
    CSS_PATH = "diagnostics.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS), *bindings("host.verify")]
    AUTO_FOCUS = "#ladder"

    def __init__(self) -> None:
        super().__init__()
        self._ladders: dict[str, Ladder] = {}
        self._climbs: dict[str, Worker[None]] = {}
        self._steered = False
        """The person moved the cursor; it does not follow the climb any more."""

    def compose_body(self) -> ComposeResult:
        with Vertical(id="ladder-pane", classes="pane"):
            yield LadderView(self.glyphs)
            yield Static(id="ladder-empty", classes="empty", markup=False)
        with VerticalScroll(id="explanation", classes="pane", can_focus=True):
            yield Flow(id="explanation-text")

    # --- what is shown -------------------------------------------------------------------------------------------

    def on_shown(self) -> None:
        self._draw()

    def on_host_changed(self, host: str | None) -> None:
        self._steered = False
        self._draw()

    @property
    def _ladder(self) -> Ladder | None:
        return self._ladders.get(self.host or "")

    @property
    def _view(self) -> LadderView:
        return self.query_one(LadderView)

    def _draw(self) -> None:
        ladder = self._ladder
        self._view.set_rows(ladder.rows() if ladder else [])
        self._view.display = ladder is not None
        self._follow(ladder)
        empty = self.query_one("#ladder-empty", Static)
        empty.display = ladder is None
        empty.update(self._invitation())
        pane = self.query_one("#ladder-pane")
        pane.border_title = Content(f"ladder: {self.host}" if self.host else "ladder")
        pane.border_subtitle = Content(self._summary(ladder)) if ladder else ""
        self._explain()
        self.refresh_bindings()

    def _follow(self, ladder: Ladder | None) -> None:
        """The cursor goes along with the climb until the person moves it."""
        if ladder is None or self._steered:
            return
        reached = [rung for rung in ladder.rungs if rung.status is not RungStatus.SKIP]
        if rung := ladder.broken or (reached[-1] if reached else None):
            self._view.move_to((rung.hop, rung.id))

    def _summary(self, ladder: Ladder) -> str:
        end = self.glyphs.ellipsis if ladder.climbing else f" {self.glyphs.dot} {latency_text(ladder.seconds)}"
        return ladder.verdict() + end

    def _invitation(self) -> Content:
        if self.host is None:
            return Content.assemble("No host chosen. ", ("ctrl+o", "bold $accent"), " chooses one.")
        return Content.assemble(
            ("r", "bold $accent"),
            f"  climbs the ladder of {self.host}: one real connection, told step by step, nothing tried twice.",
        )

    @on(RowList.Highlighted)
    def _explain(self) -> None:
        pane, rung = self.query_one("#explanation"), self._view.current
        shown = rung if isinstance(rung, Rung) and self._ladder is not None else None
        pane.border_title = Content(rung_title(shown, self.glyphs)) if shown else ""
        text = self.query_one("#explanation-text", Flow)
        text.show(partial(rung_explanation, shown, self.glyphs) if shown else no_text)

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        ladder = self._ladder
        match action:
            case "climb":
                return self.host is not None and not (ladder and ladder.climbing)
            case "stop":
                return ladder is not None and ladder.climbing
            case "verify":
                return self.host is not None and not (ladder and ladder.climbing)
            case "copy" | "export":
                return None if ladder is None or ladder.climbing else True
            case _:
                return True

    def on_key(self) -> None:
        self._steered = self._steered or (self._ladder is not None and self._ladder.climbing)

    def action_climb(self) -> None:
        host = self.host
        if host is None or not self.check_action("climb", ()):
            return
        self._steered = False
        ladder = self._ladders[host] = Ladder(host, self.services.clock.now())
        self._climbs[host] = self._climb(ladder)
        self._draw()

    @work(group="climb", exit_on_error=False)
    async def _climb(self, ladder: Ladder) -> None:
        rungs = self.services.diagnostics.climb(ladder.host)
        try:
            async with aclosing(rungs):
                async for rung in rungs:
                    ladder.put(rung)
                    self._changed(ladder)
        except FairleadError as error:
            self.post_message(OperationFailed(error, f"diagnosing {ladder.host}"))
        finally:
            ladder.climbing = False
            self._changed(ladder)

    def _changed(self, ladder: Ladder) -> None:
        if self.host == ladder.host and self.workbench.front is self:
            self.call_next(self._draw)

    def action_stop(self) -> None:
        if (climb := self._climbs.get(self.host or "")) is not None:
            climb.cancel()

    def action_verify(self) -> None:
        """Try what people do with the host; connects where that was not done yet."""
        if self.host is not None:
            self.workbench.push_screen(VerifyPanel(self.host, self.services, self.glyphs))

    def action_copy(self) -> None:
        if self._ladder is not None:
            self.app.copy_to_clipboard(markdown(self._ladder))
            self.post_message(Notice("The ladder is on the clipboard, as Markdown."))

    @work(group="export", exit_on_error=False)
    async def action_export(self) -> None:
        """A JSON file in the current directory, the same as `fairlead diagnose --json` prints."""
        if (ladder := self._ladder) is None:
            return
        name = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in ladder.host)
        path = Path.cwd() / f"fairlead-{name}-{ladder.started_at:%Y%m%d-%H%M%S}.json"
        text = json.dumps(Diagnosis(ladder.host, ladder.rungs).to_json(), indent=2) + "\n"
        try:
            await asyncio.to_thread(path.write_text, text, encoding="utf-8")
        except OSError as problem:
            error = FileError(Code.FILE_FAILED, evidence={"path": path, "reason": problem.strerror or problem})
            self.post_message(OperationFailed(error, "writing the report"))
            return
        self.post_message(Notice(f"Written to {path}"))
