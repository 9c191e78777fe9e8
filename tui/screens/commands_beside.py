"""What opens beside the commands: the detached jobs of the host, and its processes; and a line that is run detached."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.binding import BindingType

from backend.commands.jobs.model import JobSpec
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.messages import Notice, OperationFailed
from tui.screens.base import WorkbenchScreen
from tui.widgets.command_field import CommandLine

_GROUP = "Commands"

ACTIONS = (
    Action("commands.jobs", "alt+j", "jobs", "The commands that outlive the connection: state, output, stop.", _GROUP,
           "commands", rank=5),
    Action("commands.detach", "alt+d", "run detached", "Run what is typed so that it outlives the connection.", _GROUP,
           "commands"),
    Action("commands.processes", "alt+p", "processes", "What runs on this host, with memory and processor.", _GROUP,
           "commands", rank=6),
)  # fmt: skip


class CommandsBeside(WorkbenchScreen):
    """The Commands screen is built on it. Where jobs run is said by `directory`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    @property
    def directory(self) -> bytes | None:
        """Where commands run now; None is the home directory."""
        raise NotImplementedError

    def action_jobs(self) -> None:
        if self.host is not None:
            from tui.prompts.jobs import JobsPanel

            panel = JobsPanel(self.host, self.services, self.glyphs, directory=self.directory)
            self.workbench.push_screen(panel)

    def action_processes(self) -> None:
        if self.host is not None:
            from tui.prompts.processes import ProcessesPanel

            self.workbench.push_screen(ProcessesPanel(self.host, self.services, self.glyphs))

    @work(group="detach", exit_on_error=False)
    async def action_detach(self) -> None:
        """Start the line that is typed as a job; without one, say how."""
        field = self.query_one(CommandLine).input
        typed, host = field.value, self.host
        line = typed.strip()
        if host is None or not line:
            self.post_message(Notice("Type a command first; alt+d then runs it so that it outlives the connection."))
            return
        field.history.add(line)
        field.value = ""
        spec = JobSpec(line.encode("utf-8", "surrogateescape"), cwd=self.directory)
        try:
            job = await self.services.jobs.start(host, spec)
        except FairleadError as error:
            if not field.value and self.host == host:
                field.value = line  # what was typed is not lost
            self.post_message(OperationFailed(error, f"starting a job on {clean_line(host)}"))
            return
        self.services.history.keep_apart(typed, host, spec.cwd)
        risk = f" But {job.risk}." if job.risk else ""
        self.post_message(
            Notice(f"Started as a job. alt+j shows what it says and takes.{risk}", title=clean_line(line))
        )
