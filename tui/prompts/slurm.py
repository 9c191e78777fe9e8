"""The queue of the cluster that a host belongs to: what waits and why, what runs and for how long yet."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content

from backend.commands.slurm.following import following
from backend.commands.slurm.poll import Queue
from backend.commands.slurm.values import Job
from backend.commands.values import CommandSpec
from backend.connection.interaction import Confirmation
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.detail.slurm import job_line, job_story, partitions_table
from tui.messages import Notice, OperationFailed
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.panel import Panel, PanelList
from tui.prompts.reading import ReadingPrompt
from tui.prompts.submit import SubmitPrompt
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

_GROUP = "Slurm"

ACTIONS = (
    Action("slurm.submit", "n", "submit", "Submit a job.", _GROUP, "slurm", rank=2),
    Action("slurm.cancel", "x", "cancel", "Cancel this job; asks first.", _GROUP, "slurm", rank=3),
    Action("slurm.everybody", "a", "all / own", "Everybody's jobs, or your own.", _GROUP, "slurm", rank=4),
    Action("slurm.nodes", "p", "nodes", "Partitions, and the states of their nodes.", _GROUP, "slurm", rank=5),
    Action("slurm.look", "r", "look again", "Ask for the queue now.", _GROUP, "slurm", rank=6),
)
FOLLOW = Action(
    "slurm.follow", "enter,f", "follow", "Show the job's output as it comes, on the commands screen.", _GROUP, "slurm",
    rank=1,
)  # fmt: skip


class JobList(PanelList[Job]):
    """The jobs, one line each."""

    HELP = """
    The queue is asked for every few seconds, less often while nothing changes. Jobs that have ended stay as long as
    the cluster's controller knows them.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((FOLLOW,))]

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs

    def key_of(self, row: Job) -> Hashable:
        return row.id

    def draw(self, row: Job, width: int) -> Content:
        return job_line(row, width, self._glyphs)

    def action_follow(self) -> None:
        self.action_choose()


class SlurmPanel(Panel[Job]):
    """Opened with `alt+q`; `start` runs a command where its output is seen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, host: str, services: Container, glyphs: Glyphs, start: Callable[[CommandSpec], object]) -> None:
        super().__init__(host, services, glyphs)
        self._start = start
        self._everybody = False
        self._queue: Queue | None = None
        self._problem: FairleadError | None = None

    @property
    def heading(self) -> str:
        return f"Slurm on {clean_line(self.host)}"

    def make_list(self) -> JobList:
        return JobList(self.glyphs)

    def on_mount(self) -> None:
        self._watch(at_once=True)

    @work(exclusive=True, group="queue", exit_on_error=False)
    async def _watch(self, *, at_once: bool) -> None:
        """Show the queue, and each newer one, until this is closed."""
        poll = self.services.slurm.poll(self.host, everybody=self._everybody)
        while True:
            try:
                self._queue = await (poll.now() if at_once else poll.newer(poll.last))
                self._problem = None
            except FairleadError as error:
                self._problem = error
                if not error.retryable:
                    self._queue = None
                    self.redraw()
                    return
            at_once = False
            self.redraw()

    def rows(self) -> list[Job]:
        """What runs, what waits, what has ended."""
        jobs = () if self._queue is None else self._queue.jobs
        return sorted(jobs, key=lambda job: (job.ended, job.waits))

    def story(self, row: Job, width: int) -> Content:
        return job_story(row, width)

    def nothing(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if self._queue is None:
            return Content(f"Asking for the queue{self.glyphs.ellipsis}")
        whose = "No job waits or runs." if self._everybody else "None of your jobs waits or runs."
        return broken(f"{whose} Press n to submit one, a for {'your own' if self._everybody else 'all'} jobs.", width)

    def summary(self) -> str:
        if self._queue is None:
            return ""
        if self._problem is not None:
            return f"as it was: {clean_line(self._problem.message)}"
        running = sum(job.runs for job in self._queue.jobs)
        waiting = sum(job.waits for job in self._queue.jobs)
        whose = "all jobs" if self._everybody else "your jobs"
        every = round(self.services.slurm.poll(self.host, everybody=self._everybody).period)
        return f"{whose}: {running} running, {waiting} waiting {self.glyphs.dot} asked every {every} s"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        match action:
            case "follow":
                return row is not None and "[" not in row.id
            case "cancel":
                return row is not None and not row.ended
            case "submit" | "nodes" | "everybody":
                return self._queue is not None
            case _:
                return True

    # --- what is done ---------------------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _follow_chosen(self) -> None:
        row = self.current
        if row is not None and "[" not in row.id:
            self._follow(row.id)

    def _follow(self, job_id: str) -> None:
        command = f"tail -f slurm-{job_id}.out".encode()
        self._start(CommandSpec(command, opening=following(self.services.slurm, job_id)))
        self.dismiss(None)

    def action_everybody(self) -> None:
        self._everybody = not self._everybody
        self._queue = None
        self.redraw()
        self._watch(at_once=True)

    def action_look(self) -> None:
        self._watch(at_once=True)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_submit(self) -> None:
        wanted = await self.app.push_screen_wait(SubmitPrompt(self.host))
        if wanted is None:
            return
        try:
            job_id = await self.services.slurm.submit(self.host, wanted)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "submitting a job"))
            return
        self.workbench.post_message(Notice(f"Submitted as job {job_id}."))
        self._watch(at_once=False)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_cancel(self) -> None:
        if (row := self.current) is None:
            return
        detail = f"{row.name}, {row.state.lower()}. What it has computed is lost unless it was saved."
        question = Confirmation(f"cancel job {row.id}?", clean_line(detail), yes="Cancel it", danger=True)
        if not await self.app.push_screen_wait(ConfirmPrompt(question)):
            return
        try:
            job = await self.services.slurm.cancel(self.host, row.id)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "cancelling a job"))
            return
        self.workbench.post_message(Notice(f"Job {job.id}: {job.state.lower()}."))
        self._watch(at_once=False)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_nodes(self) -> None:
        try:
            partitions = await self.services.slurm.nodes(self.host)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "asking for the nodes"))
            return
        self.app.push_screen(ReadingPrompt("partitions and nodes", lambda width: partitions_table(partitions, width)))
