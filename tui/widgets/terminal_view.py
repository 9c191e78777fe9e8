"""A terminal that is worked in: its program is given every key, click and paste, but for one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import BindingType
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection

from backend.commands.terminals.emulator import MouseMode
from backend.commands.terminals.keys import focus_bytes, key_bytes, paste_bytes
from backend.commands.terminals.mouse import wheel_bytes
from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import AT_REST
from tui.actions import bindings_of
from tui.terminal_pointer import Pointer
from tui.widgets.terminal_actions import BACK, GROUP, prefix_keys
from tui.widgets.terminal_copy import word_around
from tui.widgets.terminal_paint import character_at
from tui.widgets.terminal_window import TerminalWindow

if TYPE_CHECKING:
    from tui.app import WorkbenchApp

_WHEEL_LINES = 3


class TerminalView(TerminalWindow, can_focus=True):
    """A window on a terminal, with the keyboard and the mouse."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(BACK)]
    BINDING_GROUP_TITLE = GROUP
    HELP = "A terminal. Every key goes to the program in it, but for ^], after which the next key is for Fairlead."
    TAKES_ALL_KEYS = True
    """The app gives it keys before anybody else, its own and the screens' included."""

    class Untaken(Message):
        """A key could not be given to the program: nothing runs, or too much waits to be sent."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.shift_held = False
        """At the last click: the mouse is the person's then, whatever the program wants."""
        self._pointer = Pointer()
        self._focus_told = False
        self._prefix = frozenset[str]()

    def on_mount(self) -> None:
        self._prefix = prefix_keys(cast("WorkbenchApp", self.app).options.keymap)
        self.watch(self.app, "app_focus", self.focus_moved, init=False)

    def show(self, terminal: Terminal | None) -> None:
        """Show another terminal, and tell both programs where the focus is."""
        if terminal is not self.terminal:
            self._tell_focus(False)
            self._pointer = Pointer()
            super().show(terminal)
            self._tell_focus(self._in_focus)

    # --- keys ----------------------------------------------------------------------------------------------------

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if self.commanding:
            self.commanding = False
            await self._command(event)
        elif event.key in self._prefix:
            self.commanding = True
        elif self.reading:
            await self._read_on(event)
        elif event.key in {"shift+pageup", "shift+pagedown"}:
            self._scroll(-self._page if event.key == "shift+pageup" else self._page)
        else:
            self._press(event)

    async def _command(self, event: events.Key) -> None:
        """The key after the escape key."""
        self.reading = False
        if event.key in self._prefix:
            self._press(event)
        elif (active := self.screen.active_bindings.get(event.key)) is not None and active.enabled:
            await self.app.run_action(active.binding.action, active.node)

    async def _read_on(self, event: events.Key) -> None:
        active = self.screen.active_bindings.get(event.key)
        if active is not None and active.enabled and (active.node is self or not event.is_printable):
            await self.app.run_action(active.binding.action, active.node)

    def _press(self, event: events.Key) -> None:
        if self.terminal is not None:
            modes = self.terminal.emulator.modes
            self._send(key_bytes(event.key, event.character, modes))

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        if self.terminal is not None:
            self._send(paste_bytes(event.text, self.terminal.emulator.modes))

    def _send(self, data: bytes) -> None:
        """What is typed shows where it goes: at the screen as it is now."""
        self.to_end()
        if self.screen.selections:
            self.screen.clear_selection()
        if self.terminal is not None and data and not self.terminal.type(data):
            self.post_message(self.Untaken())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys for going back count only then."""
        return self.reading

    def watch_commanding(self) -> None:
        self._cursor_redrawn()
        self.post_message(self.Moved())

    def watch_reading(self) -> None:
        self._cursor_redrawn()
        self.refresh_bindings()
        self.post_message(self.Moved())

    # --- the mouse -----------------------------------------------------------------------------------------------

    @property
    def allow_select(self) -> bool:
        return not self._mouse_is_wanted

    @property
    def _mouse_is_wanted(self) -> bool:
        """Whether clicks go to the program."""
        if self.terminal is None or self.reading or self.shift_held or self.terminal.state in AT_REST:
            return False
        return self.terminal.emulator.modes.mouse is not MouseMode.NONE

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if self._mouse_is_wanted:
            self.capture_mouse()
        self._point(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._point(event)
        self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point(event)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._point(event)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._point(event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._wheel(event, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 1)

    def _point(self, event: events.MouseEvent) -> None:
        if self._mouse_is_wanted and self.terminal is not None:
            event.stop()
            event.prevent_default()
            screen = self.terminal.emulator
            self.terminal.type(self._pointer.bytes_of(event, screen.columns, screen.rows, screen.modes))

    def _wheel(self, event: events.MouseEvent, direction: int) -> None:
        event.stop()
        event.prevent_default()
        terminal = self.terminal
        if terminal is None:
            return
        if self._mouse_is_wanted and not event.shift:
            self._point(event)
        elif not self.reading and (arrows := wheel_bytes(direction * _WHEEL_LINES, terminal.emulator.modes)):
            terminal.type(arrows)
        else:
            self._scroll(direction * _WHEEL_LINES)

    async def _on_click(self, event: events.Click) -> None:
        """Twice for a word, three times for a line; Textual would take all there is."""
        event.prevent_default()
        if self._lines is None or self._mouse_is_wanted or event.chain < 2:
            return
        line = self._first_shown + event.y
        text = self._lines.text(line)
        start, end = (0, len(text)) if event.chain > 2 else word_around(text, character_at(text, event.x))
        if end > start:
            self.screen.selections = {self: Selection(Offset(start, line), Offset(end, line))}
            self.copy_selected()

    # --- focus ---------------------------------------------------------------------------------------------------

    def on_focus(self) -> None:
        self.focus_moved()

    def on_blur(self) -> None:
        self.commanding = False
        self.focus_moved()

    def focus_moved(self) -> None:
        """The keys go here, or no longer do: to a prompt, to another screen, to another window."""
        self._tell_focus(self._in_focus)
        self._cursor_redrawn()

    def _tell_focus(self, focused: bool) -> None:
        """Once for each change."""
        if self.terminal is not None and focused != self._focus_told:
            self._focus_told = focused
            self.terminal.type(focus_bytes(self.terminal.emulator.modes, focused=focused))
