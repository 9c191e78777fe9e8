"""The first screen: which hosts there are, how each of them is, and everything about the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from backend.connection.state import BUSY, CONNECTED, SessionState
from backend.diagnostics.places import rung_of
from backend.errors import FairleadError
from backend.hosts.book import HostEntry, HostSource
from backend.hosts.entries import by_use
from backend.matching import best
from backend.text import clean_line
from tui.actions import Action, bindings, bindings_of, key_shown
from tui.hosts import Heading, HostView, counts_text, group_of, grouped, views
from tui.messages import HostsUpdated, Notice, SessionUpdated
from tui.screens.host_actions import HostActions
from tui.widgets.explanation import explain_error
from tui.widgets.first_steps import first_steps, next_steps
from tui.widgets.flow import Flow, broken
from tui.widgets.host_detail import HostDetail
from tui.widgets.host_line import HostLine
from tui.widgets.host_list import HostList
from tui.widgets.row_list import RowList

_HERE = "Connections"

ACTIONS = (
    Action("connections.retry_now", "r", "try now", "Do not wait for the countdown.", _HERE, "connections", rank=1),
    Action("connections.stop", "x", "stop", "Give up reconnecting.", _HERE, "connections", rank=2),
    Action("connections.disconnect", "x", "disconnect", "Close the connection.", _HERE, "connections", rank=2),
    Action("connections.diagnose", "d", "diagnose", "Climb the ladder for this host.", _HERE, "connections", rank=3),
    Action("connections.filter", "slash", "filter", "Narrow the list.", _HERE, "connections", rank=6, key_display="/"),
    Action(
        "connections.type_host", "a", "address", "Connect to an address that you type.", _HERE, "connections", rank=7
    ),
    Action("connections.back", "escape,left", "back", "One step back.", _HERE, "connections", "", 8, "esc"),
    Action("connections.reload", "f5", "reload", "Read the configuration again.", _HERE, "connections"),
    Action("connections.open_demo", "D", "demo", "Go to the simulated world.", _HERE, "connections", rank=9),
)

_ATTEMPT = BUSY - {SessionState.RECONNECTING}


class ConnectionsScreen(HostActions):
    """Host list and detail, side by side or, in narrow terminals, one behind the other."""

    NAME = "connections"
    CSS_PATH = "connections.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("connections.connect"), *bindings_of(ACTIONS)]
    AUTO_FOCUS = "#hosts"

    def __init__(self) -> None:
        super().__init__()
        self._entries: tuple[HostEntry, ...] = ()
        self._loaded = False
        self._folded: set[str] = set()
        """Groups of which only the heading is shown."""
        self._sought: str | None = None
        """A host that the cursor is to go to, as soon as it is in the list."""
        self._problem: FairleadError | None = None

    def compose_body(self) -> ComposeResult:
        with Vertical(id="list-pane", classes="pane") as pane:
            pane.border_title = "hosts"
            yield HostLine()
            yield HostList(self.glyphs)
            yield Flow(id="hosts-empty")
            yield Flow(partial(next_steps, key=self._key, demo=self._demo_offered), id="hosts-hint")
        with HostDetail(id="detail", classes="pane"):
            pass

    # --- what is shown -------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._sought = self.host
        self._load()
        self.set_interval(0.5, self._tick_countdown)

    def on_shown(self) -> None:
        self._draw()

    def on_host_changed(self, host: str | None) -> None:
        """The cursor goes there; where it is there already, only what is told of the host is drawn anew."""
        rows = self._host_list.rows
        passing = any(isinstance(row, HostView) and row.entry.source is HostSource.TYPED for row in rows)
        if self._current is not None and self._current.name == host and not passing:
            self.draw_detail()
            self.refresh_bindings()
        else:
            self._sought = host
            self._draw()

    def on_session_updated(self, message: SessionUpdated) -> None:
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    @work(exclusive=True, group="hosts", exit_on_error=False)
    async def _load(self) -> None:
        """Read the host book; a mistake in it is told in place of the list."""
        try:
            self._entries = by_use(await self.services.book.list())
            self._problem = None
        except FairleadError as error:
            self._problem = error
        self._loaded = True
        self.workbench.production_hosts = frozenset(entry.name for entry in self._entries if entry.production)
        self._draw()
        self._follow_cursor()

    def _tick_countdown(self) -> None:
        waiting = any(session.state is SessionState.RECONNECTING for session in self.services.sessions.all())
        if waiting and self.workbench.front is self:
            self._draw()
        elif self.session is not None and self.session.state in CONNECTED | BUSY and self.workbench.front is self:
            self.draw_detail()

    def _draw(self) -> None:
        hosts, filtered = self._host_list, bool(self._line.filter_text)
        shown = best(self._line.filter_text, self._views(), _texts)
        self._unfold_for(shown)
        folded = () if filtered else self._folded
        hosts.set_rows(grouped(shown, height=hosts.size.height, folded=folded, pins_apart=not filtered))
        hosts.display = bool(shown)
        if self._sought is not None and hosts.move_to(self._sought):
            self._sought = None
        empty = self.query_one("#hosts-empty", Flow)
        empty.display = not shown
        empty.show(self._nothing_to_show)
        only_foreign = all(entry.source is not HostSource.OWN for entry in self._entries)
        self.query_one("#hosts-hint").display = bool(shown) and only_foreign and not filtered
        self.query_one("#list-pane").border_subtitle = self._count_text(len(shown))
        self.draw_detail()
        self.refresh_bindings()

    def _unfold_for(self, shown: Iterable[HostView]) -> None:
        """A host that the cursor is to go to is not hidden."""
        if self._sought is not None and self._folded:
            self._folded -= {group_of(view) for view in shown if view.name == self._sought}

    @on(HostList.FoldWanted)
    def _fold(self, message: HostList.FoldWanted) -> None:
        (self._folded.add if message.folded else self._folded.discard)(message.title)
        self._draw()
        if self._host_list.move_to(("group", message.title)) and not message.folded:
            self._host_list.action_cursor_down()

    def draw_detail(self) -> None:
        pane = self.query_one(HostDetail)
        view = self._current
        pane.border_title = Content(view.name if view else self._group_title)
        pane.show(None if view is None else self.details_of(view), self.glyphs)

    def _views(self) -> list[HostView]:
        sessions = {session.host: session for session in self.services.sessions.all()}
        clock = self.services.clock
        return views(self._entries, sessions, now=clock.monotonic(), today=clock.now(), current=self.host)

    def _count_text(self, shown: int) -> str:
        return f"{shown} of {len(self._entries)}" if self._line.filter_text else counts_text(self._entries)

    def _nothing_to_show(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if not self._loaded:
            return Content(f"Reading the host book{self.glyphs.ellipsis}")
        if self._line.typed:
            return broken(f"No host fits. enter connects to {self._line.typed} as it is typed.", width)
        file = self.workbench.options.config_file
        return first_steps(width, key=self._key, config_file=file, demo=self._demo_offered)

    def _key(self, action_id: str) -> str:
        return key_shown(action_id, self.workbench.options.keymap)

    # --- the line above the list ---------------------------------------------------------------------------------

    @property
    def _host_list(self) -> HostList:
        return self.query_one(HostList)

    @property
    def _line(self) -> HostLine:
        return self.query_one(HostLine)

    @property
    def _current(self) -> HostView | None:
        row = self._host_list.current
        return row if isinstance(row, HostView) else None

    @property
    def chosen(self) -> HostView | None:
        return self._current if self._host_list.display else None

    @property
    def entries(self) -> tuple[HostEntry, ...]:
        return self._entries

    def seek(self, host: str) -> None:
        self._sought = host

    @property
    def _group_title(self) -> str:
        row = self._host_list.current
        return clean_line(row.title) if isinstance(row, Heading) else "no host"

    def action_filter(self) -> None:
        self._line.open(typed_only=False)

    def action_type_host(self) -> None:
        self._line.open(typed_only=True)

    def _close_line(self) -> None:
        self._line.close()
        self._host_list.focus()

    @on(Input.Changed, "#filter")
    def _narrow(self) -> None:
        self._draw()
        self._follow_cursor()

    @on(Input.Submitted, "#filter")
    def _take_line(self) -> None:
        typed, view = self._line.typed, self._current
        exact = self._line.typed_only or not self._host_list.display
        if view is not None and not exact:
            self._sought = view.name
        self._close_line()
        if typed and exact:
            self.connect_to(typed)

    # --- the cursor ----------------------------------------------------------------------------------------------

    @on(RowList.Highlighted)
    def _follow_cursor(self) -> None:
        """The host under the cursor is the workbench's."""
        if self._current is not None and self._host_list.display and self._sought is None:
            self.workbench.host = self._current.name
        self.draw_detail()

    @on(HostList.DetailWanted)
    def _detail_wanted(self) -> None:
        self.action_open_detail()

    @on(RowList.Chosen)
    def _taken(self) -> None:
        self.action_connect()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        on_heading = isinstance(self._host_list.current, Heading) and self._host_list.display
        state = self.session.state if self.session is not None and not on_heading else None
        match action:
            case "connect":
                return state is not None and state not in CONNECTED and state not in BUSY
            case "retry_now" | "stop":
                return state is SessionState.RECONNECTING
            case "disconnect":
                return state in CONNECTED or state in _ATTEMPT
            case "diagnose":
                return state is not None
            case "open_detail":
                return self.has_class("-narrow") and not self.has_class("-detail") and state is not None
            case "filter":
                return bool(self._entries) and not self._line.is_open
            case "type_host":
                return not self._line.is_open
            case "back":
                return self.has_class("-detail") or self._line.is_open
            case "open_demo":
                return self._demo_offered
            case _:
                return super().check_action(action, parameters)

    @property
    def _demo_offered(self) -> bool:
        return self.workbench.options.open_demo is not None and not self.workbench.demo

    def action_back(self) -> None:
        """One step: out of the line, or from the detail to the list."""
        if self._line.is_open:
            self._close_line()
        else:
            self.remove_class("-detail")
            self._host_list.focus()

    def action_open_detail(self) -> None:
        self.add_class("-detail")
        self.query_one(HostDetail).focus()

    # --- what is done --------------------------------------------------------------------------------------------

    def action_connect(self) -> None:
        if self.host is not None and self.check_action("connect", ()):
            self.connect_to(self.host)

    def connect_to(self, host: str) -> None:
        self.workbench.host = host
        if self.has_class("-narrow"):
            self.action_open_detail()
        self._connect(host)

    @work(group="connect", exit_on_error=False)
    async def _connect(self, host: str) -> None:
        """Ask for the link; the session owns the attempt, and its state tells what came of it."""
        try:
            await self.services.sessions.get(host).link()
        except FairleadError as error:
            if self.workbench.front is not self or self.host != host:
                self.post_message(Notice(error.message, title=host, severity="error"))

    @work(group="disconnect", exit_on_error=False)
    async def action_disconnect(self) -> None:
        if self.session is not None:
            await self.session.disconnect()

    def action_retry_now(self) -> None:
        if self.session is not None:
            self.session.retry_now()

    def action_stop(self) -> None:
        if self.session is not None:
            self.session.stop()

    async def action_diagnose(self) -> None:
        """Because of the last failure, where the host has one now."""
        view = self.chosen
        if view is not None and view.error is not None and rung_of(view.error.code) is not None:
            self.workbench.diagnose_met(view.error, "the last attempt", host=view.name, at=view.since)
        else:
            await self.workbench.diagnose()

    def on_hosts_updated(self, message: HostsUpdated) -> None:
        self._load()

    def action_reload(self) -> None:
        self._load()

    def action_open_demo(self) -> None:
        self.workbench.open_demo()


def _texts(view: HostView) -> tuple[str, ...]:
    entry = view.entry
    return (entry.name, entry.group, *entry.tags, entry.address, entry.note)
