"""All that one host of a run has said, or several that said the same: in the output view, live while more comes."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.commands.many.grouping import Alike
from backend.commands.many.run import HostRun
from backend.commands.many.values import OVER
from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.messages import GroupUpdated
from tui.prompts.modal import Modal
from tui.widgets.footer import Footer
from tui.widgets.output_pane import OutputPane

ACTIONS = (
    Action(
        "many_output.close", "escape,q", "back", "Back to the hosts.", scope="many hosts", rank=1, key_display="esc"
    ),
)


class ManyOutput(Modal[None]):
    """One output."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    ManyOutput { background: $background; }
    ManyOutput OutputPane { height: 1fr; }
    """

    def __init__(self, title: str, shown: HostRun | Alike, glyphs: Glyphs) -> None:
        super().__init__()
        self._heading = title
        self._shown = shown
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        pane = OutputPane(self._glyphs)
        pane.border_title = Content(self._heading)
        yield pane
        yield Footer()

    def on_mount(self) -> None:
        view = self.query_one(OutputPane).view
        match self._shown:
            case HostRun() as host:
                view.show(host.kept.lines, live=host.state not in OVER)
            case alike:
                view.show(_lines(alike), live=False)
        view.focus()

    def hear(self, message: Message) -> None:
        """The run has gone on."""
        if isinstance(message, GroupUpdated) and isinstance(self._shown, HostRun) and self.is_mounted:
            view = self.query_one(OutputPane).view
            view.show(self._shown.kept.lines, live=self._shown.state not in OVER)
            view.grown()

    def action_close(self) -> None:
        self.dismiss(None)


def _lines(alike: Alike) -> OutputBuffer:
    buffer = OutputBuffer()
    buffer.feed(Chunk(StdStream.OUT, alike.out))
    buffer.feed(Chunk(StdStream.ERR, alike.err))
    return buffer
