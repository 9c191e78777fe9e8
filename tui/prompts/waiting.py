"""What waits for a host while it is away: in the order in which it will be done, with what came of the last ones."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.errors import FairleadError
from backend.priority import Priority
from backend.requests.model import OPEN, Request, RequestState, RunCommand
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.detail.waiting import request_line, request_story
from tui.messages import Notice, OperationFailed, RecordUpdated
from tui.prompts.deadline import ask_deadline
from tui.prompts.panel import Panel, PanelList
from tui.prompts.view import FileView
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

_GROUP = "Waiting requests"
_W = RequestState.WAITING

ACTIONS = (
    Action("waiting.cancel", "x", "cancel", "Take this request out, or stop it while it is under way.", _GROUP,
           "waiting", rank=1),
    Action("waiting.earlier", "shift+up,K", "earlier", "Do this before the one above it.", _GROUP, "waiting", rank=3,
           key_display="K"),
    Action("waiting.later", "shift+down,J", "later", "Do this after the one below it.", _GROUP, "waiting",
           key_display="J"),
    Action("waiting.priority", "p", "priority", "Low, normal or high: higher ones go first.", _GROUP, "waiting",
           rank=4),
    Action("waiting.deadline", "d", "deadline", "Say after which time it is not to be begun; one that was too late"
           " waits again.", _GROUP, "waiting", rank=5),
    Action("waiting.everywhere", "t", "all hosts", "Show what waits for every host, or for this one alone.", _GROUP,
           "waiting", rank=6),
    Action("waiting.clear", "C", "clear ended", "Forget those that have ended, their output with them.", _GROUP,
           "waiting", rank=10),
)  # fmt: skip
OUTPUT = Action("waiting.output", "enter,o", "output", "Show what the command said.", _GROUP, "waiting", rank=2)


class RequestList(PanelList[Request]):
    """The requests, one line each."""

    HELP = """
    Commands and copies that were asked for while the host was away. They wait over a restart too, and are done in this
    order as soon as the host is connected, each of them once.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((OUTPUT,))]

    def __init__(self, panel: WaitingPanel) -> None:
        super().__init__(id="panel-list")
        self._panel = panel

    def key_of(self, row: Request) -> Hashable:
        return row.number

    def draw(self, row: Request, width: int) -> Content:
        panel = self._panel
        name = Content.styled(f"{clean_line(row.host)[:14]:<14}  ", "$quiet") if panel.everywhere else Content("")
        line = request_line(row, panel.services.clock.now(), width - name.cell_length, panel.glyphs)
        return Content.assemble(name, line)

    def action_output(self) -> None:
        self._panel.show_output()


class WaitingPanel(Panel[Request]):
    """Opened with `w`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self.everywhere = False
        """Whether the requests of all hosts are shown."""
        self._requests: Sequence[Request] = ()
        self._problem: FairleadError | None = None
        self._loaded = False

    @property
    def heading(self) -> str:
        return f"waiting for {'any host' if self.everywhere else clean_line(self.host)}"

    def make_list(self) -> RequestList:
        return RequestList(self)

    def on_mount(self) -> None:
        self._load()

    @work(exclusive=True, group="requests", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._requests = await self.services.requests.all(None if self.everywhere else self.host)
            self._problem = None
        except FairleadError as error:
            self._problem = error
        self._loaded = True
        self.redraw()

    def hear(self, message: Message) -> None:
        if isinstance(message, RecordUpdated) and (self.everywhere or message.host == self.host):
            self._load()

    def rows(self) -> list[Request]:
        return [] if self._problem is not None else list(self._requests)

    def story(self, row: Request, width: int) -> Content:
        return request_story(row, self.services.clock.now(), width)

    def nothing(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if not self._loaded:
            return Content(f"Reading the queue{self.glyphs.ellipsis}")
        where = "any host" if self.everywhere else clean_line(self.host)
        words = (
            f"Nothing waits for {where}. When a host is away, a command that you enter (2) or a copy that you ask for"
            " (3) can be queued; it is done as soon as the host is there."
        )
        return broken(words, width)

    def summary(self) -> str:
        waiting = sum(request.state is _W for request in self._requests)
        ended = sum(request.state not in OPEN for request in self._requests)
        parts = [f"{waiting} waiting"] if waiting else []
        parts += [f"{ended} ended"] if ended else []
        return f" {self.glyphs.dot} ".join(parts)

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        match action:
            case "cancel":
                return row is not None and row.state in OPEN
            case "priority":
                return row is not None and row.state is _W
            case "deadline":
                return row is not None and row.state in {_W, RequestState.EXPIRED}
            case "earlier":
                return self._beside(-1) is not None
            case "later":
                return self._beside(1) is not None
            case "output":
                return row is not None and isinstance(row.action, RunCommand) and row.attempts > 0
            case "clear":
                return any(request.state not in OPEN for request in self._requests)
            case _:
                return True

    def _beside(self, step: int) -> Request | None:
        """The one that this one can change places with: of the same host and priority, and waiting as well."""
        row = self.current
        if row is None or row.state is not _W:
            return None
        fellows = [one for one in self._requests if _may_change_places(one, row)]
        index = next(index for index, one in enumerate(fellows) if one.number == row.number) + step
        return fellows[index] if 0 <= index < len(fellows) else None

    def action_earlier(self) -> None:
        if (row := self.current) is not None and (above := self._beside(-1)) is not None:
            self._move(row.number, before=above.number)

    def action_later(self) -> None:
        if (row := self.current) is not None and (below := self._beside(1)) is not None:
            self._move(below.number, before=row.number)

    def action_priority(self) -> None:
        if (row := self.current) is not None:
            priorities = list(Priority)
            self._move(row.number, priority=priorities[(priorities.index(row.priority) + 1) % len(priorities)])

    @work(group="deadline", exclusive=True, exit_on_error=False)
    async def action_deadline(self) -> None:
        if (row := self.current) is None:
            return
        wanted = await ask_deadline(self.app, self.services.clock.now, row.deadline if row.state is _W else None)
        if wanted is None:
            return
        try:
            if not await self.services.requests.set_deadline(row.number, wanted.until):
                self.workbench.post_message(Notice("It is no longer waiting.", severity="warning"))
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "changing the queue"))
        self._load()

    @work(group="queue", exit_on_error=False)
    async def _move(self, number: int, *, before: int | None = None, priority: Priority | None = None) -> None:
        try:
            await self.services.requests.move(number, priority=priority, before=before)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "changing the queue"))
        self._load()

    @work(group="queue", exit_on_error=False)
    async def action_cancel(self) -> None:
        if (row := self.current) is None:
            return
        try:
            if not await self.services.requests.cancel((row.number,)):
                self.workbench.post_message(Notice("It is no longer waiting.", severity="warning"))
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "changing the queue"))
        self._load()

    @work(group="queue", exit_on_error=False)
    async def action_clear(self) -> None:
        try:
            count = await self.services.requests.clear(None if self.everywhere else self.host)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "changing the queue"))
        else:
            self.workbench.post_message(Notice(f"{count} forgotten."))
        self._load()

    def action_everywhere(self) -> None:
        self.everywhere = not self.everywhere
        self.query_one("#panel-box").border_title = Content(self.heading)
        self._load()

    @work(group="output", exclusive=True, exit_on_error=False)
    async def show_output(self) -> None:
        """What the command under the cursor said, both streams as they came."""
        if (row := self.current) is None or not self.check_action("output", ()):
            return
        path = self.services.requests.output_of(row)
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError:
            self.workbench.post_message(Notice("Nothing was kept of what it said.", severity="warning"))
            return
        files, name = self.services.files.local, clean_line(row.action.words)
        self.workbench.push_screen(FileView(files, os.fsencode(path), name, size, self.glyphs, self.services.clock))


def _may_change_places(one: Request, other: Request) -> bool:
    return one.state is _W and one.host == other.host and one.priority is other.priority
