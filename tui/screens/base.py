"""The frame that every screen of the workbench shares: header, body, footer, the current host, the services."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container as Box
from textual.worker import Worker, WorkerState

from backend.connection.session import Session
from backend.errors import Code, FairleadError
from tui.frame import Frame
from tui.glyphs import Glyphs
from tui.messages import CommandUpdated, OperationFailed, SessionUpdated, TransferUpdated
from tui.widgets.footer import Footer
from tui.widgets.header import Header

if TYPE_CHECKING:
    from backend.container import Container


log = logging.getLogger(__name__)


class WorkbenchScreen(Frame[None]):
    """One of the four screens. Subclasses give `NAME` and `compose_body`; the rest is there.

    Only the screen in front hears of changes. On coming back it is told through `on_host_changed`, when the host is
    another one, and then `on_shown`, where it reads the services anew.
    """

    NAME: ClassVar[str]
    """As in the header's tabs: `connections`, `commands`, `files`, `diagnostics`."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-very-wide")]  # noqa: RUF012 - Textual's own kind
    _told: str | None = None

    @property
    def services(self) -> Container:
        return self.workbench.services

    @property
    def glyphs(self) -> Glyphs:
        return self.workbench.glyphs

    @property
    def host(self) -> str | None:
        """The current host of the whole workbench."""
        return self.workbench.host

    @property
    def session(self) -> Session | None:
        """The current host's session, idle until somebody asks it for a link."""
        return None if self.host is None else self.services.sessions.get(self.host)

    def compose(self) -> ComposeResult:
        yield Header(self.glyphs)
        with Box(id="body"):
            yield from self.compose_body()
        yield Footer()

    def compose_body(self) -> ComposeResult:
        """What stands between header and footer."""
        raise NotImplementedError

    def on_host_changed(self, host: str | None) -> None:
        """The workbench is on another host; the screen is in front."""

    def on_shown(self) -> None:
        """The screen has come to the front: read the services anew."""

    def follow_host(self) -> None:
        """Tell the screen of the current host, once for each change. The app calls this."""
        if self._told != self.host:
            self._told = self.host
            self.on_host_changed(self.host)
        self.update_header()

    def take_focus(self) -> None:
        """Have the focus where it would be in a moment: keys may be on their way already."""
        wanted = self.AUTO_FOCUS or self.app.AUTO_FOCUS
        if self.focused is None and wanted:
            first = next((widget for widget in self.query(wanted) if widget.focusable), None)
            self.set_focus(first)

    def update_header(self) -> None:
        """Draw the header from the services."""
        self.query_one(Header).facts = self.workbench.header_facts(self.NAME)

    def _on_descendant_focus(self) -> None:
        self.update_header()  # it says how to get to the other screens, and a line that is typed in takes the digits

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)

    def on_screen_resume(self) -> None:
        self.follow_host()
        self.on_shown()

    def _tick(self) -> None:
        if self.workbench.front is self:
            self.update_header()

    def _on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker broke in a way that nobody foresaw: told, not swallowed, and nothing else stops for it."""
        if event.state is WorkerState.ERROR:
            self.tell_broken(event.worker)

    def tell_broken(self, worker: Worker[Any]) -> None:
        """Say that a worker of this screen, or of a prompt before it, ended with an error of ours."""
        if (problem := worker.error) is not None:
            log.error("worker %s failed", worker.name, exc_info=problem)
            error = FairleadError(Code.INTERNAL, evidence={"reason": f"{type(problem).__name__}: {problem}"})
            self.post_message(OperationFailed(error, "this should not have happened"))

    def _on_session_updated(self, message: SessionUpdated) -> None:
        self.update_header()
        if message.host == self.host:
            self.refresh_bindings()

    def _on_command_updated(self, message: CommandUpdated) -> None:
        self.update_header()

    def _on_transfer_updated(self, message: TransferUpdated) -> None:
        self.update_header()
