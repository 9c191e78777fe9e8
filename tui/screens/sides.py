"""Which machine each side of the files shows: this one or any host; left or lost, it is found again where it was."""

from __future__ import annotations

from textual import work

from backend.connection.state import BUSY, CONNECTED
from backend.errors import FairleadError
from tui.looks import look
from tui.prompts.switcher import HERE, MachineSwitcher
from tui.screens.two_panes import TwoPanes
from tui.widgets.file_pane import FilePane

NO_HOST = "No host chosen. ctrl+o chooses one; o shows any machine on this side."


class SideActions(TwoPanes):
    """Opens the sides, and opens them again when their hosts come back."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str | None, bytes] = {}
        """Where one was on each machine; None is this one."""
        self._connected: set[str] = set()
        """Hosts as they were when this screen last heard of them."""
        self._last: FilePane | None = None

    # --- the sides -----------------------------------------------------------------------------------------------

    @property
    def left(self) -> FilePane:
        return self.query_one("#left", FilePane)

    @property
    def right(self) -> FilePane:
        return self.query_one("#right", FilePane)

    @property
    def pane(self) -> FilePane:
        """The side that is worked on: the one with the focus, or that had it last."""
        focused = self.focused
        if focused is not None:
            for pane in (self.left, self.right):
                if pane in focused.ancestors_with_self:
                    self._last = pane
        return self._last if self._last is not None else self.left

    @property
    def other(self) -> FilePane:
        return self.right if self.pane is self.left else self.left

    # --- which machine -------------------------------------------------------------------------------------------

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_machine(self) -> None:
        """Ask which machine this side is to show. The right side's host is that of the whole workbench."""
        pane = self.pane
        switcher = MachineSwitcher(self.services, self.glyphs, shown=pane.host)
        answer = await self.workbench.push_screen_wait(switcher)
        if answer is None:
            return
        host = None if answer == HERE else answer
        if host is not None and pane is self.right and host != self.host:
            self.workbench.host = host
        else:
            self.show_machine(pane, host)
        if host is not None and pane.files is None:
            self._read(pane, host)  # asked for by name: that is worth a connection

    def show_machine(self, pane: FilePane, host: str | None) -> None:
        """Show the files of this machine, or of a host, where one was there last."""
        self._leave(pane)
        pane.host, pane.label = host, host or "local"
        self._draw_state(pane)
        self._open(pane)

    def go_there(self, host: str, path: bytes) -> None:
        """Show a directory of `host` on the right side; connects where that was not done yet."""
        self._places[host] = path
        self.show_machine(self.right, host)
        if self.right.files is None:
            self._read(self.right, host)
        self.right.list.focus()

    def show_no_machine(self, pane: FilePane) -> None:
        """There is no host to show."""
        self._leave(pane)
        pane.host, pane.label, pane.look = None, "no host", None
        pane.close(NO_HOST)

    def _leave(self, pane: FilePane) -> None:
        if pane.files is not None:
            self._places[pane.files.host] = pane.path

    def _open(self, pane: FilePane) -> None:
        """Read where there is a connection, or one coming; else say how to get one."""
        host = pane.host
        if host is None:
            self._open_here(pane)
        elif self.services.sessions.get(host).state in CONNECTED | BUSY:
            self._read(pane, host)
        else:
            pane.close(f"Not connected to {host}.\n\nenter here connects to it.")

    def _read(self, pane: FilePane, host: str) -> None:
        pane.open(self.services.files.on(host), self._places.get(host, b""))

    @work(group="open", exit_on_error=False)
    async def _open_here(self, pane: FilePane) -> None:
        """Begin where the program was started, the demo in its own project; at home where that directory is gone."""
        local = self.services.files.local
        path = self._places.get(None, b"")
        if not path:
            try:
                path = await (local.start() if self.workbench.demo else local.resolve("."))
            except (FairleadError, FileNotFoundError):
                path = b""
        self.call_later(self._opened_here, pane, path)

    def _opened_here(self, pane: FilePane, path: bytes) -> None:
        if pane.host is None:
            pane.open(self.services.files.local, path)

    def action_connect(self) -> None:
        if self.pane.host is not None:
            self._read(self.pane, self.pane.host)

    # --- keeping up ----------------------------------------------------------------------------------------------

    @property
    def hosts_shown(self) -> set[str]:
        return {pane.host for pane in (self.left, self.right) if pane.host is not None}

    def greet(self, host: str) -> None:
        """Read the host's files as soon as there is a connection, whoever asked for it; once for each connection, what
        could not be read without one."""
        connected = self.is_connected(host)
        is_new = connected and host not in self._connected
        (self._connected.add if connected else self._connected.discard)(host)
        for pane in (self.left, self.right):
            if pane.host == host:
                self._draw_state(pane)
                if connected and pane.files is None:
                    self._open(pane)
                elif is_new and pane.wants_reading:
                    pane.reload()

    def _draw_state(self, pane: FilePane) -> None:
        pane.look = None if pane.host is None else look(self.services.sessions.get(pane.host).state, self.glyphs)
        pane.draw_border()
