"""What a job says, from its first byte, as it comes; over as many connections as it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.commands.jobs.following import Following
from backend.commands.jobs.model import Job
from backend.connection.state import CONNECTED
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.format import duration_text
from tui.job_looks import elapsed, job_look, job_title
from tui.messages import JobsUpdated
from tui.prompts.base import Words
from tui.prompts.modal import Modal
from tui.told import told_at
from tui.widgets.explanation import explain
from tui.widgets.footer import Footer
from tui.widgets.output_pane import OutputPane

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

ACTIONS = (
    Action("job_output.close", "escape,q", "close", "Back to the jobs; this one goes on.", scope="job output", rank=1,
           key_display="esc"),
)  # fmt: skip


class JobPane(OutputPane):
    """The output, under a line that tells how the job stands."""

    def compose_above(self) -> ComposeResult:
        yield Words("", id="job-line")
        yield Words("", id="job-trouble")


class JobOutputView(Modal[None]):
    """Follows while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    DEFAULT_CSS = """
    JobOutputView { background: $background; }
    JobOutputView JobPane { height: 1fr; }
    JobOutputView #job-line { height: 1; padding: 0 1; }
    JobOutputView #job-trouble { display: none; height: auto; max-height: 50%; padding: 0 1; }
    JobOutputView #job-trouble.-open { display: block; }
    """

    def __init__(self, job: Job, services: Container, glyphs: Glyphs) -> None:
        super().__init__()
        self._job = job
        self._services = services
        self._glyphs = glyphs
        self._following: Following | None = None

    def compose(self) -> ComposeResult:
        yield JobPane(self._glyphs)
        yield Footer()

    @property
    def pane(self) -> JobPane:
        return self.query_one(JobPane)

    def on_mount(self) -> None:
        self.pane.border_title = Content(f"{clean_line(self._job.host)} {self._glyphs.dot} {job_title(self._job)}")
        self._following = following = self._services.jobs.follow(self._job.host, self._job.id)
        self.pane.view.show(following.output, live=True)
        self.pane.view.focus()
        self.set_interval(1.0, self._draw)
        self._draw()

    @work(group="end", exit_on_error=False)
    async def on_unmount(self) -> None:
        if self._following is not None:
            await self._following.close()

    def hear(self, message: Message) -> None:
        if isinstance(message, JobsUpdated) and message.host == self._job.host:
            self.pane.view.grown()
        self._draw()

    def _draw(self) -> None:
        following = self._following
        if following is None:
            return
        self._job = job = following.job or self._job
        self.pane.view.show(following.output, live=not following.ended)
        shown = job_look(job, self._glyphs)
        seconds = elapsed(job, self._services.clock.now())
        took = "" if seconds is None else f"  {duration_text(seconds)}"
        self.pane.query_one("#job-line", Words).update(
            Content.assemble((f"{shown.glyph} {shown.word}", shown.style), (f"{took}{self._away()}", "$quiet"))
        )
        trouble = self.pane.query_one("#job-trouble", Words)
        trouble.set_class(following.error is not None, "-open")
        if following.error is not None:
            error = told_at(self, following.error, job.host, self._draw)
            trouble.update(explain(error.message, error.code, error.evidence, error.advice))

    def _away(self) -> str:
        """That the link is away, where it is: what is on the screen stands still until it is back."""
        if self._following is None or self._following.ended:
            return ""
        there = self._services.sessions.get(self._job.host).state in CONNECTED
        return "" if there else f"  {self._glyphs.dot} the link is away; it goes on from here when it is back"

    def action_close(self) -> None:
        self.dismiss(None)
