"""What the parts of a screen with two panes need of the whole."""

from __future__ import annotations

from backend.connection.state import CONNECTED
from tui.screens.base import WorkbenchScreen
from tui.widgets.file_pane import FilePane


class TwoPanes(WorkbenchScreen):
    """A screen with two panes. Subclasses say which is worked on."""

    @property
    def pane(self) -> FilePane:
        """The side that is worked on."""
        raise NotImplementedError

    @property
    def other(self) -> FilePane:
        """The other side."""
        raise NotImplementedError

    def is_connected(self, host: str | None) -> bool:
        """This machine always is."""
        return host is None or self.services.sessions.get(host).state in CONNECTED

    def read_again(self, pane: FilePane, cursor: bytes | None = None) -> None:
        """What `pane` shows has changed. Without a connection it keeps its rows, and says so, until there is the next
        one: to ask for one may ask for a password that was just declined."""
        if pane.files is not None and not self.is_connected(pane.files.host):
            pane.set_outdated()
        else:
            pane.reload(cursor)
