"""Terminals: a tab for each terminal of every host, and the one that is looked at. They belong to their service.

Leaving the screen ends nothing. Every key goes to the program but for the escape key; see `terminal_actions`.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container as Box
from textual.content import Content
from textual.events import Event

from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import AT_REST, TerminalState
from backend.connection.interaction import Confirmation
from backend.diagnostics.places import rung_of
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import bindings_of, key_shown
from tui.messages import Notice, OperationFailed, TerminalUpdated
from tui.prompts.base import Words
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.line import LinePrompt
from tui.screens.base import WorkbenchScreen
from tui.terminal_looks import error_words, rest_note, tabs_line
from tui.widgets.terminal_actions import COMMANDS, PREFIX
from tui.widgets.terminal_footer import TerminalFooter
from tui.widgets.terminal_header import TerminalHeader
from tui.widgets.terminal_view import TerminalView

_READING_KEYS = (("esc", "back"), ("/", "search"), ("n N", "next"), ("c", "copy"), ("↑↓ pgup pgdn", "move"))
"""The way out first: where they do not all fit, the last are left out."""
_REST_KEYS = (("^] r", "again"), ("^] x", "close"), ("^] d", "leave"))
_LOST_KEYS = (("^] r", "again"), ("^] w", "diagnose"), ("^] x", "close"), ("^] d", "leave"))
_ERROR_KEYS = (("r", "try again"), ("w", "diagnose"), ("x", "close"), ("n", "next"), ("d", "leave"))
_NONE_KEYS = (("c", "open one"), ("d", "leave"))


class TerminalsScreen(WorkbenchScreen):
    """The terminals of all hosts."""

    NAME = "terminals"
    CSS_PATH = "terminals.tcss"
    AUTO_FOCUS = "TerminalView"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((PREFIX, *COMMANDS))]

    def __init__(self) -> None:
        super().__init__()
        self.came_from = "connections"
        """The screen to go back to."""
        self._last: dict[str, str] = {}
        """Ids of the terminals that were looked at last, by host."""
        self._shown: Terminal | None = None

    def compose(self) -> ComposeResult:
        yield TerminalHeader(self.glyphs, self._draw_tabs)
        with Box(id="body"):
            yield TerminalView()
            yield Words("", id="terminal-error")
            yield Words("", id="no-terminal", classes="empty")
        yield TerminalFooter(key_shown(PREFIX.id, self.workbench.options.keymap))

    # --- the parts -----------------------------------------------------------------------------------------------

    @property
    def view(self) -> TerminalView:
        """Where the terminal is shown."""
        return self.query_one(TerminalView)

    @property
    def shown(self) -> Terminal | None:
        """The terminal that is looked at."""
        return self._shown

    @property
    def _all(self) -> tuple[Terminal, ...]:
        return self.services.terminals.all()

    @property
    def _has_failed(self) -> bool:
        """Whether there is nothing to be seen but an error: the program never ran."""
        terminal = self._shown
        if terminal is None or terminal.error is None or terminal.state is TerminalState.LOST:
            return False
        return not terminal.ran

    # --- keeping up ----------------------------------------------------------------------------------------------

    def on_shown(self) -> None:
        if self._shown not in self._all:
            self._shown = None
        self._choose(self._shown or self._latest_of(self.host))

    def on_host_changed(self, host: str | None) -> None:
        if self._shown is None or self._shown.host != host:
            self._choose(self._latest_of(host))

    def on_screen_resume(self) -> None:
        self.view.focus_moved()

    def on_screen_suspend(self) -> None:
        self.view.focus_moved()

    def on_terminal_updated(self, message: TerminalUpdated) -> None:
        terminal = self._shown
        if terminal is not None and message.terminal_id == terminal.id:
            if terminal.bells and not self.workbench.handed_over:
                self.app.bell()
            self.view.grown()
            self._draw_state()
        self._redraw_tabs()

    def _choose(self, terminal: Terminal | None) -> None:
        """Look at a terminal; its host is the workbench's then."""
        self._shown = terminal
        if terminal is not None:
            self._last[terminal.host] = terminal.id
            self.workbench.host = terminal.host
        self.view.show(terminal)
        self.view.grown()
        self._draw_state()
        self._redraw_tabs()

    def _latest_of(self, host: str | None) -> Terminal | None:
        mine = [terminal for terminal in self._all if terminal.host == host]
        last = self._last.get(host or "")
        return next((terminal for terminal in mine if terminal.id == last), mine[-1] if mine else None)

    # --- drawing -------------------------------------------------------------------------------------------------

    def _draw_tabs(self, width: int) -> Content:
        return tabs_line(self._all, self._shown, width, self.glyphs)

    def _redraw_tabs(self) -> None:
        self.query_one(TerminalHeader).refresh()

    def _draw_state(self) -> None:
        """Everything that depends on where the terminal stands."""
        terminal = self._shown
        self.set_class(terminal is None, "-none")
        self.set_class(self._has_failed, "-failed")
        if terminal is None:
            self.query_one("#no-terminal", Words).update(self._nothing_yet())
        elif self._has_failed and terminal.error is not None:
            told = self.workbench.told(terminal.error, terminal.host, self._draw_state)
            self.query_one("#terminal-error", Words).update(error_words(told, self.glyphs))
        elif self.focused is None and self.app.screen is self:
            self.view.focus()
        self._draw_footer()

    def _draw_footer(self) -> None:
        footer, view = self.query_one(TerminalFooter), self.view
        footer.ready = view.commanding
        footer.note, footer.own = self._note(), self._own_keys()

    def _note(self) -> Content:
        if self._shown is None:
            return Content("")
        place = f"+{self.view.below:,} lines {self.glyphs.opened}" if self.view.below else ""
        if self.view.reading:
            searched = f"  /{self.view.searched}" if self.view.searched else ""
            return Content.assemble(("going back", "bold $accent"), f"  {place}{searched}".rstrip())
        return rest_note(self._shown, self.glyphs) or Content.styled(place, "bold $accent")

    def _own_keys(self) -> tuple[tuple[str, str], ...]:
        if self._shown is None:
            return _NONE_KEYS
        if self._has_failed:
            return _ERROR_KEYS
        if self.view.reading:
            return _READING_KEYS
        if self._shown.state not in AT_REST or self.view.commanding:
            return ()
        return _REST_KEYS if self._failure is None else _LOST_KEYS

    def _nothing_yet(self) -> Content:
        if self.host is None:
            return Content.assemble(("No host chosen.", "bold"), "\n\n", ("ctrl+o", "bold $accent"), "  choose one")
        return Content.assemble(
            (f"No terminal on {clean_line(self.host)}.", "bold"), "\n\n", ("c", "bold $accent"), "  open one"
        )

    @on(TerminalView.Moved)
    def _view_moved(self) -> None:
        self._draw_footer()

    # --- going to and fro ----------------------------------------------------------------------------------------

    def enter(self, *, anew: bool = False) -> None:
        """Come here for the current host: to its terminal, or to a new one where it has none, or `anew` asks for it."""
        if self.host is not None and (anew or self._latest_of(self.host) is None):
            self.action_new()

    def action_new(self) -> None:
        if self.host is None:
            self.post_message(Notice("Choose a host first: ctrl+o."))
            return
        size = self.query_one("#body").size
        terminal = self.services.terminals.open(self.host, columns=max(1, size.width), rows=max(1, size.height))
        self._choose(terminal)
        self.view.focus()

    def action_go(self, place: int) -> None:
        if 0 < place <= len(self._all):
            self._choose(self._all[place - 1])

    def action_next(self) -> None:
        self._step(1)

    def action_previous(self) -> None:
        self._step(-1)

    def _step(self, direction: int) -> None:
        terminals = self._all
        if terminals:
            here = terminals.index(self._shown) if self._shown in terminals else -1
            self._choose(terminals[(here + direction) % len(terminals)])

    async def action_leave(self) -> None:
        await self.workbench.action_show(self.came_from)

    # --- what is done with one -----------------------------------------------------------------------------------

    def action_again(self) -> None:
        if self._shown is not None:
            self._shown.reopen()
            self._draw_state()
            self.view.focus()

    @property
    def _failure(self) -> FairleadError | None:
        """Why nothing runs in the terminal, where that is a matter of the ladder."""
        error = self._shown.error if self._shown is not None else None
        return error if error is not None and rung_of(error.code) is not None else None

    def action_diagnose(self) -> None:
        """Climb the ladder of the host, because of how the terminal ended."""
        if self._shown is not None and (error := self._failure) is not None:
            self.workbench.diagnose_met(error, "the terminal", host=self._shown.host)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._failure is not None if action == "diagnose" else True

    @work(exclusive=True, group="close-terminal", exit_on_error=False)
    async def action_close(self) -> None:
        terminal = self._shown
        if terminal is None or not await self._agreed_to_close(terminal):
            return
        place = self._all.index(terminal)
        closing = self.services.terminals.close_one(terminal)
        left = [other for other in self._all if other is not terminal]
        self._choose(left[min(place, len(left) - 1)] if left else None)
        await closing
        self._redraw_tabs()
        if not left:
            await self.action_leave()

    async def _agreed_to_close(self, terminal: Terminal) -> bool:
        if terminal.state in AT_REST:
            return True
        detail = f"{terminal.title} on {clean_line(terminal.host)} is running; it would be hung up."
        question = Confirmation(f"close terminal {terminal.number}?", detail, yes="Close", danger=True)
        agreed = await self.workbench.push_screen_wait(ConfirmPrompt(question))
        return agreed is True

    @work(exclusive=True, group="zoom", exit_on_error=False)
    async def action_zoom(self) -> None:
        """The program gets the real terminal, until the escape key and another."""
        from tui.zoom import zoom

        if self._shown is None or self._shown.state in AT_REST:
            return
        try:
            key = await zoom(self.workbench, self._shown)
        except FairleadError as error:
            self.post_message(OperationFailed(error, "giving the terminal away"))
            return
        self.view.fit()
        self.view.refresh()
        self._draw_state()
        for terminal in self._all:  # what came of the others meanwhile
            self.post_message(TerminalUpdated(terminal.host, terminal.id))
        if (active := self.active_bindings.get(key)) is not None and key not in {"z", ""}:
            await self.app.run_action(active.binding.action, active.node)

    def action_back(self) -> None:
        self.view.go_back()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_search(self) -> None:
        answer = await self.workbench.push_screen_wait(
            LinePrompt("look for", "Upwards from here. n goes on, N back.", value=self.view.searched, replaced=True)
        )
        if answer is not None:
            self.view.look_for(answer)

    def action_keys(self) -> None:
        self.workbench.action_toggle_help()

    # --- what the view says --------------------------------------------------------------------------------------

    @on(TerminalView.Untaken)
    def _not_taken(self) -> None:
        if self._shown is not None and self._shown.state not in AT_REST:
            words = "The host takes no more keys for now: what you typed last was not sent."
            self.post_message(Notice(words, severity="warning"))

    @on(TerminalView.Copied)
    def _copied(self, message: TerminalView.Copied) -> None:
        count = message.text.count("\n") + 1
        self.post_message(Notice(f"Copied {count:,} line{'' if count == 1 else 's'}."))

    def on_text_selected(self) -> None:
        self.view.copy_selected()

    def _forward_event(self, event: Event) -> None:
        if isinstance(event, events.MouseDown):
            self.view.shift_held = event.shift
        super()._forward_event(event)
