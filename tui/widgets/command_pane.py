"""The output of one command, under a line that tells how it stands; without one, what can be typed."""

from __future__ import annotations

from datetime import datetime

from textual.app import ComposeResult
from textual.content import Content

from backend.commands.running import RunningCommand
from tui.command_looks import run_line
from tui.glyphs import Glyphs
from tui.prompts.base import Words
from tui.widgets.output_pane import OutputPane


class CommandPane(OutputPane):
    """Shows the command that is looked at."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(glyphs, id=id)
        self._glyphs = glyphs

    def compose_above(self) -> ComposeResult:
        yield Words("", id="run-line")
        yield Words("", id="run-note")
        yield Words("", id="no-runs", classes="empty")

    def show(self, command: RunningCommand, note: Content | None, now: datetime) -> None:
        """Its state at `now`, what there is to say of its end, and its output."""
        self.view.show(command.shown, live=command.outcome is None)
        self.query_one("#run-line", Words).update(run_line(command, now, self._glyphs, self.content_size.width))
        self._say_of_end(note)

    def show_nothing(self, host: str | None) -> None:
        """Nothing has run on `host` yet."""
        self.border_subtitle = Content("")
        self._say_of_end(None)
        self.query_one("#no-runs", Words).update(_nothing_yet(host))

    def _say_of_end(self, note: Content | None) -> None:
        words = self.query_one("#run-note", Words)
        words.set_class(note is not None, "-open")
        if note is not None:
            words.update(note)


def _nothing_yet(host: str | None) -> Content:
    if host is None:
        return Content.assemble(
            ("No host chosen.", "bold"), "\n\n", ("ctrl+o", "bold $accent"), "  choose one\n",
            ("1", "bold $accent"), "       see them all",
        )  # fmt: skip
    return Content.assemble(
        ("Nothing has run here yet.", "bold"),
        f"\n\nType a command below and press enter; it runs on {host}, and its output comes in here.\n\n",
        ("uptime", "bold $accent"), "          how long it has been up, and how busy it is\n",
        ("df -h", "bold $accent"), "           room on its disks\n",
        ("cd /var/log", "bold $accent"), "     the next commands run there",
    )  # fmt: skip
