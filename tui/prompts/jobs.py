"""The detached jobs of a host, from whatever machine they were started: what they take, how they end, what they say."""

from __future__ import annotations

from collections.abc import Coroutine, Hashable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.commands.jobs.model import OPEN, Job, JobSpec, JobState
from backend.connection.interaction import Confirmation
from backend.connection.state import CONNECTED
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.job_looks import job_line, job_story, job_title
from tui.messages import JobsUpdated, Notice, OperationFailed
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.job_output import JobOutputView
from tui.prompts.line import LinePrompt
from tui.prompts.panel import Panel, PanelList
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

PERIOD = 3.0
"""Seconds between two looks at the host while the panel is in front."""
_GROUP = "Jobs"

ACTIONS = (
    Action("jobs.new", "n", "new", "Start a command that outlives the connection.", _GROUP, "jobs", rank=2),
    Action("jobs.stop", "s", "stop", "End this job: TERM for all of it, then KILL.", _GROUP, "jobs", rank=3),
    Action("jobs.remove", "r", "remove", "Forget this job, its output with it.", _GROUP, "jobs", rank=4),
    Action("jobs.look", "L", "look now", "Look at the host now; connects if need be.", _GROUP, "jobs", rank=5),
    Action("jobs.everywhere", "t", "all hosts", "Show the jobs of every host, as far as they are known, or of this one"
           " alone.", _GROUP, "jobs", rank=6),
)  # fmt: skip
OUTPUT = Action("jobs.output", "enter,o", "output", "Show what the job says, as it comes.", _GROUP, "jobs", rank=1)


class JobList(PanelList[Job]):
    """The jobs, one line each, newest first."""

    HELP = """
    Commands that were started to outlive the connection. They go on when Fairlead ends and when the link is lost; their
    output is kept on the host, in a directory for your account alone, until you remove them.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((OUTPUT,))]

    def __init__(self, panel: JobsPanel) -> None:
        super().__init__(id="panel-list")
        self._panel = panel

    def key_of(self, row: Job) -> Hashable:
        return row.host, row.id

    def draw(self, row: Job, width: int) -> Content:
        panel = self._panel
        name = Content.styled(f"{clean_line(row.host)[:14]:<14}  ", "$quiet") if panel.everywhere else Content("")
        line = job_line(row, panel.services.clock.now(), panel.glyphs, width - name.cell_length)
        return Content.assemble(name, line)

    def action_output(self) -> None:
        self._panel.show_output()


class JobsPanel(Panel[Job]):
    """Opened with `alt+j`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, host: str, services: Container, glyphs: Glyphs, *, directory: bytes | None = None) -> None:
        """`directory`: where new jobs run; None is the home directory, or the profile's."""
        super().__init__(host, services, glyphs)
        self.everywhere = False
        """Whether the jobs of all hosts are shown."""
        self._directory = directory
        self._jobs: tuple[Job, ...] = ()
        self._left_out = 0
        self._problem: FairleadError | None = None
        self._loaded = False
        self._loading = False

    @property
    def heading(self) -> str:
        return f"jobs on {'all hosts' if self.everywhere else clean_line(self.host)}"

    def make_list(self) -> JobList:
        return JobList(self)

    def on_mount(self) -> None:
        self._load()
        self.set_interval(PERIOD, self._again)

    def on_screen_resume(self) -> None:
        if self._loaded:
            self._load()

    def hear(self, message: Message) -> None:
        if isinstance(message, JobsUpdated) and (self.everywhere or message.host == self.host):
            self._load()

    def _again(self) -> None:
        """The next look, unless nobody is there to see it, nothing runs, or the last one still waits for its answer."""
        looked_at = self.app.screen is self and self.app.app_focus
        if looked_at and not self._loading and any(job.state in OPEN for job in self._jobs):
            self._load()

    @property
    def _there(self) -> bool:
        return self.services.sessions.get(self.host).state in CONNECTED

    @work(exclusive=True, group="jobs", exit_on_error=False)
    async def _load(self, *, connect: bool = False) -> None:
        """What is remembered, at once; then what the host says, where it is there."""
        service, self._loading = self.services.jobs, True
        try:
            if not self._loaded:
                self._jobs = await service.noted(None if self.everywhere else (self.host,))
                self.redraw()
            if connect or self._there:
                listing = await service.listing(self.host)
                self._jobs, self._left_out = listing.jobs, listing.left_out
            if self.everywhere or not self._there:
                self._jobs = await service.noted(None if self.everywhere else (self.host,))
            self._problem = None
        except FairleadError as error:
            self._problem = error
        self._loaded, self._loading = True, False
        self.redraw()

    def rows(self) -> list[Job]:
        return list(self._jobs)

    def story(self, row: Job, width: int) -> Content:
        return job_story(row, self.services.clock.now(), width)

    def nothing(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if not self._loaded:
            return Content(f"Looking{self.glyphs.ellipsis}")
        known = "" if self._there else f" {clean_line(self.host)} is not connected; L connects and looks."
        words = (
            "No jobs are known. A job is a command that goes on when the connection is lost and when Fairlead ends; n"
            f" starts one.{known}"
        )
        return broken(words, width)

    def summary(self) -> str:
        running = sum(job.state in OPEN for job in self._jobs)
        ended = sum(job.state is JobState.ENDED for job in self._jobs)
        lost = len(self._jobs) - running - ended
        parts = [f"{running} running"] if running else []
        parts += [f"{ended} ended"] if ended else []
        parts += [f"{lost} lost"] if lost else []
        parts += [f"{self._left_out} older not listed"] if self._left_out else []
        parts += [self._problem.code.value] if self._problem is not None and self._jobs else []
        return f" {self.glyphs.dot} ".join(parts)

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        match action:
            case "stop":
                return row is not None and row.state in OPEN
            case "remove":
                return row is not None and row.state not in OPEN
            case "output":
                return row is not None and row.state not in {JobState.UNCONFIRMED, JobState.NOT_STARTED}
            case _:
                return True

    def show_output(self) -> None:
        if (row := self.current) is not None and self.check_action("output", ()):
            self.workbench.push_screen(JobOutputView(row, self.services, self.glyphs))

    def action_look(self) -> None:
        self._load(connect=True)

    def action_everywhere(self) -> None:
        self.everywhere = not self.everywhere
        self.query_one("#panel-box").border_title = Content(self.heading)
        self._load()

    @work(group="new-job", exclusive=True, exit_on_error=False)
    async def action_new(self) -> None:
        detail = f"It runs on {clean_line(self.host)} and goes on when the connection is lost."
        line = await self.workbench.push_screen_wait(LinePrompt("run detached", detail, placeholder="make release"))
        if line is not None:
            spec = JobSpec(line.strip().encode("utf-8", "surrogateescape"), cwd=self._directory)
            await self._do(self.services.jobs.start(self.host, spec), "starting a job")

    @work(group="job", exit_on_error=False)
    async def action_stop(self) -> None:
        if (row := self.current) is None:
            return
        words = f"{job_title(row)}\n\nAll its processes get TERM; those that are left after five seconds get KILL."
        question = Confirmation("stop this job?", words, yes="Stop it", danger=True)
        if await self.workbench.push_screen_wait(ConfirmPrompt(question)):
            self.workbench.post_message(Notice("Told to stop; waiting until the host confirms it."))
            await self._do(self.services.jobs.stop(row.host, row.id), "stopping a job")

    @work(group="job", exit_on_error=False)
    async def action_remove(self) -> None:
        if (row := self.current) is None:
            return
        words = f"{job_title(row)}\n\nIts output on the host goes with it."
        question = Confirmation("remove this job?", words, yes="Remove it", danger=True)
        if await self.workbench.push_screen_wait(ConfirmPrompt(question)):
            await self._do(self.services.jobs.remove(row.host, row.id), "removing a job")

    async def _do(self, what: Coroutine[Any, Any, object], doing: str) -> None:
        try:
            await what
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, doing))
        self._load()
