"""Copying between the two sides of the files, also to and from a host that is not there."""

from __future__ import annotations

from textual import work

from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.files.filesystem import FileSystem
from backend.files.paths import to_bytes
from backend.files.transfer import ConflictPolicy, TransferRequest
from tui import file_work
from tui.messages import Notice, OperationFailed
from tui.prompts.away import Choice
from tui.prompts.conflict import ConflictPrompt
from tui.prompts.line import LinePrompt
from tui.screens.queueing import ask_about, is_away
from tui.screens.two_panes import TwoPanes
from tui.widgets.file_row import Row


@dataclass(frozen=True, slots=True)
class Copying:
    """What is to be copied, from where to where."""

    rows: tuple[Row, ...]
    here: FileSystem
    directory: bytes
    there: FileSystem
    goal: bytes

    @property
    def same_place(self) -> bool:
        """Whether it would go where it is."""
        return (self.here.host, self.directory) == (self.there.host, self.goal)

    @property
    def only_host(self) -> str | None:
        """The host where this machine is the other end; None between two hosts."""
        return None if None not in (self.here.host, self.there.host) else self.here.host or self.there.host

    def request(self, policy: ConflictPolicy) -> TransferRequest:
        """The transfer that does it."""
        return file_work.request(
            self.rows, here=self.here, directory=self.directory, there=self.there, goal=self.goal, policy=policy
        )


class CopyActions(TwoPanes):
    """Copies between the panes. Subclasses say what is chosen, and show the transfers."""

    @property
    def chosen_rows(self) -> tuple[Row, ...]:
        """What is to be copied."""
        raise NotImplementedError

    def show_transfer(self, transfer_id: str) -> None:
        """Put the cursor of the transfers on a new one."""
        raise NotImplementedError

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy what is chosen to the directory of the other pane; asks once where names are taken."""
        rows, pane, other = self.chosen_rows, self.pane, self.other
        if not rows or pane.files is None:
            return
        there, goal = other.files, other.path
        if there is None or not goal:  # its directory has never been read
            if other.host is None or (typed := await self._ask_where(other.host)) is None:
                return
            there, goal = self.services.files.on(other.host), typed
        copying = Copying(rows, pane.files, pane.path, there, goal)
        if copying.same_place:
            self.post_message(
                Notice(f"Both sides show {file_work.place(there, goal)}. D makes a second copy beside it.")
            )
        elif copying.here.host is None and there.host is None:
            await self.copy_on_this_machine(copying)
        elif (host := copying.only_host) is not None and is_away(self, host):
            await self._copy_while_away(copying, host)
        else:
            await self._copy(copying)

    async def copy_on_this_machine(self, copying: Copying) -> None:
        """Carry it out where both sides are this machine."""
        raise NotImplementedError

    async def _ask_where(self, host: str) -> bytes | None:
        """Where to on a host whose directories are not shown."""
        detail = f"The files of {host} are not shown, so say where to. ~/ is its home directory."
        typed = await self.workbench.push_screen_wait(LinePrompt("copy to which directory?", detail, value="~/"))
        return None if typed is None else to_bytes(typed.strip())

    async def _copy_while_away(self, copying: Copying, host: str) -> None:
        action = file_work.as_action(copying.request(ConflictPolicy.OVERWRITE))
        answer = await ask_about(self, host, action)
        if answer is None:
            return
        if answer.choice is Choice.QUEUE:
            self.pane.forget_choice()
        else:
            await self._copy(copying)

    async def _copy(self, copying: Copying) -> None:
        there, goal, rows = copying.there, copying.goal, copying.rows
        try:
            if not goal.startswith(b"/"):
                goal = await there.resolve(goal.decode("utf-8", "surrogateescape"))
            conflicts = await file_work.taken(there, goal, rows)
        except FairleadError as error:
            self.post_message(OperationFailed(error, "copying"))
            return
        policy: ConflictPolicy | None = ConflictPolicy.OVERWRITE
        if conflicts:
            prompt = ConflictPrompt(tuple(row.shown for row in conflicts), len(rows), file_work.place(there, goal))
            policy = await self.workbench.push_screen_wait(prompt)
        if policy is not None:
            transfer = self.services.transfers.submit(copying.request(policy))
            self.pane.forget_choice()
            self.show_transfer(transfer.id)
