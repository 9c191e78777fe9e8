"""The transfers under the files: the list, what can be done with it, how much goes on. Worked on, it grows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from backend.diagnostics.places import rung_of
from backend.errors import Code, FairleadError
from backend.files.queue.rules import ENDED, GRANTED, OPEN
from backend.files.transfer import Granted, Move, Priority, TransferRecord, TransferState, Wish
from backend.rates import read_rate
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.messages import Notice, OperationFailed
from tui.prompts.line import LinePrompt
from tui.transfer_looks import panel_footer
from tui.widgets.row_list import RowList
from tui.widgets.transfer_list import TransferList

if TYPE_CHECKING:
    from tui.app import WorkbenchApp

_GROUP = "Transfers"
_S = TransferState
CONFIRM_SECONDS = 3.0
"""How long another process is waited for to do as it was asked."""

ACTIONS = (
    Action("transfers.pause", "p", "pause", "Hold this transfer up, or let it go on.", _GROUP, "transfers", rank=1,
           does="hold"),
    Action("transfers.cancel", "x", "cancel", "Stop this transfer; what has arrived is kept.", _GROUP, "transfers",
           rank=2),
    Action("transfers.resume", "r", "go on", "Go on with what was cut off; try again what failed or was cancelled.",
           _GROUP, "transfers", rank=3),
    Action("transfers.retry_failed", "R", "retry failed", "Copy just the items that failed, as a new transfer.", _GROUP,
           "transfers", rank=4),
    Action("transfers.earlier", "shift+up,K", "earlier", "Have it go before the one above it.", _GROUP, "transfers",
           rank=6, key_display="K", does="move('earlier')"),
    Action("transfers.later", "shift+down,J", "later", "Have it go after the one below it.", _GROUP, "transfers",
           key_display="J", does="move('later')"),
    Action("transfers.first", "F", "first", "Have it go before all others.", _GROUP, "transfers", does="move('first')"),
    Action("transfers.priority", "i", "priority", "Low, normal or high: higher ones go first.", _GROUP, "transfers"),
    Action("transfers.rate", "L", "rate limit", "Bytes a second at most, from now on.", _GROUP, "transfers", rank=7),
    Action("transfers.pause_all", "P", "pause all", "Hold everything up, or let everything go on.", _GROUP, "transfers",
           rank=8),
    Action("transfers.clear", "C", "clear ended", "Forget those that have ended.", _GROUP, "transfers", rank=9),
    Action("transfers.diagnose", "d", "diagnose", "Climb the ladder of its host, to where this one failed.", _GROUP,
           "transfers", rank=4),
    Action("transfers.details", "enter", "details", "How far each file is, and what went wrong.", _GROUP, "transfers",
           rank=5, palette=False, does="details"),
)  # fmt: skip


class TransferPane(Vertical):
    """Everything about the queue of transfers that is seen on the files screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes="pane")
        self._glyphs = glyphs
        self.border_title = Content("transfers")

    def compose(self) -> ComposeResult:
        yield TransferList(self._glyphs, str(Path.home()), id="transfers")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._look)

    @property
    def workbench(self) -> WorkbenchApp:
        """The app, by its own type."""
        return cast("WorkbenchApp", self.app)

    @property
    def list_(self) -> TransferList:
        return self.query_one(TransferList)

    @property
    def current(self) -> TransferRecord | None:
        """The transfer that keys are about: under the cursor, or else the first that goes on, waits or is paused."""
        if self.list_.has_focus:
            return self.list_.current
        return next((row for row in self.list_.rows if row.state in OPEN - {_S.INTERRUPTED}), None)

    def redraw(self) -> None:
        """Show them as they stand now."""
        records = self.workbench.services.transfers.listed
        rows = self.list_
        self.set_class(not records, "-none")
        rows.set_rows(records)
        rows.look(self.workbench.services.clock.monotonic())
        rows.styles.height = max(1, len(records))
        self._show_what_keys_are_about()
        self.border_subtitle = Content(panel_footer(records, rows.standing))
        self.refresh_bindings()

    def on_descendant_blur(self) -> None:
        self._show_what_keys_are_about()

    def _show_what_keys_are_about(self) -> None:
        """Whoever works in the panes pauses and stops nothing unseen: the cursor is where these keys are.

        Who leaves the terminal for another window finds it where it was.
        """
        if self.workbench.app_focus and not self.list_.has_focus and self.current is not None:
            self.list_.move_to(self.current.id)

    def show_one(self, transfer_id: str) -> None:
        """Put the cursor on this one."""
        self.redraw()
        self.list_.move_to(transfer_id)

    def _look(self) -> None:
        """One that stands still tells nothing of itself."""
        if any(row.state not in ENDED for row in self.list_.rows):
            self.redraw()

    # --- which keys count ------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        match action:
            case "hold":
                return row is not None and (row.state is _S.PAUSED or row.state in GRANTED[Wish.PAUSE])
            case "cancel":
                return row is not None and row.state in GRANTED[Wish.CANCEL]
            case "resume":
                return row is not None and row.state in GRANTED[Wish.RESUME]
            case "retry_failed":
                return row is not None and row.outcome is not None and row.progress.failed > 0
            case "move" | "priority":
                return row is not None and row.state in {_S.WAITING, _S.PAUSED}
            case "rate":
                return row is not None and row.state in OPEN
            case "pause_all":
                return any(one.state in OPEN for one in self.list_.rows)
            case "clear":
                return any(one.state in ENDED for one in self.list_.rows)
            case "details" | "diagnose":
                return row is not None and (action == "details" or _may_be_of_the_ladder(row))
            case _:
                return True

    # --- one of them -----------------------------------------------------------------------------------------------

    def action_hold(self) -> None:
        if (row := self.current) is not None:
            self._wish([row], Wish.RESUME if row.state is _S.PAUSED else Wish.PAUSE)

    def action_cancel(self) -> None:
        if (row := self.current) is not None:
            self.list_.stop(row.id)
            self._wish([row], Wish.CANCEL)

    def action_resume(self) -> None:
        if (row := self.current) is not None:
            self._wish([row], Wish.RESUME)

    def action_pause_all(self) -> None:
        moving = [row for row in self.list_.rows if row.state in OPEN - {_S.PAUSED, _S.INTERRUPTED}]
        paused = [row for row in self.list_.rows if row.state is _S.PAUSED]
        self._wish(moving or paused, Wish.PAUSE if moving else Wish.RESUME)

    def _wish(self, rows: list[TransferRecord], wish: Wish) -> None:
        """At once what is ours; the rest as soon as it can be."""
        service, others = self.workbench.services.transfers, []
        for row in rows:
            live = service.find(row.id)
            if live is None or live.outcome is not None or wish is Wish.CANCEL:
                others.append(row)
            elif wish is Wish.PAUSE:
                live.pause()
            else:
                live.resume()
        self.redraw()
        if others:
            self._ask(others, wish)

    @work(group="wish", exit_on_error=False)
    async def _ask(self, rows: list[TransferRecord], wish: Wish) -> None:
        service = self.workbench.services.transfers
        try:
            granted = {row.id: await service.wish(row.id, wish) for row in rows}
            self.redraw()
            asked = [id_ for id_, answer in granted.items() if answer is Granted.ASKED]
            silent = [id_ for id_ in asked if await service.confirmed(id_, wish, CONFIRM_SECONDS) is None]
        except FairleadError as error:
            self.post_message(OperationFailed(error, "changing the queue"))
            return
        if silent:
            words = f"Asked to {wish.value}, not yet confirmed by the process that works on it."
            self.post_message(Notice(words, severity="warning"))
        self.redraw()

    @work(group="queue", exit_on_error=False)
    async def action_retry_failed(self) -> None:
        if (row := self.current) is None:
            return
        try:
            again = await self.workbench.services.transfers.retry_failed(row.id)
        except FairleadError as error:
            self.post_message(OperationFailed(error, "trying again"))
            return
        if again is not None:
            self.show_one(again.id)

    def action_move(self, move: str) -> None:
        if (row := self.current) is not None:
            self._rearrange(row.id, Move(move))

    def action_priority(self) -> None:
        if (row := self.current) is not None:
            priorities = list(Priority)
            self._rearrange(row.id, priorities[(priorities.index(row.priority) + 1) % len(priorities)])

    @work(group="queue", exit_on_error=False)
    async def _rearrange(self, id_: str, where: Move | Priority) -> None:
        service = self.workbench.services.transfers
        try:
            await (service.prefer(id_, where) if isinstance(where, Priority) else service.move(id_, where))
        except FairleadError as error:
            self.post_message(OperationFailed(error, "changing the queue"))
        self.redraw()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_rate(self) -> None:
        """A new limit, for one that this workbench works on."""
        row = self.current
        live = None if row is None else self.workbench.services.transfers.find(row.id)
        if live is None or live.outcome is not None:
            self.post_message(Notice("Its rate can be changed where it runs, while it does.", severity="warning"))
            return
        limit = live.request.rate_limit
        detail = "Bytes a second, as 500k or 2M (of 1024). Nothing, or 0: as fast as it goes."
        value = "" if limit is None else str(limit)
        prompt = LinePrompt("rate limit", detail, value=value, check=_rate_problem)
        answer = await self.workbench.push_screen_wait(prompt)
        if answer is not None:
            live.limit(None if _unlimited(answer) else read_rate(answer))
            self.redraw()

    @work(group="queue", exit_on_error=False)
    async def action_clear(self) -> None:
        try:
            count = await self.workbench.services.transfers.clear()
        except FairleadError as error:
            self.post_message(OperationFailed(error, "changing the queue"))
        else:
            self.post_message(Notice(f"{count} forgotten."))
        self.redraw()

    def action_details(self) -> None:
        from tui.prompts.transfer import TransferPrompt

        if (row := self.current) is not None:
            self.workbench.push_screen(TransferPrompt(row, self.workbench.services, self._glyphs))

    @work(group="diagnose", exclusive=True, exit_on_error=False)
    async def action_diagnose(self) -> None:
        """Of several items that failed, because of the first that the ladder has a place for."""
        row = self.current
        if row is None or row.outcome is None or (error := row.outcome.error) is None:
            return
        if error.code is Code.SOME_FAILED:
            try:
                items = await self.workbench.services.transfers.items(row.id)
            except FairleadError as unread:
                self.post_message(OperationFailed(unread, "reading what went wrong"))
                return
            failed = (item.error for item in items.problems if item.error is not None)
            error = next((one for one in failed if rung_of(one.code) is not None), error)
        if rung_of(error.code) is None:
            self.post_message(Notice("What failed is no matter of the connection; enter shows it."))
            return
        self.workbench.diagnose_met(error, "the transfer", host=error.host or row.request.host, at=row.stopped)

    @on(RowList.Chosen, "#transfers")
    def _chosen(self, message: RowList.Chosen) -> None:
        message.stop()
        self.action_details()


def _may_be_of_the_ladder(row: TransferRecord) -> bool:
    """Whether what went wrong, or one of the things that did, has a rung."""
    error = row.outcome.error if row.outcome is not None else None
    return error is not None and (error.code is Code.SOME_FAILED or rung_of(error.code) is not None)


def _unlimited(typed: str) -> bool:
    return typed.strip() in {"", "0"}


def _rate_problem(typed: str) -> str:
    try:
        if not _unlimited(typed):
            read_rate(typed)
    except ValueError as error:
        return f"{error}."
    return ""
