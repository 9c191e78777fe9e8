"""Commands: type, run, watch the output come, stop, look back. The commands themselves belong to their service."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container as Box
from textual.containers import Vertical
from textual.content import Content

from backend.commands.executor import CommandState, RunningCommand
from backend.diagnostics.places import rung_of
from backend.errors import FairleadError
from backend.text import clean_line, show_bytes
from tui.actions import Action, bindings_of, key_shown
from tui.command_looks import end_note
from tui.command_place import CommandPlace
from tui.how_to_run import HowToRun
from tui.messages import CommandUpdated, Notice
from tui.screens.choosing import REOPEN, ChoosesHow
from tui.screens.commands_beside import CommandsBeside
from tui.screens.opened import MANY, open_many
from tui.screens.remembering import Remembering
from tui.screens.saving_output import SavesOutput
from tui.screens.starting import StartsCommands
from tui.status import why_not_there
from tui.widgets.command_field import INTERRUPT, CommandField, CommandLine, History
from tui.widgets.command_pane import CommandPane
from tui.widgets.output_view import OutputView
from tui.widgets.row_list import RowList
from tui.widgets.run_list import RunList

_GROUP = "Commands"

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
    Action("commands.diagnose", "alt+w", "diagnose", "Climb the ladder of this host, to where the command failed.",
           _GROUP, "commands", rank=2),
    Action("commands.again", "alt+r", "run again", "Run the command that is shown once more.", _GROUP, "commands"),
    MANY,
    Action("commands.type", "escape", "type", "Back to the command line.", _GROUP, "commands", palette=False),
)  # fmt: skip


class CommandsScreen(StartsCommands, SavesOutput, CommandsBeside, ChoosesHow, Remembering):
    """The commands of the current host."""

    NAME = "commands"
    CSS_PATH = "commands.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    AUTO_FOCUS = "#command-line CommandField"

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, CommandPlace] = {}

    def compose_body(self) -> ComposeResult:
        with Box(id="command-area"):
            with Vertical(id="run-list-pane", classes="pane") as pane:
                pane.border_title = Content("runs")
                yield RunList(self.glyphs, self.services.clock.now, id="runs")
            yield CommandPane(self.glyphs, id="output-pane")
        yield CommandLine(id="command-line")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._draw_times)
        self.line.input.checking = self._checks_password

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
    def place(self) -> CommandPlace:
        return self._place_of(self.host or "")

    def _place_of(self, host: str) -> CommandPlace:
        return self._places.setdefault(host, CommandPlace())

    @property
    def directory(self) -> bytes | None:
        return self.place.directory

    @property
    def _commands(self) -> list[RunningCommand]:
        """Of this host, newest first."""
        return [command for command in reversed(self.services.commands.all()) if command.host == self.host]

    @property
    def selected(self) -> RunningCommand | None:
        commands = self._commands
        return next((command for command in commands if command.id == self.place.selected), next(iter(commands), None))

    def _checks_password(self) -> bool:
        """Whether sudo or su of this host may be about to ask once more."""
        starting = any(one.state is CommandState.STARTING and one.spec.elevate is not None for one in self._commands)
        return starting and self.services.elevation(self.host or "").checking

    # --- keeping up ----------------------------------------------------------------------------------------------

    def on_host_changed(self, host: str | None) -> None:
        if host is not None and host not in self._places:
            self.recall(host)
        self.line.input.history = self.place.history
        self.line.input.value = self.place.draft
        self._draw()

    def on_shown(self) -> None:
        self._draw()
        self.output.grown()

    def on_command_updated(self, message: CommandUpdated) -> None:
        if message.host != self.host:
            return
        self._draw_list()
        self.draw_prompt()
        if (selected := self.selected) is not None and selected.id == message.command_id:
            self.output.grown()
            self._draw_head()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw_head)

    def _draw(self) -> None:
        self.draw_prompt()
        self._draw_list()
        self._draw_head()

    def _draw_times(self) -> None:
        if self.workbench.front is not self:
            return
        if self.host is not None and self.how.shell:
            self.draw_prompt()  # a session may be gone without anybody having asked
            self.refresh_bindings()
        if any(command.outcome is None for command in self._commands):
            self._runs.refresh()
            self._draw_head()

    def draw_prompt(self) -> None:
        self.line.input.disabled = self.host is None
        if self.host is None:
            self.line.refuse("No host chosen: ctrl+o chooses one.")
            return
        if self.shell_is_gone:
            self.line.place_gone(self.host, self.how.shell, key_shown(REOPEN.id, self.workbench.options.keymap))
            return
        how = self.how
        shell = self.services.shells.find(self.host, how.shell) if how.shell else None
        directory = self.place.directory if shell is None else shell.directory
        self.line.place(self.host, show_bytes(directory) if directory else "~", how.words, shell=how.shell)

    def _draw_list(self) -> None:
        commands = self._commands
        self.set_class(not commands, "-empty")
        with self.prevent(RowList.Highlighted):
            self._runs.set_rows(commands)
            if (selected := self.selected) is not None:
                self._runs.move_to(selected.id)
        running = sum(command.outcome is None for command in commands)
        title = f"runs {self.glyphs.dot} {running} running" if running else "runs"
        self.query_one("#run-list-pane").border_title = Content(title)

    def _draw_head(self) -> None:
        """The lines above the output, and the output itself."""
        command, pane = self.selected, self._pane
        pane.border_title = Content(self.host or "")
        if command is None:
            pane.show_nothing(self.host)
        else:
            pane.show(command, self._waits_note(command) or self._end_note(command), self.services.clock.now())
            self.refresh_bindings()

    def _waits_note(self, command: RunningCommand) -> Content | None:
        """Why a command has not begun, where that is because its host is on its way."""
        if command.state is not CommandState.STARTING:
            return None
        why = why_not_there(self.services.sessions.get(command.host), self.services.clock.monotonic())
        words = f"It begins as soon as {clean_line(command.host)} is there: {why}."
        return Content.styled(words, "$warning") if why else None

    def _end_note(self, command: RunningCommand) -> Content | None:
        error = self._failure(command)
        told = None if error is None else self.workbench.told(error, command.host, self._draw_head)
        note = end_note(command, self.glyphs, told)
        if note is None or told is None or rung_of(told.code) is None:
            return note
        key = key_shown("commands.diagnose", self.workbench.options.keymap)
        return Content.assemble(note, "\n", (key, "bold $accent"), "  diagnose")

    @staticmethod
    def _failure(command: RunningCommand | None) -> FairleadError | None:
        return command.outcome.error if command is not None and command.outcome is not None else None

    # --- running -------------------------------------------------------------------------------------------------

    @property
    def how(self) -> HowToRun:
        return self.place.how

    def history_of(self, host: str) -> History:
        return self._place_of(host).history

    def set_how(self, host: str, how: HowToRun) -> None:
        self._place_of(host).how = how
        self.draw_prompt()

    def select(self, command: RunningCommand) -> None:
        self.place.selected = command.id
        self._draw_list()
        self._draw_head()
        self.output.follow()

    def action_diagnose(self) -> None:
        """Climb the ladder, because of how the command that is shown ended."""
        command = self.selected
        if command is not None and (error := self._failure(command)) is not None:
            self.workbench.diagnose_met(error, "the command", host=command.host, at=command.started_at)

    # --- stopping ------------------------------------------------------------------------------------------------

    def action_interrupt(self) -> None:
        """Copy what is selected, else stop the command that is shown."""
        if text := self.get_selected_text():
            self.app.copy_to_clipboard(text)
            self.post_message(Notice("Copied. Press ctrl+c again, with nothing selected, to stop the command."))
            self.clear_selection()
            return
        command = self.selected
        if command is not None and command.state is CommandState.CANCELLING:
            self.post_message(Notice("It was told to stop; waiting until the host confirms that it did."))
        elif command is not None and (sequence := self.services.sequences.of(command.id)) is not None:
            sequence.stop()
        elif command is not None:
            command.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "interrupt":
            return self._can_stop or bool(self.selections)
        if action in {"previous", "following", "again"}:
            return bool(self._commands)
        if action == "diagnose":
            error = self._failure(self.selected)
            return error is not None and rung_of(error.code) is not None
        return super().check_action(action, parameters)

    @property
    def _can_stop(self) -> bool:
        return (command := self.selected) is not None and command.outcome is None

    # --- moving about --------------------------------------------------------------------------------------------

    @on(RowList.Highlighted, "#runs")
    def _looked_at(self) -> None:
        if (command := self._runs.current) is not None and command.id != self.place.selected:
            self.place.selected = command.id
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
        if self.focused is self.line.input and self.selected is not None:
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
            self.place.draft = message.value

    def action_many_hosts(self) -> None:
        open_many(self)
