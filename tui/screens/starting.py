"""From a line that is typed to a command that runs: where, how, whether the host is there, and what `cd` means. The
Commands screen is built on it."""

from __future__ import annotations

import re

from textual import on, work

from backend.commands.running import RunningCommand
from backend.commands.values import CommandSpec
from backend.requests.model import RunCommand
from tui.command_place import CommandPlace
from tui.messages import Notice
from tui.prompts.away import Choice
from tui.screens.base import WorkbenchScreen
from tui.screens.queueing import ask_about, is_away
from tui.screens.running import run_in_turn
from tui.widgets.command_field import CommandLine

_CHANGE_DIRECTORY = re.compile(r"cd(\s+[^;&|<>()`\n]*)?")


class StartsCommands(WorkbenchScreen):
    """Subclasses have the line and the places, and show what runs."""

    @property
    def line(self) -> CommandLine:
        """Where commands are typed."""
        raise NotImplementedError

    @property
    def place(self) -> CommandPlace:
        """Of the current host."""
        raise NotImplementedError

    @property
    def selected(self) -> RunningCommand | None:
        """The command that is looked at."""
        raise NotImplementedError

    def select(self, command: RunningCommand) -> None:
        """Look at it."""
        raise NotImplementedError

    def draw_prompt(self) -> None:
        """Say where and how the next command runs."""
        raise NotImplementedError

    @on(CommandLine.Submitted)
    def _run_typed(self, message: CommandLine.Submitted) -> None:
        if self.host is not None:
            try:
                self._run(self.host, *message.lines)
            except ValueError:
                self.line.input.value = message.lines[-1]
                self.post_message(Notice(f"It has characters that {self.place.how.encoding} has not."))

    def _run(self, host: str, *typed: str) -> None:
        """Raises ValueError for characters that the host's encoding has not."""
        place, lines = self.place, [line.strip() for line in typed]
        changing = len(lines) == 1 and not place.how.shell and _CHANGE_DIRECTORY.fullmatch(lines[0]) is not None
        texts = [f"{lines[0]} && pwd"] if changing else lines
        opening = place.how.opening(self.services)
        specs = [place.how.spec(text, place.directory, opening) for text in texts]
        if changing:
            self._change_directory(place, self.start(host, specs[0], typed[0]))
        elif len(specs) > 1 or place.how.retries:
            place.selected = None
            run_in_turn(self, host, typed, specs, place.how)
        else:
            self._start_or_ask(host, specs[0], typed[0])

    def start(self, host: str, spec: CommandSpec, line: str = "") -> RunningCommand:
        """Run it, keep `line` in the history, and look at it."""
        command = self.services.commands.start(host, spec)
        self.services.history.keep(line, command)
        self.select(command)
        return command

    def _start_or_ask(self, host: str, spec: CommandSpec, line: str = "") -> None:
        """Run it where the host is there; else ask whether to connect or to queue it. What needs more than a channel of
        its own is not queued: a session, modules, another user, for whose password nobody might be there."""
        if is_away(self, host) and spec.elevate is None and spec.opening is None:
            self._ask_about(host, spec, line)
        else:
            self.start(host, spec, line)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_about(self, host: str, spec: CommandSpec, line: str) -> None:
        action = RunCommand(spec.command, cwd=spec.cwd, env=spec.env, time_limit=spec.time_limit)
        answer = await ask_about(self, host, action)
        if answer is None and not self.line.input.value:
            self.line.input.value = line  # what was typed is not lost
        elif answer is not None and answer.choice is Choice.NOW:
            self.start(host, spec, line)
        elif answer is not None and line:
            self.services.history.keep_apart(line, host, spec.cwd)

    @work(group="change-directory", exit_on_error=False)
    async def _change_directory(self, place: CommandPlace, command: RunningCommand) -> None:
        """The next commands run where `cd` went, if it went anywhere: the host itself has said where that is."""
        outcome = await command.wait()
        lines = [line.raw for line in command.output.lines(command.output.first, command.output.end)]
        if outcome.succeeded and lines and lines[-1].startswith(b"/"):
            place.directory = lines[-1]
            self.draw_prompt()

    def action_again(self) -> None:
        """Run the command that is looked at once more."""
        if (command := self.selected) is not None:
            self._start_or_ask(command.host, command.spec)
