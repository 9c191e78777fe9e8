"""Files: two sides, either of them this machine or any host, and what travels between them underneath.

At first the left side is this machine; the right one is the workbench's host.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container as Box
from textual.content import Content

from backend.connection.connector import FileKind
from backend.errors import FairleadError
from backend.files.paths import join_inside
from backend.files.transfer import Transfer
from tui.actions import Action, bindings_of
from tui.file_work import brings_to
from tui.messages import OperationFailed, SessionUpdated, TransferUpdated
from tui.prompts.base import Words
from tui.prompts.line import LinePrompt
from tui.prompts.view import FileView
from tui.screens.file_changes import CHANGE_ACTIONS, NEEDS_CHOICE, NEEDS_DIRECTORY, NEEDS_ROW
from tui.screens.file_editing import EDIT_ACTIONS, EditActions, editable
from tui.screens.sides import SideActions
from tui.screens.syncing import SyncActions
from tui.widgets.file_columns import detail
from tui.widgets.file_pane import FilePane
from tui.widgets.file_row import Row
from tui.widgets.reading_pane import Reading
from tui.widgets.transfer_pane import TransferPane

_GROUP = "Files"

ACTIONS = (
    Action("files.other_side", "tab", "other side", "Go to the other pane.", _GROUP, "files", rank=1),
    Action("files.copy", "c,f5", "copy", "Copy what is chosen to the other side.", _GROUP, "files", rank=3),
    Action(
        "files.sync",
        "y",
        "sync",
        "Make the other side the same as this one, or the other way round; shown first.",
        _GROUP,
        "files",
        rank=4,
    ),
    Action("files.view", "v,f3", "view", "Look into the file, at its beginning or its end.", _GROUP, "files", rank=6),
    Action("files.go_to", "g", "go to", "Go to a path that you type.", _GROUP, "files"),
    Action(
        "files.machine",
        "o",
        "machine",
        "Show another machine on this side: this one or any host.",
        _GROUP,
        "files",
        rank=5,
    ),
    Action("files.connect", "enter", "connect", "Connect to the host and read its files.", _GROUP, "files"),
    Action("files.to_transfers", "t", "transfers", "Go to the transfers, and back.", _GROUP, "files"),
    Action("files.pause", "p", "pause", "Hold the transfer up, or let it go on.", "Transfers", "files", rank=11),
    Action(
        "files.cancel", "x", "cancel", "Stop the transfer; what has arrived is kept.", "Transfers", "files", rank=12
    ),
)


SETTLED = (Reading.WHOLE, Reading.REFUSED)
"""A side is read anew where a copy has ended: also where there was nothing to read before."""
_IN_PANES = (
    NEEDS_CHOICE | NEEDS_DIRECTORY | NEEDS_ROW | {"copy", "view", "edit", "edit_as_root", "go_to", "sync", "machine"}
)
"""Actions that mean nothing while one works on the transfers."""


class FilesScreen(SideActions, SyncActions, EditActions):
    """Two panes and the transfers."""

    NAME = "files"
    CSS_PATH = "files.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((*ACTIONS, *EDIT_ACTIONS, *CHANGE_ACTIONS))]

    def __init__(self) -> None:
        super().__init__()
        self._ended: dict[str, datetime | None] = {}
        """When each transfer ended, as far as it has been noticed; one that is gone on with ends another time."""

    def compose_body(self) -> ComposeResult:
        now = self.services.clock.now
        with Box(id="panes"):
            yield FilePane(self.glyphs, now, id="left")
            yield FilePane(self.glyphs, now, id="right")
        yield Words("", id="file-detail")
        yield TransferPane(self.glyphs, id="transfers-pane")

    def on_mount(self) -> None:
        self.left.list.focus()
        self.show_machine(self.left, None)

    # --- the parts -----------------------------------------------------------------------------------------------

    @property
    def transfers(self) -> TransferPane:
        return self.query_one(TransferPane)

    # --- keeping up ----------------------------------------------------------------------------------------------

    def on_host_changed(self, host: str | None) -> None:
        if host is None:
            self.show_no_machine(self.right)
        else:
            self.show_machine(self.right, host)

    def on_shown(self) -> None:
        self.transfers.redraw()
        for host in self.hosts_shown:
            self.greet(host)
        for transfer in self.services.transfers.all():
            self._notice_end(transfer)

    def on_session_updated(self, message: SessionUpdated) -> None:
        if message.host in self.hosts_shown:
            self.greet(message.host)
            self.refresh_bindings()

    def on_transfer_updated(self, message: TransferUpdated) -> None:
        self.transfers.redraw()
        transfer = self.services.transfers.find(message.transfer_id)
        if transfer is not None:
            self._notice_end(transfer)

    def _notice_end(self, transfer: Transfer) -> None:
        """Once for each end of a transfer, be it while another screen was in front."""
        if transfer.outcome is not None and self._ended.get(transfer.id) != transfer.stopped_at:
            self._ended[transfer.id] = transfer.stopped_at
            self._arrived(transfer)

    def _arrived(self, transfer: Transfer) -> None:
        """A transfer ended: a side that shows where it went has new files."""
        for pane in (self.left, self.right):
            shows = pane.files is not None and brings_to(transfer.request, pane.files.host, pane.path)
            if shows and pane.state in SETTLED:
                self.read_again(pane)

    @on(FilePane.Changed)
    def _draw_detail(self) -> None:
        pane, row = self.pane, self.pane.rows.current
        words = self.query_one("#file-detail", Words)
        if row is None:
            words.update("")
        else:
            target = pane.list.targets.get(row.name, "")
            name, *rest = detail(row, self.glyphs, target)
            words.update(Content.assemble((name, "$foreground"), "   ", "   ".join(rest)))
        self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        self._draw_detail()

    # --- which keys count ------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _IN_PANES and self.transfers.list_.has_focus:
            return False
        match action:
            case "copy":
                there = self.other.files is not None or self.other.host is not None
                return True if self.pane.rows.has_subject and there and self.pane.files is not None else None
            case "sync":
                return True if None not in (self.left.files, self.right.files) else None
            case "view":
                return True if self.pane.rows.current is not None else None
            case "edit_as_root" if self.pane.host is None:
                return False
            case "edit" | "edit_as_root":
                return True if editable(self.pane) else None
            case "go_to":
                return self.pane.files is not None
            case "connect":
                return self.pane.files is None and self.pane.host is not None
            case _:
                return self._transfers_count(action)

    def _transfers_count(self, action: str) -> bool | None:
        """For what is about transfers."""
        match action:
            case "pause":
                return self.transfers.check_action("hold", ())
            case "cancel":
                return self.transfers.check_action("cancel", ())
            case "to_transfers":
                return bool(self.transfers.list_.rows)
            case _:
                return self._change_counts(action)

    def _change_counts(self, action: str) -> bool | None:
        """For what changes files."""
        if action in NEEDS_DIRECTORY:
            return self.pane.files is not None
        if action in NEEDS_ROW:
            return True if self.pane.rows.current is not None else None
        if action in NEEDS_CHOICE:
            return True if self.pane.rows.has_subject else None
        return True

    # --- moving about --------------------------------------------------------------------------------------------

    def action_other_side(self) -> None:
        self.other.list.focus()

    def action_to_transfers(self) -> None:
        pane = self.pane
        (pane.list if self.transfers.list_.has_focus else self.transfers.list_).focus()

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_go_to(self) -> None:
        pane = self.pane
        files = pane.files
        if files is None:
            return
        answer = await self.workbench.push_screen_wait(
            LinePrompt(f"go to, on {pane.label}", "~, ~user, $VAR and relative paths are understood.", value="")
        )
        if answer is None:
            return
        try:
            path = await files.resolve(answer.strip(), pane.path)
        except FairleadError as error:
            self.post_message(OperationFailed(error))
        else:
            self.call_later(pane.open, files, path)

    # --- copying -------------------------------------------------------------------------------------------------

    @property
    def chosen_rows(self) -> tuple[Row, ...]:
        return tuple(row for row in self.pane.rows.subject if row.usable)

    def show_transfer(self, transfer_id: str) -> None:
        self.transfers.show_one(transfer_id)

    def action_pause(self) -> None:
        self.transfers.action_hold()

    def action_cancel(self) -> None:
        self.transfers.action_cancel()

    # --- other work on files -------------------------------------------------------------------------------------

    def action_view(self) -> None:
        if (row := self.pane.rows.current) is not None:
            if row.kind in (FileKind.FILE, FileKind.SYMLINK):
                self._view(self.pane, row)
            else:
                self.pane.action_open()

    @on(FilePane.ViewAsked)
    def _view_asked(self, message: FilePane.ViewAsked) -> None:
        self._view(message.pane, message.row)

    def _view(self, pane: FilePane, row: Row) -> None:
        if pane.files is not None and row.usable:
            path = join_inside(pane.path, row.name)
            size = row.size if row.kind is FileKind.FILE else None
            self.workbench.push_screen(FileView(pane.files, path, row.shown, size, self.glyphs, self.services.clock))
