"""Making one side of the files the same as the other: asked for, shown, approved, and told when it has ended."""

from __future__ import annotations

from textual import work
from textual.content import Content

from backend.errors import Interrupted
from backend.files.filesystem import FileSystem
from backend.files.paths import Location, to_text
from backend.files.sync.model import SyncOutcome, SyncRequest
from backend.files.sync.service import Sync
from tui.messages import Notice, OperationFailed
from tui.prompts.sync_options import Ends, SyncOptionsPrompt
from tui.prompts.sync_plan import SyncPanel
from tui.screens.two_panes import TwoPanes
from tui.sync_looks import ends_words, outcome_words, problems_text

TOLD = 3
"""Problems that a toast names."""


class SyncActions(TwoPanes):
    """Makes one pane's directory like the other's."""

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_sync(self) -> None:
        """Ask how, compare, show the plan; what is approved goes on whatever screen is in front."""
        pane, other = self.pane, self.other
        if pane.files is None or other.files is None:
            return
        if (pane.files.host is None) is (other.files.host is None):
            words = "A sync has this machine on one side and a host on the other; o shows another machine on a side."
            self.post_message(Notice(words))
            return
        ends = Ends(_location(pane.files, pane.path), _location(other.files, other.path))
        request = await self.workbench.push_screen_wait(SyncOptionsPrompt(ends, self.glyphs))
        if request is None:
            return
        panel = SyncPanel(request, self.services, self.glyphs)
        await self.workbench.push_screen_wait(panel)
        if panel.approved and panel.sync is not None:
            self._see_it_through(panel.sync)

    @work(group="syncs", exit_on_error=False)
    async def _see_it_through(self, sync: Sync) -> None:
        outcome = await sync.wait()
        for pane in (self.pane, self.other):
            if pane.files is not None and pane.files.host == sync.request.goal.host:
                self.call_later(self.read_again, pane)
        self._tell(sync.request, outcome)

    def _tell(self, request: SyncRequest, outcome: SyncOutcome) -> None:
        ends = ends_words(request.source, request.goal, self.glyphs)
        if outcome.error is not None and not isinstance(outcome.error, Interrupted):
            self.post_message(OperationFailed(outcome.error, f"syncing {ends}"))
        details = [Content("")] if outcome.problems else []
        words = Content("\n").join([Content(outcome_words(outcome)), *details, *problems_text(outcome, TOLD)])
        stopped = "stopped: " if isinstance(outcome.error, Interrupted) else "synced "
        notice = Notice(words.plain, title=f"{stopped}{ends}")
        notice.severity = "information" if outcome.error is None else "warning"
        self.post_message(notice)


def _location(files: FileSystem, path: bytes) -> Location:
    return Location(to_text(path), files.host)
