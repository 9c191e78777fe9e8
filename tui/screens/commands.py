"""Commands: type, run, watch the output come, stop, look back. The commands themselves belong to their service."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container as Box
from textual.containers import Vertical
from textual.content import Content

from backend.commands.executor import CommandSpec, CommandState, RunningCommand
from backend.errors import FairleadError
from backend.requests.model import RunCommand
from backend.text import show_bytes
from tui.actions import Action, bindings_of
from tui.command_looks import end_note, run_line
from tui.format import duration_text
from tui.messages import CommandUpdated, Notice, OperationFailed
from tui.prompts.away import Choice
from tui.prompts.base import Words
from tui.prompts.line import LinePrompt
from tui.screens.base import WorkbenchScreen
from tui.screens.queueing import ask_about, is_away
from tui.widgets.command_field import INTERRUPT, CommandField, CommandLine, History
from tui.widgets.output_pane import OutputPane
from tui.widgets.output_view import OutputView
from tui.widgets.row_list import RowList
from tui.widgets.run_list import RunList

_GROUP = "Commands"
_CHANGE_DIRECTORY = re.compile(r"cd(\s+[^;&|<>()`\n]*)?")

ACTIONS = (
    INTERRUPT,
    Action("commands.to_output", "tab", "output", "Go on to the output, then to the runs.", _GROUP, "commands", rank=3,
           palette=False),
    Action("commands.previous", "ctrl+up,alt+up", "earlier run", "Show the command before this one.", _GROUP,
           "commands", rank=4),
    Action("commands.following", "ctrl+down,alt+down", "later run", "Show the command after this one.", _GROUP,
           "commands"),
    Action("commands.page_up", "pageup", "page up", "One page back in the output.", _GROUP, "commands", palette=False),
    Action("commands.page_down", "pagedown", "page down", "One page on in the output.", _GROUP, "commands",
           palette=False),
    Action("commands.time_limit", "alt+t", "time limit", "Stop the next commands after so many seconds.", _GROUP,
           "commands"),
    Action("commands.again", "alt+r", "run again", "Run the command that is shown once more.", _GROUP, "commands"),
    Action("commands.type", "escape", "type", "Back to the command line.", _GROUP, "commands", palette=False),
)  # fmt: skip


@dataclass(slots=True)
class _Place:
    """What the screen remembers of one host."""

    directory: bytes | None = None
    """Where commands run; None is the home directory."""
    time_limit: float | None = None
    history: History = field(default_factory=History)
    selected: str | None = None
    """Id of the command that is looked at."""
    draft: str = ""


class CommandPane(OutputPane):
    """The output of one command, under a line that tells how it stands."""

    def compose_above(self) -> ComposeResult:
        yield Words("", id="run-line")
        yield Words("", id="run-note")
        yield Words("", id="no-runs", classes="empty")


class CommandsScreen(WorkbenchScreen):
    """The commands of the current host."""

    NAME = "commands"
    CSS_PATH = "commands.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, _Place] = {}

    def compose_body(self) -> ComposeResult:
        with Box(id="command-area"):
            with Vertical(id="run-list-pane", classes="pane") as pane:
                pane.border_title = Content("runs")
                yield RunList(self.glyphs, self.services.clock.now, id="runs")
            yield CommandPane(self.glyphs, id="output-pane")
        yield CommandLine(id="command-line")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._draw_times)
        self.line.input.focus()

    # --- the parts -----------------------------------------------------------------------------------------------

    @property
    def line(self) -> CommandLine:
        """Where commands are typed."""
        return self.query_one(CommandLine)

    @property
    def _runs(self) -> RunList:
        return self.query_one(RunList)

    @property
    def output(self) -> OutputView:
        """Where the output of the selected command is shown."""
        return self._pane.view

    @property
    def _pane(self) -> CommandPane:
        return self.query_one(CommandPane)

    @property
    def _place(self) -> _Place:
        return self._places.setdefault(self.host or "", _Place())

    @property
    def _commands(self) -> list[RunningCommand]:
        """Of this host, newest first."""
        return [command for command in reversed(self.services.commands.all()) if command.host == self.host]

    @property
    def _selected(self) -> RunningCommand | None:
        commands = self._commands
        return next((command for command in commands if command.id == self._place.selected), next(iter(commands), None))

    # --- keeping up ----------------------------------------------------------------------------------------------

    def on_host_changed(self, host: str | None) -> None:
        self.line.input.history = self._place.history
        self.line.input.value = self._place.draft
        self._draw()

    def on_shown(self) -> None:
        self._draw()
        self.output.grown()

    def on_command_updated(self, message: CommandUpdated) -> None:
        if message.host != self.host:
            return
        self._draw_list()
        if (selected := self._selected) is not None and selected.id == message.command_id:
            self.output.grown()
            self._draw_head()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_head)

    def _draw(self) -> None:
        self._draw_prompt()
        self._draw_list()
        self._draw_head()

    def _draw_times(self) -> None:
        if self.workbench.front is self and any(command.outcome is None for command in self._commands):
            self._runs.refresh()
            self._draw_head()

    def _draw_prompt(self) -> None:
        self.line.input.disabled = self.host is None
        if self.host is None:
            self.line.refuse("No host chosen: ctrl+o chooses one.")
            return
        place = self._place
        limit = f"limit {duration_text(place.time_limit)}" if place.time_limit else ""
        self.line.place(self.host, show_bytes(place.directory) if place.directory else "~", limit)

    def _draw_list(self) -> None:
        commands = self._commands
        self.set_class(not commands, "-empty")
        with self.prevent(RowList.Highlighted):
            self._runs.set_rows(commands)
            if (selected := self._selected) is not None:
                self._runs.move_to(selected.id)
        running = sum(command.outcome is None for command in commands)
        title = f"runs {self.glyphs.dot} {running} running" if running else "runs"
        self.query_one("#run-list-pane").border_title = Content(title)

    def _draw_head(self) -> None:
        """The lines above the output, and the output itself."""
        command, pane = self._selected, self._pane
        pane.border_title = Content(self.host or "")
        note = end_note(command, self.glyphs) if command is not None else None
        pane.query_one("#run-note", Words).set_class(note is not None, "-open")
        if command is None:
            pane.border_subtitle = Content("")
            pane.query_one("#no-runs", Words).update(self._nothing_yet())
            return
        pane.view.show(command.output, live=command.outcome is None)
        width = pane.content_size.width
        pane.query_one("#run-line", Words).update(run_line(command, self.services.clock.now(), self.glyphs, width))
        if note is not None:
            pane.query_one("#run-note", Words).update(note)
        self.refresh_bindings()

    def _nothing_yet(self) -> Content:
        if self.host is None:
            return Content.assemble(
                ("No host chosen.", "bold"), "\n\n", ("ctrl+o", "bold $accent"), "  choose one\n",
                ("1", "bold $accent"), "       see them all",
            )  # fmt: skip
        return Content.assemble(
            ("Nothing has run here yet.", "bold"),
            f"\n\nType a command below and press enter; it runs on {self.host}, and its output comes in here.\n\n",
            ("uptime", "bold $accent"), "          how long it has been up, and how busy it is\n",
            ("df -h", "bold $accent"), "           room on its disks\n",
            ("cd /var/log", "bold $accent"), "     the next commands run there",
        )  # fmt: skip

    # --- running -------------------------------------------------------------------------------------------------

    @on(CommandLine.Submitted)
    def _run_typed(self, message: CommandLine.Submitted) -> None:
        if self.host is not None:
            self._run(self.host, message.line)

    def _run(self, host: str, line: str) -> None:
        place = self._place
        changing = _CHANGE_DIRECTORY.fullmatch(line) is not None
        text = f"{line} && pwd" if changing else line
        spec = CommandSpec(text.encode("utf-8", "surrogateescape"), cwd=place.directory, time_limit=place.time_limit)
        if changing:
            self._change_directory(place, self._start(host, spec))
        else:
            self._start_or_ask(host, spec, line)

    def _start(self, host: str, spec: CommandSpec) -> RunningCommand:
        command = self.services.commands.start(host, spec)
        self._select(command)
        return command

    def _start_or_ask(self, host: str, spec: CommandSpec, line: str = "") -> None:
        """Run it where the host is there; else ask whether to connect or to queue it."""
        if is_away(self, host):
            self._ask_about(host, spec, line)
        else:
            self._start(host, spec)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_about(self, host: str, spec: CommandSpec, line: str) -> None:
        action = RunCommand(spec.command, cwd=spec.cwd, env=spec.env, time_limit=spec.time_limit)
        answer = await ask_about(self, host, action)
        if answer is None and not self.line.input.value:
            self.line.input.value = line  # what was typed is not lost
        elif answer is not None and answer.choice is Choice.NOW:
            self._start(host, spec)

    @work(group="change-directory", exit_on_error=False)
    async def _change_directory(self, place: _Place, command: RunningCommand) -> None:
        """The next commands run where `cd` went, if it went anywhere: the host itself has said where that is."""
        outcome = await command.wait()
        lines = [line.raw for line in command.output.lines(command.output.first, command.output.end)]
        if outcome.succeeded and lines and lines[-1].startswith(b"/"):
            place.directory = lines[-1]
            self._draw_prompt()

    def _select(self, command: RunningCommand) -> None:
        self._place.selected = command.id
        self._draw_list()
        self._draw_head()
        self.output.follow()

    def action_again(self) -> None:
        if (command := self._selected) is not None:
            self._start_or_ask(command.host, command.spec)

    # --- stopping ------------------------------------------------------------------------------------------------

    def action_interrupt(self) -> None:
        """Copy what is selected, else stop the command that is shown."""
        if text := self.get_selected_text():
            self.app.copy_to_clipboard(text)
            self.post_message(Notice("Copied. Press ctrl+c again, with nothing selected, to stop the command."))
            self.clear_selection()
            return
        command = self._selected
        if command is not None and command.state is CommandState.CANCELLING:
            self.post_message(Notice("It was told to stop; waiting until the host confirms that it did."))
        elif command is not None:
            command.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "interrupt":
            return self._can_stop or bool(self.selections)
        if action in {"previous", "following", "again"}:
            return bool(self._commands)
        return True

    @property
    def _can_stop(self) -> bool:
        return (command := self._selected) is not None and command.outcome is None

    # --- moving about --------------------------------------------------------------------------------------------

    @on(RowList.Highlighted, "#runs")
    def _looked_at(self) -> None:
        if (command := self._runs.current) is not None and command.id != self._place.selected:
            self._place.selected = command.id
            self._draw_head()

    @on(RowList.Chosen, "#runs")
    def _taken(self) -> None:
        self.output.focus()

    def action_previous(self) -> None:
        self._runs.action_cursor_down()

    def action_following(self) -> None:
        self._runs.action_cursor_up()

    def action_page_up(self) -> None:
        self.output.action_page_up()

    def action_page_down(self) -> None:
        self.output.action_page_down()

    def action_to_output(self) -> None:
        """Round the three parts, the output first."""
        if self.focused is self.line.input and self._selected is not None:
            self.output.focus()
        elif self.focused is self.output:
            self._runs.focus()
        else:
            self.line.input.focus()

    def action_type(self) -> None:
        self.line.input.focus()

    @on(CommandField.Changed)
    def _remember_draft(self, message: CommandField.Changed) -> None:
        if message.input is self.line.input:
            self._place.draft = message.value

    # --- asking --------------------------------------------------------------------------------------------------

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_time_limit(self) -> None:
        place = self._place
        value = f"{place.time_limit:g}" if place.time_limit else ""
        detail = "Seconds after which a command is stopped. Nothing: no limit."
        answer = await self.workbench.push_screen_wait(
            LinePrompt("time limit for the next commands", detail, value=value, check=_no_limit)
        )
        if answer is not None:
            place.time_limit = float(answer) if answer.strip() else None
            self._draw_prompt()

    @on(OutputView.SaveAsked)
    def _save_asked(self) -> None:
        if (command := self._selected) is not None:
            self._save(command)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _save(self, command: RunningCommand) -> None:
        name = re.sub(r"[^\w.-]+", "-", command.spec.command.decode("utf-8", "replace")).strip("-.")[:40]
        value = f"~/{command.host}-{name or 'output'}.log"
        detail = "A new file on this machine. The output goes there as it came, colours and all."
        answer = await self.workbench.push_screen_wait(LinePrompt("save the output", detail, value=value))
        if answer is not None:
            await self._save_to(command, os.path.expanduser(answer.strip()))  # noqa: ASYNC240, PTH111 - reads no disk

    async def _save_to(self, command: RunningCommand, path: str) -> None:
        try:
            saved = await command.save(Path(path))
        except FairleadError as error:
            self.post_message(OperationFailed(error, "saving the output"))
            return
        missing = f" {saved.dropped_lines:,} older lines were dropped before." if saved.dropped_lines else ""
        self.post_message(Notice(f"Saved {saved.bytes:,} bytes to {saved.path}.{missing}"))


def _no_limit(answer: str) -> str:
    """What is wrong with a time limit."""
    text = answer.strip()
    try:
        fine = not text or 0 < float(text) < float("inf")
    except ValueError:
        fine = False
    return "" if fine else "A number of seconds above zero, or nothing."
