"""How commands are run, and where else: as whom, with which modules, in which session, and the cluster's queue. The
Commands screen is built on it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.binding import BindingType

from backend.commands.running import RunningCommand
from backend.commands.values import CommandSpec
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.how_to_run import HowToRun, limit_of
from tui.messages import Notice, OperationFailed
from tui.prompts.how_to_run import HowToRunPrompt
from tui.prompts.line import LinePrompt
from tui.screens.base import WorkbenchScreen

_GROUP = "Commands"

REOPEN = Action(
    "commands.reopen_shell", "alt+a", "new session", "Where the session that commands run in is gone: open a new one.",
    _GROUP, "commands", rank=1,
)  # fmt: skip
ACTIONS = (
    REOPEN,
    Action("commands.how", "alt+o", "how to run", "As another user, with a time limit, retries, an encoding.", _GROUP,
           "commands"),
    Action("commands.time_limit", "alt+t", "time limit", "Stop the next commands after so many seconds.", _GROUP,
           "commands"),
    Action("commands.modules", "alt+m", "modules", "Choose the modules that the next commands run with.", _GROUP,
           "commands"),
    Action("commands.shells", "alt+n", "sessions", "Run the next commands in a session that keeps its state.", _GROUP,
           "commands"),
    Action("commands.slurm", "alt+q", "Slurm", "See the cluster's queue; submit, follow and cancel jobs.", _GROUP,
           "commands"),
)  # fmt: skip


class ChoosesHow(WorkbenchScreen):
    """Subclasses keep what is chosen for each host, draw the prompt anew, and start commands."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    @property
    def how(self) -> HowToRun:
        """What is chosen for the current host."""
        raise NotImplementedError

    def set_how(self, host: str, how: HowToRun) -> None:
        """Run the next commands of `host` so."""
        raise NotImplementedError

    def start(self, host: str, spec: CommandSpec, line: str = "") -> RunningCommand:
        """Run it and show it; `line` is kept in the history."""
        raise NotImplementedError

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_how(self) -> None:
        if (host := self.host) is not None:
            chosen = await self.workbench.push_screen_wait(HowToRunPrompt(host, self.how, self.glyphs))
            if chosen is not None:
                self.set_how(host, chosen)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_time_limit(self) -> None:
        if (host := self.host) is None:
            return
        value = f"{self.how.time_limit:g}" if self.how.time_limit else ""
        detail = "Seconds after which a command is stopped. Nothing: no limit."
        answer = await self.workbench.push_screen_wait(
            LinePrompt("time limit for the next commands", detail, value=value, check=_no_limit)
        )
        if answer is not None:
            self.set_how(host, replace(self.how, time_limit=limit_of(answer)))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_modules(self) -> None:
        if (host := self.host) is None:
            return
        if self.how.shell:
            words = f"The session {self.how.shell} has modules of its own: type module load in it, or leave it (alt+n)."
            self.post_message(Notice(clean_line(words)))
            return
        from tui.prompts.modules import ModulesPrompt

        chosen = await self.workbench.push_screen_wait(
            ModulesPrompt(host, self.services, self.glyphs, self.how.modules)
        )
        self.set_how(host, replace(self.how, modules=chosen))

    def action_shells(self) -> None:
        if (host := self.host) is None:
            return
        from tui.prompts.shells import ShellsPanel

        def choose(name: str) -> None:
            self.set_how(host, replace(self.how, shell=name))

        self.workbench.push_screen(ShellsPanel(host, self.services, self.glyphs, self.how.shell, choose))

    @property
    def shell_is_gone(self) -> bool:
        """Whether commands would run in a session that is no more."""
        if self.host is None or not self.how.shell:
            return False
        shell = self.services.shells.find(self.host, self.how.shell)
        return shell is not None and bool(shell.gone)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.shell_is_gone if action == "reopen_shell" else super().check_action(action, parameters)

    @work(group="reopen", exclusive=True, exit_on_error=False)
    async def action_reopen_shell(self) -> None:
        """Under the name of the one that is gone; what was in that is not in it."""
        if (host := self.host) is None:
            return
        name = self.how.shell
        try:
            await self.services.shells.open(host, name)
        except FairleadError as error:
            self.post_message(OperationFailed(error, f"opening the session {clean_line(name)}"))
            return
        self.set_how(host, replace(self.how, shell=name))
        self.refresh_bindings()
        words = "It begins in the home directory: what the one before had set is not in it."
        self.post_message(Notice(words, title=f"a new session {clean_line(name)}"))

    def action_slurm(self) -> None:
        if (host := self.host) is None:
            return
        from tui.prompts.slurm import SlurmPanel

        self.workbench.push_screen(SlurmPanel(host, self.services, self.glyphs, lambda spec: self.start(host, spec)))


def _no_limit(answer: str) -> str:
    """What is wrong with a time limit."""
    try:
        limit_of(answer)
    except ValueError:
        return "A number of seconds above zero, or nothing."
    return ""
