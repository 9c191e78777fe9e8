"""The diagnostics: the ladder of the current host, live, and what each rung means."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker

from backend.diagnostics.ladder import Rung, RungId, RungStatus
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings, bindings_of, key_shown
from tui.format import latency_text, moment_text
from tui.ladder import Ladder
from tui.messages import Notice, OperationFailed, RecordUpdated
from tui.prompts.verify import VerifyPanel
from tui.remedy_words import AppliedBy
from tui.screens.looking_inside import LooksInside
from tui.screens.remedying import Remedying
from tui.widgets.flow import Flow, no_text
from tui.widgets.health_line import HealthLine
from tui.widgets.ladder_view import LadderView, rung_title
from tui.widgets.row_list import RowList
from tui.widgets.server_side_view import story_content

if TYPE_CHECKING:
    from backend.diagnostics.remedies.service import Adjust
    from tui.met import Met

_HERE = "Diagnostics"

ACTIONS = (
    Action("diagnostics.climb", "r", "run", "Climb the ladder: one real attempt.", _HERE, "diagnostics", rank=1),
    Action("diagnostics.stop", "x", "stop", "Stop this attempt.", _HERE, "diagnostics", rank=2),
    Action(
        "diagnostics.back", "escape", "ladder", "Back to the rungs.", _HERE, "diagnostics", rank=2, key_display="esc"
    ),
    Action("diagnostics.slow", "w", "why slow", "Measure why this host is slow.", _HERE, "diagnostics", rank=3),
    Action("diagnostics.copy", "c", "copy", "Copy the ladder as Markdown.", _HERE, "diagnostics", rank=4),
    Action(
        "diagnostics.readings",
        "h",
        "history",
        "See how this host has been: readings, plots, and what they lead to.",
        _HERE,
        "diagnostics",
        rank=4,
    ),
    Action(
        "diagnostics.export",
        "e",
        "export",
        "Write a report here: HTML, Markdown or JSON.",
        _HERE,
        "diagnostics",
        rank=6,
    ),
    Action(
        "diagnostics.bundle",
        "b",
        "bundle",
        "A support bundle: look at it, write it.",
        _HERE,
        "diagnostics",
        rank=7,
    ),
)


class DiagnosticsScreen(LooksInside, Remedying):
    """One ladder for each host, kept until it is climbed again."""

    NAME = "diagnostics"
    CSS_PATH = "diagnostics.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS), *bindings("host.verify")]
    AUTO_FOCUS = "#ladder"

    def __init__(self) -> None:
        super().__init__()
        self._ladders: dict[str, Ladder] = {}
        self._climbs: dict[str, Worker[None]] = {}
        self._followed: tuple[str, RungId] | None = None
        """Where the cursor was put by the climb; once it stands elsewhere, the person moved it, and it stays there."""

    def compose_body(self) -> ComposeResult:
        with Vertical(id="ladder-pane", classes="pane"):
            yield LadderView(self.glyphs)
            yield Static(id="ladder-empty", classes="empty", markup=False)
        with VerticalScroll(id="explanation", classes="pane", can_focus=True):
            yield Flow(id="explanation-text")
        yield HealthLine(self.glyphs)

    # --- what is shown -------------------------------------------------------------------------------------------

    def on_shown(self) -> None:
        self._draw()
        self._follow_health()

    def on_host_changed(self, host: str | None) -> None:
        self._followed = None
        self._draw()
        self._follow_health()

    def on_record_updated(self, message: RecordUpdated) -> None:
        if message.host == self.host:
            self._follow_health()

    def _follow_health(self) -> None:
        self.query_one(HealthLine).follow(self.services, self.host)

    @property
    def _ladder(self) -> Ladder | None:
        return self._ladders.get(self.host or "")

    @property
    def ladder(self) -> Ladder | None:
        return self._ladder

    def ladder_changed(self, ladder: Ladder) -> None:
        self._changed(ladder)

    @property
    def _view(self) -> LadderView:
        return self.query_one(LadderView)

    def _draw(self) -> None:
        ladder = self._ladder
        self._view.set_rows(ladder.rows() if ladder else [])
        if ladder is not None and not self._view.display:
            self._view.display = True
            self._view.focus()
        self._view.display = ladder is not None
        self._follow(ladder)
        empty = self.query_one("#ladder-empty", Static)
        empty.display = ladder is None
        empty.update(self._invitation())
        pane = self.query_one("#ladder-pane")
        pane.border_title = Content(self._title(ladder))
        pane.border_subtitle = Content(self._summary(ladder)) if ladder else ""
        self._explain()
        self.refresh_bindings()

    def _follow(self, ladder: Ladder | None) -> None:
        """The cursor goes along with the climb until the person moves it."""
        here = None if (stands := self.rung) is None else (stands.hop, stands.id)
        if ladder is None or (self._followed is not None and here != self._followed):
            return
        reached = [rung for rung in ladder.rungs if rung.status is not RungStatus.SKIP]
        met = self._met.get(ladder.host)
        led_here = [rung for rung in reached if met is not None and met.place == (rung.hop, rung.id)]
        last = reached[-1:] if ladder.climbing else led_here or reached[-1:]
        if rung := ladder.broken or (last[0] if last else None):
            self._followed = (rung.hop, rung.id)
            self._view.move_to(self._followed)

    def _title(self, ladder: Ladder | None) -> str:
        """`ladder: web-1 · 09:41`: it is of that time, whatever has become of the host since."""
        title = f"ladder: {self.host}" if self.host else "ladder"
        if ladder is None or ladder.climbing:
            return title
        return f"{title} {self.glyphs.dot} {moment_text(ladder.started_at, self.services.clock.now())}"

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
        pane, shown = self.query_one("#explanation"), self.rung
        pane.border_title = Content(rung_title(shown, self.glyphs)) if shown else ""
        text = self.query_one("#explanation-text", Flow)
        text.show(partial(self._in_full, shown) if shown else no_text)
        self.refresh_bindings()

    @property
    def rung(self) -> Rung | None:
        """The rung under the cursor."""
        rung = self._view.current
        return rung if isinstance(rung, Rung) and self._ladder is not None else None

    @property
    def _keys(self) -> AppliedBy:
        if not self.may_look_inside():
            return super()._keys
        key = key_shown("diagnostics.inside", self.workbench.options.keymap)
        return {**super()._keys, "--inside": (key, "look from inside")}

    def _in_full(self, rung: Rung, width: int) -> Content:
        """All that is known of a rung; with it, where it is the broken one, what was seen from inside."""
        told = self.explained(rung, width)
        ladder = self._ladder
        story = self.stories.get(ladder) if ladder is not None and rung is ladder.broken else None
        if story is None:
            return told
        if isinstance(story, str):
            below = Content.styled(f"looking from inside, as {clean_line(story)}{self.glyphs.ellipsis}", "$warning")
        else:
            below = story_content(story, self.glyphs, width)
        return Content("\n\n").join([below, told])

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        ladder = self._ladder
        match action:
            case "climb":
                return self.host is not None and not (ladder and ladder.climbing)
            case "stop":
                return ladder is not None and (ladder.climbing or self.is_looking)
            case "inside":
                return self.may_look_inside()
            case "readings":
                return self.host is not None
            case "verify" | "slow":
                return self.host is not None and not (ladder and ladder.climbing)
            case "back":
                return ladder is not None and self._reading
            case "copy" | "export":
                return None if ladder is None or ladder.climbing else True
            case "fix" | "choose_key" if ladder is None or ladder.climbing:
                return False
            case _:
                return super().check_action(action, parameters)

    @property
    def _explanation(self) -> VerticalScroll:
        return self.query_one("#explanation", VerticalScroll)

    @property
    def _reading(self) -> bool:
        """Whether the keys move through the explanation."""
        return self.focused is self._explanation

    def on_descendant_focus(self) -> None:
        """Below one another there is room for one of them: the one that is looked at."""
        self.set_class(self._reading, "-reading")
        self.refresh_bindings()

    @on(RowList.Chosen)
    def _read(self) -> None:
        self._explanation.focus()

    def action_back(self) -> None:
        self._view.focus()

    def look_at(self, met: Met) -> None:
        """Climb the ladder of the current host because of a failure that was met elsewhere."""
        self._met[met.host] = met
        self.climb()

    def action_climb(self) -> None:
        self.climb()

    def climb(self, adjust: Adjust | None = None) -> None:
        """Climb, once; `adjust` is what a remedy wants this attempt to do differently."""
        host = self.host
        if host is None or not self.check_action("climb", ()):
            return
        self._followed = None
        ladder = self._ladders[host] = Ladder(host, self.services.clock.now())
        self._climbs[host] = self._climb(ladder, adjust)
        self._draw()

    @work(group="climb", exit_on_error=False)
    async def _climb(self, ladder: Ladder, adjust: Adjust | None) -> None:
        rungs = self.services.diagnostics.climb(ladder.host, adjust=adjust)
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
        self.stop_looking()
        if (climb := self._climbs.get(self.host or "")) is not None:
            climb.cancel()

    def action_verify(self) -> None:
        """Try what people do with the host; connects where that was not done yet."""
        if self.host is not None:
            self.workbench.push_screen(VerifyPanel(self.host, self.services, self.glyphs))

    def action_slow(self) -> None:
        """Why the host is slow, over a login of its own."""
        from tui.prompts.slow import SlowPanel

        if self.host is not None:
            self.workbench.push_screen(SlowPanel(self.host, self.services, self.glyphs))

    def action_readings(self) -> None:
        """How the host has been, and what that leads to."""
        if self.host is not None:
            from tui.prompts.readings import ReadingsPanel

            self.workbench.push_screen(ReadingsPanel(self.host, self.services, self.glyphs))

    def action_copy(self) -> None:
        if self._ladder is not None:
            from tui.reporting import ladder_markdown

            self.app.copy_to_clipboard(ladder_markdown(self._ladder, self.services))
            self.post_message(Notice("The ladder is on the clipboard, as Markdown."))

    @work(group="export", exit_on_error=False)
    async def action_export(self) -> None:
        """A file in the current directory, the same as `fairlead report` makes."""
        if (ladder := self._ladder) is None:
            return
        from tui.reporting import format_of_answer, format_prompt, write_report

        form = format_of_answer(await self.workbench.push_screen_wait(format_prompt(ladder)))
        if form is None:
            return
        try:
            path = await write_report(ladder, self.services, form, self.story_of(ladder))
        except FairleadError as error:
            self.post_message(OperationFailed(error, "writing the report"))
            return
        self.post_message(Notice(f"Written to {path}"))

    @work(group="export", exit_on_error=False)
    async def action_bundle(self) -> None:
        """What helps somebody else; without a ladder, what is known without connecting."""
        from tui.prompts.bundle import BundlePanel
        from tui.reporting import reports_about

        reports = await reports_about(self._ladder, self.services)
        self.workbench.push_screen(BundlePanel(self.host or "", reports, self.services, self.glyphs))
