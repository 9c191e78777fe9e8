"""Many hosts at once: choose them, say what they are to run, see how each stands, then whose output is the same.

The run belongs to its service: closing this stops nothing, and opening it again shows the last one.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message

from backend.commands.executor import CommandSpec
from backend.commands.history import GROUP
from backend.commands.many.difference import difference
from backend.commands.many.picking import fold, pick
from backend.commands.many.run import GroupRun
from backend.commands.many.values import GroupSpec
from backend.errors import FairleadError
from backend.hosts.entries import HostEntry, HostSource
from backend.text import clean_line, show_bytes
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.many_looks import AtWork, HostChoice, Row, Same, counts_text, draw, hosts_text, key_of, run_heading, story
from tui.messages import GroupUpdated, HostsUpdated, Notice, OperationFailed
from tui.prompts.difference import DifferencePrompt
from tui.prompts.line import LinePrompt
from tui.prompts.many_output import ManyOutput
from tui.prompts.panel import Panel, PanelList
from tui.recalling import recall_into
from tui.widgets.command_field import CommandLine
from tui.widgets.flow import Flow, broken
from tui.widgets.footer import Footer
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from backend.container import Container

_SCOPE = "many hosts"

ACTIONS = (
    Action("many.choose", "space", "choose", "Choose this host, or no longer.", scope=_SCOPE, rank=1),
    Action("many.all", "a", "all", "Choose all hosts, or none.", scope=_SCOPE, rank=3),
    Action("many.named", "h", "by name", "Choose by names, patterns (web-*), groups or tags.", scope=_SCOPE, rank=4),
    Action("many.history", "ctrl+r", "history", "Look through what was run on many hosts before.", scope=_SCOPE, rank=5,
           does="screen.search_history"),
    Action("many.look", "enter", "output", "All that this host, or these, have said.", scope=_SCOPE, rank=1),
    Action("many.difference", "d", "difference", "How this group differs from the largest.", scope=_SCOPE, rank=2),
    Action("many.view", "v", "hosts / groups", "Show each host, or whose output is the same.", scope=_SCOPE, rank=3),
    Action("many.again", "r", "failed again", "Run it again where it failed.", scope=_SCOPE, rank=4),
    Action("many.cancel", "x", "stop", "Begin no further host, and stop it on those at work.", scope=_SCOPE, rank=5),
    Action("many.anew", "n", "new", "Choose hosts for another command.", scope=_SCOPE, rank=6),
)  # fmt: skip
_CHOOSING = frozenset({"choose", "all", "named"})
_RUNNING = frozenset({"look", "difference", "view", "again", "cancel", "anew"})


class ManyList(PanelList[Row]):
    """Hosts, or groups of them."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs

    def key_of(self, row: Row) -> Hashable:
        return key_of(row)

    def draw(self, row: Row, width: int) -> Content:
        return draw(row, width, self._glyphs)


class ManyPanel(Panel[Row]):
    """A run on many hosts, from the choice of the hosts to the groups of equal output."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    ManyPanel #many-line { height: 1; padding: 0 1; margin-bottom: 1; background: $panel; }
    """

    def __init__(self, host: str | None, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host or "", services, glyphs)
        self._entries: tuple[HostEntry, ...] = ()
        self._loaded = False
        self._typed: tuple[str, ...] = ()
        """Chosen hosts that are not in the book."""
        self._chosen: set[str] = set()
        runs = services.many.all()
        self._run: GroupRun | None = runs[-1] if runs else None
        self._by_group = self._run is not None and self._run.over

    def compose(self) -> ComposeResult:
        with Vertical(id="panel-box", classes="pane") as box:
            box.border_title = Content(self.heading)
            yield self.make_list()
            yield Flow(self.nothing, id="panel-empty")
            with VerticalScroll(id="panel-below", can_focus=False):
                yield Flow(id="panel-story")
            yield CommandLine(id="many-line")
            yield Footer()

    def make_list(self) -> ManyList:
        return ManyList(self.glyphs)

    @property
    def heading(self) -> str:
        return "many hosts" if self._run is None else run_heading(self._run)

    @property
    def _line(self) -> CommandLine:
        return self.query_one(CommandLine)

    # --- what is shown -------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._load()
        self._recall()

    @work(group="history", exit_on_error=False)
    async def _recall(self) -> None:
        try:
            await recall_into(self._line.input.history, self.services, GROUP)
        except FairleadError as error:
            self.workbench.post_message(Notice(error.message, title="history", severity="warning"))

    @work(exclusive=True, group="hosts", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._entries = await self.services.book.list()
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "reading the hosts"))
        self._loaded = True
        self.redraw()

    def hear(self, message: Message) -> None:
        if isinstance(message, HostsUpdated):
            self._load()
        elif isinstance(message, GroupUpdated) and self._run is not None and message.run_id == self._run.id:
            if message.over and not self._by_group:
                self._tell_of_refusal(self._run)
                self.action_view()
            else:
                self.redraw()

    def _tell_of_refusal(self, run: GroupRun) -> None:
        if run.error is not None:
            self.workbench.post_message(OperationFailed(run.error, "running it on many hosts"))

    def redraw(self) -> None:
        super().redraw()
        if not self.is_mounted:
            return
        self.query_one("#panel-box").border_title = Content(self.heading)
        self._line.display = self._run is None
        count = len(self._hosts())
        if count:
            self._line.place(hosts_text(count), "~", ())
        else:
            self._line.refuse("choose hosts first: space ")
        self._line.input.disabled = not count

    def rows(self) -> list[Row]:
        run = self._run
        if run is None:
            typed = [entry_of_typed(name) for name in self._typed]
            return [HostChoice(entry, entry.name in self._chosen) for entry in (*self._entries, *typed)]
        if self._by_group:
            return [Same(alike, place == 0) for place, alike in enumerate(run.groups())]
        return [AtWork(host) for host in run.hosts]

    def story(self, row: Row, width: int) -> Content:
        def told(error: FairleadError, host: str) -> FairleadError:
            return self.workbench.told(error, host, self.redraw)

        return story(row, width, told)

    def nothing(self, width: int) -> Content:
        if not self._loaded:
            return Content(f"Reading the hosts{self.glyphs.ellipsis}")
        if self._run is not None:
            return broken("No host has come to an end yet; v shows how each stands.", width)
        return broken("No hosts are known yet: h takes names as they are typed, as web-[1-20] or me@10.0.0.7.", width)

    def summary(self) -> str:
        if self._run is not None:
            return counts_text(self._run.counts, self.glyphs)
        return f"{len(self._hosts()):,} of {hosts_text(len(self._entries) + len(self._typed))} chosen"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        run = self._run
        if action in _CHOOSING:
            return run is None and self._line.input is not self.focused
        if action == "search_history":
            return run is None
        if run is None and action in _RUNNING:
            return False
        match action:
            case "difference":
                return self._may_differ
            case "again":
                return run is not None and run.over and bool(run.failed)
            case "cancel":
                return run is not None and not run.over
            case "anew":
                return run is not None and run.over
            case _:
                return True

    @property
    def _may_differ(self) -> bool:
        row = self.current
        return isinstance(row, Same) and not row.largest

    # --- choosing ------------------------------------------------------------------------------------------------

    def _hosts(self) -> tuple[str, ...]:
        """Those that are chosen, in the order of the list."""
        names = (*(entry.name for entry in self._entries), *self._typed)
        return tuple(name for name in names if name in self._chosen)

    def action_choose(self) -> None:
        if isinstance(row := self.current, HostChoice):
            self._chosen ^= {row.entry.name}
            self.redraw()
            self.list_.action_cursor_down()

    def action_all(self) -> None:
        everyone = {entry.name for entry in self._entries} | set(self._typed)
        self._chosen = set() if self._chosen >= everyone else everyone
        self.redraw()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_named(self) -> None:
        detail = "Names, patterns and ranges with commas between, or a group or tag: web-*, node[01-20], prod."
        typed = await self.workbench.push_screen_wait(LinePrompt("choose hosts", detail, check=self._objection))
        if typed is None:
            return
        picked = self._pick(typed)
        known = {entry.name for entry in self._entries}
        self._typed += tuple(name for name in picked if name not in known and name not in self._typed)
        self._chosen |= set(picked)
        self.redraw()

    def _objection(self, typed: str) -> str:
        try:
            self._pick(typed)
        except FairleadError as error:
            return error.message
        return ""

    def _pick(self, typed: str) -> tuple[str, ...]:
        labels = {label for entry in self._entries for label in (entry.group, *entry.tags)}
        words = [typed.strip()]
        return pick(self._entries, groups=words) if words[0] in labels else pick(self._entries, hosts=words)

    @on(RowList.Chosen)
    def _taken(self) -> None:
        """Enter goes on: to the command line, or to the output."""
        if self._run is not None:
            self.action_look()
        elif not self._hosts():
            self.action_choose()
        else:
            self._line.input.focus()

    # --- running -------------------------------------------------------------------------------------------------

    @on(CommandLine.Submitted)
    def _run_typed(self, message: CommandLine.Submitted) -> None:
        message.stop()
        line = " && ".join(message.lines)  # as they run in turn: each when the one before succeeded
        spec = CommandSpec(line.encode("utf-8", "surrogateescape"))
        run = self.services.many.start(GroupSpec(self._hosts(), spec))
        self.services.history.keep_group(line, run)
        self._watch(run)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_search_history(self) -> None:
        """A line that was run before stands in the field again, to be looked at first."""
        from tui.prompts.history import HistoryPrompt

        field = self._line.input
        typed = field.value if field is self.focused else ""
        prompt = HistoryPrompt(GROUP, self.services, self.glyphs, typed=typed)
        line = await self.workbench.push_screen_wait(prompt)
        for _, forgotten in prompt.forgotten:
            field.history.forget(forgotten)
        if line is not None:
            field.value = line
            field.cursor_position = len(line)
            field.focus()

    def _watch(self, run: GroupRun) -> None:
        self._run, self._by_group = run, False
        self.list_.focus()
        self.redraw()
        self.list_.cursor = 0

    def action_cancel(self) -> None:
        if self._run is not None:
            self._run.stop()

    def action_again(self) -> None:
        if self._run is not None and (run := self.services.many.again(self._run)) is not None:
            self._watch(run)

    def action_anew(self) -> None:
        """Choose again, with the hosts of the last run chosen and its command typed already."""
        run = self._run
        assert run is not None
        known = {entry.name for entry in self._entries}
        self._typed = tuple(dict.fromkeys((*self._typed, *(name for name in run.spec.hosts if name not in known))))
        self._chosen, self._run = set(run.spec.hosts), None
        self._line.input.value = show_bytes(run.spec.command.command)
        self.redraw()

    # --- looking -------------------------------------------------------------------------------------------------

    def action_view(self) -> None:
        """The other of the two: each host, or whose output is the same."""
        self._by_group = not self._by_group
        self.redraw()
        self.list_.cursor = 0

    def action_look(self) -> None:
        match self.current:
            case AtWork(host):
                self.workbench.push_screen(ManyOutput(clean_line(host.host), host, self.glyphs))
            case Same(alike):
                self.workbench.push_screen(ManyOutput(clean_line(fold(alike.hosts)), alike, self.glyphs))
            case _:
                pass

    @work(group="difference", exclusive=True, exit_on_error=False)
    async def action_difference(self) -> None:
        row = self.current
        if self._run is None or not isinstance(row, Same) or row.largest:
            return
        largest = self._run.groups()[0]
        found = await difference(largest, row.alike)
        if not found.complete:
            self.workbench.post_message(Notice("Only the beginning of what was said was compared."))
        heading = f"- {clean_line(fold(largest.hosts))}  + {clean_line(fold(row.alike.hosts))}"
        self.workbench.push_screen(DifferencePrompt(heading, found.lines))


def entry_of_typed(name: str) -> HostEntry:
    """A line for a host that is in no file."""
    return HostEntry(name, HostSource.TYPED, note="as it was typed")
