"""Files: this machine on the left, the host on the right, and what travels between them underneath."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container as Box
from textual.containers import Vertical
from textual.content import Content

from backend.connection.connector import FileKind
from backend.connection.interaction import Confirmation
from backend.connection.state import BUSY, CONNECTED
from backend.errors import FairleadError
from backend.files.paths import join_inside, to_bytes, to_text
from backend.files.transfer import Direction, Transfer, TransferState
from tui import file_work
from tui.actions import Action, bindings_of
from tui.messages import Notice, OperationFailed, SessionUpdated, TransferUpdated
from tui.prompts.base import Words
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.line import LinePrompt
from tui.prompts.problems import ProblemsPrompt
from tui.prompts.view import FileView
from tui.screens.copying import CopyActions
from tui.transfer_looks import panel_footer, subject
from tui.widgets.file_columns import detail
from tui.widgets.file_pane import FilePane, Reading
from tui.widgets.file_rows import Row
from tui.widgets.row_list import RowList
from tui.widgets.transfer_list import TransferList

_GROUP = "Files"

ACTIONS = (
    Action("files.other_side", "tab", "other side", "Go to the other pane.", _GROUP, "files", rank=1),
    Action("files.copy", "c,f5", "copy", "Copy what is chosen to the other side.", _GROUP, "files", rank=3),
    Action("files.view", "v,f3", "view", "Look into the file, at its beginning or its end.", _GROUP, "files", rank=6),
    Action("files.make_directory", "m,f7", "new directory", "Make a directory here.", _GROUP, "files", rank=9),
    Action("files.rename", "R,f2", "rename", "Give the file another name.", _GROUP, "files"),
    Action("files.delete", "d,delete,f8", "delete", "Delete what is chosen, after a count.", _GROUP, "files", rank=10),
    Action("files.go_to", "g", "go to", "Go to a path that you type.", _GROUP, "files"),
    Action("files.connect", "enter", "connect", "Connect to the host and read its files.", _GROUP, "files"),
    Action("files.to_transfers", "t", "transfers", "Go to the transfers, and back.", _GROUP, "files"),
    Action("files.pause", "p", "pause", "Hold the transfer up, or let it go on.", "Transfers", "files", rank=4),
    Action("files.cancel", "x", "cancel", "Stop the transfer; what has arrived is kept.", "Transfers", "files", rank=5),
)


class FilesScreen(CopyActions):
    """Two panes and the transfers."""

    NAME = "files"
    CSS_PATH = "files.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, bytes] = {}
        """Where one was on each host."""
        self._ended: set[str] = set()
        """Ids of the transfers whose end has been noticed."""

    def compose_body(self) -> ComposeResult:
        now = self.services.clock.now
        with Box(id="panes"):
            yield FilePane(self.glyphs, now, id="local")
            yield FilePane(self.glyphs, now, id="remote")
        yield Words("", id="file-detail")
        with Vertical(id="transfers-pane", classes="pane") as pane:
            pane.border_title = Content("transfers")
            yield TransferList(self.glyphs, str(Path.home()), id="transfers")

    def on_mount(self) -> None:
        self.local.label = "local"
        self.local.list.focus()
        self.set_interval(1.0, self._look_at_transfers)
        self._open_local()

    # --- the parts -----------------------------------------------------------------------------------------------

    @property
    def local(self) -> FilePane:
        return self.query_one("#local", FilePane)

    @property
    def remote(self) -> FilePane:
        return self.query_one("#remote", FilePane)

    @property
    def pane(self) -> FilePane:
        """The side that is worked on: the one with the focus, or that had it last."""
        focused = self.focused
        if focused is not None:
            for pane in (self.local, self.remote):
                if pane in focused.ancestors_with_self:
                    self._last = pane
        return self._last if self._last is not None else self.local

    _last: FilePane | None = None

    @property
    def other(self) -> FilePane:
        return self.remote if self.pane is self.local else self.local

    @property
    def _list(self) -> TransferList:
        return self.query_one(TransferList)

    # --- keeping up ----------------------------------------------------------------------------------------------

    @work(group="open", exclusive=True, exit_on_error=False)
    async def _open_local(self) -> None:
        """Begin where the program was started, the demo in its own project; at home where that directory is gone."""
        local = self.services.files.local
        try:
            path = await (local.start() if self.workbench.demo else local.resolve("."))
        except (FairleadError, FileNotFoundError):
            path = b""
        self.call_later(self.local.open, local, path)

    def on_host_changed(self, host: str | None) -> None:
        pane = self.remote
        if pane.files is not None and pane.files.host is not None:
            self._places[pane.files.host] = pane.path
        pane.label = host or "no host"
        self._open_remote()

    def on_shown(self) -> None:
        self._draw_transfers()
        self._greet_connection()
        for transfer in self.services.transfers.all():
            self._notice_end(transfer)

    def _open_remote(self) -> None:
        """Read the host's files where there is a connection, or one coming; else say how to get one."""
        host, session = self.host, self.session
        if host is None or session is None:
            self.remote.close("No host chosen. ctrl+o chooses one.")
        elif session.state in CONNECTED | BUSY:
            self.remote.open(self.services.files.on(host), self._places.get(host, b""))
        else:
            self.remote.close(f"Not connected to {host}.\n\nenter here connects to it.")

    def action_connect(self) -> None:
        if self.host is not None:
            self.remote.open(self.services.files.on(self.host), self._places.get(self.host, b""))

    def on_session_updated(self, message: SessionUpdated) -> None:
        if message.host == self.host:
            self._greet_connection()

    def _greet_connection(self) -> None:
        """Read the host's files as soon as there is a connection, whoever asked for it."""
        if self.remote.files is None and self.session is not None and self.session.state in CONNECTED:
            self._open_remote()

    def on_transfer_updated(self, message: TransferUpdated) -> None:
        self._draw_transfers()
        transfer = next((t for t in self.services.transfers.all() if t.id == message.transfer_id), None)
        if transfer is not None:
            self._notice_end(transfer)

    def _notice_end(self, transfer: Transfer) -> None:
        """Once for each transfer that has ended, be it while another screen was in front."""
        if transfer.outcome is not None and transfer.id not in self._ended:
            self._ended.add(transfer.id)
            self._arrived(transfer)

    def _arrived(self, transfer: Transfer) -> None:
        """A transfer ended: the pane that it went to has new files."""
        request = transfer.request
        pane = self.local if request.direction is Direction.GET else self.remote
        here = pane.files is not None and (pane is self.local or pane.files.host == request.host)
        if here and pane.state is Reading.WHOLE and to_text(pane.path) == request.destination.rstrip("/"):
            pane.reload()

    def _draw_transfers(self) -> None:
        transfers = list(reversed(self.services.transfers.all()))
        pane = self.query_one("#transfers-pane")
        pane.set_class(not transfers, "-none")
        self._list.set_rows(transfers)
        self._list.look(self.services.clock.monotonic())
        self._list.styles.height = max(1, len(transfers))
        pane.border_subtitle = Content(panel_footer(transfers, self._list.standing))
        self.refresh_bindings()

    def _look_at_transfers(self) -> None:
        """One that stands still tells nothing of itself."""
        if any(transfer.outcome is None for transfer in self._list.rows):
            self._draw_transfers()

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
        match action:
            case "copy":
                there = self.other.files is not None or (self.other is self.remote and self.host is not None)
                return True if self.chosen_rows and there and self.pane.files is not None else None
            case "view" | "rename":
                return True if self.pane.rows.current is not None else None
            case "delete":
                return True if self.chosen_rows else None
            case "make_directory" | "go_to":
                return self.pane.files is not None
            case "connect":
                return self.pane is self.remote and self.remote.files is None and self.host is not None
            case "pause" | "cancel":
                return self._transfer is not None and self._transfer.outcome is None
            case "to_transfers":
                return bool(self._list.rows)
            case _:
                return True

    # --- moving about --------------------------------------------------------------------------------------------

    def action_other_side(self) -> None:
        self.other.list.focus()

    def action_to_transfers(self) -> None:
        pane = self.pane
        (pane.list if self.focused is self._list else self._list).focus()

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
        self._draw_transfers()
        self._list.move_to(transfer_id)

    # --- the transfers -------------------------------------------------------------------------------------------

    @property
    def _transfer(self) -> Transfer | None:
        """The transfer that keys are about: the one under the cursor, or the newest that still goes on."""
        if self.focused is self._list:
            return self._list.current
        return next((transfer for transfer in self._list.rows if transfer.outcome is None), None)

    def action_pause(self) -> None:
        transfer = self._transfer
        if transfer is None:
            return
        if transfer.state is TransferState.PAUSED:
            transfer.resume()
        else:
            transfer.pause()
        self._draw_transfers()

    @work(group="cancel", exit_on_error=False)
    async def action_cancel(self) -> None:
        if (transfer := self._transfer) is not None:
            self._list.stop(transfer.id)
            await transfer.cancel()

    @on(RowList.Chosen, "#transfers")
    def _transfer_asked(self) -> None:
        if (transfer := self._list.current) is not None:
            self.workbench.push_screen(ProblemsPrompt(transfer, subject(transfer.request, self.glyphs)))

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
            self.workbench.push_screen(FileView(pane.files, path, row.shown, size, self.glyphs))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_make_directory(self) -> None:
        pane = self.pane
        if pane.files is None:
            return
        where = file_work.place(pane.files, pane.path)
        name = await self.workbench.push_screen_wait(
            LinePrompt("new directory", f"In {where}", check=file_work.bad_name)
        )
        if name is not None:
            await self._change(pane, pane.files.mkdir(join_inside(pane.path, to_bytes(name))), to_bytes(name))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_rename(self) -> None:
        pane, row = self.pane, self.pane.rows.current
        if pane.files is None or row is None or not row.usable:
            return
        old, directory = join_inside(pane.path, row.name), pane.path
        name = await self.workbench.push_screen_wait(
            LinePrompt(f"rename {row.shown}", value=to_text(row.name), check=file_work.bad_name)
        )
        if name is not None and to_bytes(name) != row.name:
            await self._change(pane, pane.files.rename(old, join_inside(directory, to_bytes(name))), to_bytes(name))

    async def _change(self, pane: FilePane, work: Awaitable[None], name: bytes) -> None:
        """Do it, and show the directory anew with the cursor on `name`."""
        try:
            await work
        except FairleadError as error:
            self.post_message(OperationFailed(error))
        else:
            self.call_later(pane.reload, name)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_delete(self) -> None:
        """Count, ask, remove; what could not be removed is told."""
        rows, pane = self.chosen_rows, self.pane
        files, directory = pane.files, pane.path
        if not rows or files is None:
            return
        try:
            total = await file_work.count(files, directory, rows)
        except FairleadError as error:
            self.post_message(OperationFailed(error, "counting what would be deleted"))
            return
        detail_text = f"{file_work.names(rows)}\n\n{file_work.count_words(total)}. This cannot be undone."
        question = Confirmation(
            f"delete on {pane.label}?",
            f"In {file_work.place(files, directory)}:\n{detail_text}",
            yes="Delete",
            danger=True,
        )
        if await self.workbench.push_screen_wait(ConfirmPrompt(question)):
            neighbour = pane.rows.neighbour(rows)
            self._told_removed(await file_work.remove(files, directory, rows))
            self.call_later(pane.reload, neighbour)

    def _told_removed(self, removed: file_work.Removed) -> None:
        if removed.errors:
            failed = f"{len(removed.errors):,} could not be deleted; " if len(removed.errors) > 1 else ""
            self.post_message(OperationFailed(removed.errors[0], f"{failed}deleting"))
        if removed.count.files or removed.count.directories:
            self.post_message(Notice(f"Deleted {file_work.count_words(removed.count)}."))
