"""What is done to files of one side: made, renamed, moved, doubled, given away, deleted; looked for and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from textual import work

from backend.connection.interaction import Confirmation
from backend.errors import ConfigError, FairleadError
from backend.files.bulk import Bulk, BulkProgress
from backend.files.filesystem import FileSystem
from backend.files.modes import parse_mode, parse_owner
from backend.files.partial import numbered_name
from backend.files.paths import join_inside, name_of, parent_of, to_bytes, to_text
from backend.tasks import background
from backend.text import show_bytes
from tui import file_work
from tui.actions import Action
from tui.messages import Notice, OperationFailed
from tui.prompts.bulk import BulkErrorsPrompt, BulkPrompt, BulkRun
from tui.prompts.change import Change, ChangePrompt
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.find_files import FindPrompt
from tui.prompts.line import LinePrompt
from tui.prompts.properties import PropertiesPrompt
from tui.screens.copying import CopyActions, Copying
from tui.widgets.file_pane import FilePane
from tui.widgets.file_row import Row

_GROUP = "Files"
_SHOWS_AFTER = 0.4
"""Seconds of work after which a prompt shows how far it is."""

CHANGE_ACTIONS = (
    Action("files.make_directory", "m,f7", "new directory", "Make a directory here.", _GROUP, "files", rank=9),
    Action("files.new_file", "n", "new file", "Make an empty file here.", _GROUP, "files"),
    Action("files.rename", "R,f2", "rename", "Give the file another name.", _GROUP, "files"),
    Action("files.duplicate", "D", "duplicate", "A second copy beside it, trees as well.", _GROUP, "files"),
    Action("files.move_to", "M,f6", "move", "Move what is chosen to another directory of this side.", _GROUP, "files"),
    Action(
        "files.copy_to", "C", "copy within", "Copy what is chosen to another directory of this side.", _GROUP, "files"
    ),
    Action("files.mode", "P", "mode", "Change who may do what with it: 640, u+x; whole trees.", _GROUP, "files"),
    Action("files.owner", "O", "owner", "Give it to another user or group; whole trees.", _GROUP, "files"),
    Action("files.link", "L", "link", "Make a symbolic link here.", _GROUP, "files"),
    Action("files.delete", "d,delete,f8", "delete", "Delete what is chosen, after a count.", _GROUP, "files", rank=10),
    Action("files.properties", "i", "properties", "All that is known of it.", _GROUP, "files"),
    Action("files.find", "F,ctrl+f", "find", "Look for names below this directory.", _GROUP, "files"),
)
NEEDS_DIRECTORY = frozenset({"make_directory", "new_file", "link", "find"})
NEEDS_ROW = frozenset({"rename", "properties"})
NEEDS_CHOICE = frozenset({"duplicate", "move_to", "copy_to", "mode", "owner", "delete"})

Work = Callable[[Bulk], Coroutine[Any, Any, object]]


class ChangeActions(CopyActions):
    """A screen with two panes; the side that is worked on is the subclass's to say."""

    # --- one file ------------------------------------------------------------------------------------------------

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_make_directory(self) -> None:
        pane = self.pane
        if pane.files is not None and (name := await self._ask_name("new directory", pane)) is not None:
            await self._change(pane, pane.files.mkdir(join_inside(pane.path, name)), name)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_new_file(self) -> None:
        pane = self.pane
        if pane.files is not None and (name := await self._ask_name("new file", pane)) is not None:
            await self._change(pane, pane.files.create(join_inside(pane.path, name)), name)

    async def _ask_name(self, heading: str, pane: FilePane) -> bytes | None:
        assert pane.files is not None
        where = file_work.place(pane.files, pane.path)
        name = await self.workbench.push_screen_wait(LinePrompt(heading, f"In {where}", check=file_work.bad_name))
        return None if name is None else to_bytes(name)

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

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_link(self) -> None:
        pane, row = self.pane, self.pane.rows.current
        if pane.files is None:
            return
        value = to_text(row.name) if row is not None and row.usable else ""
        detail = "It is written as it stands: from here, or whole from /."
        target = await self.workbench.push_screen_wait(LinePrompt("link to what?", detail, value=value))
        if target is None:
            return
        name = await self._ask_name("name of the link", pane)
        if name is not None:
            await self._change(pane, pane.files.symlink(join_inside(pane.path, name), to_bytes(target.strip())), name)

    async def _change(self, pane: FilePane, work: Awaitable[None], name: bytes) -> None:
        """Do it, and show the directory anew with the cursor on `name`."""
        try:
            await work
        except FairleadError as error:
            self.post_message(OperationFailed(error))
        else:
            self.call_later(self.read_again, pane, name)

    def action_properties(self) -> None:
        pane, row = self.pane, self.pane.rows.current
        if pane.files is not None and row is not None and row.usable:
            path = join_inside(pane.path, row.name)
            self.workbench.push_screen(PropertiesPrompt(pane.files, path, row.shown, self.glyphs))

    # --- what is chosen ------------------------------------------------------------------------------------------

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
        marked = files.host is not None and await self.services.production.marks(files.host)
        question = Confirmation(
            f"delete on {pane.label}{', a production host' if marked else ''}?",
            f"In {file_work.place(files, directory)}:\n{detail_text}",
            yes="Delete",
            danger=True,
        )
        if await self.workbench.push_screen_wait(ConfirmPrompt(question)):
            progress = BulkProgress(total=total.files + total.directories)
            paths = _paths(directory, rows)
            neighbour = pane.rows.neighbour(rows)
            await self._carry_out(
                pane, ("deleting", "deleted"), lambda bulk: bulk.remove(paths), progress, cursor=neighbour, agreed=True
            )

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_duplicate(self) -> None:
        """Each beside itself, under a name with a number that is free."""
        rows, pane = self.chosen_rows, self.pane
        if not rows or pane.files is None:
            return
        pairs = [(path, await self._free_name(pane.files, path)) for path in _paths(pane.path, rows)]
        await self._carry_out(pane, ("copying", "copied"), lambda bulk: bulk.copy(pairs), cursor=name_of(pairs[0][1]))

    async def _free_name(self, files: FileSystem, path: bytes) -> bytes:
        number = 2
        while True:
            candidate = join_inside(parent_of(path), numbered_name(name_of(path), number))
            if not await file_work.is_there(files, candidate):
                return candidate
            number += 1

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_move_to(self) -> None:
        await self._into_another("move", ("moving", "moved"), lambda bulk, pairs: bulk.move(pairs))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_copy_to(self) -> None:
        await self._into_another("copy", ("copying", "copied"), lambda bulk, pairs: bulk.copy(pairs))

    async def _into_another(
        self,
        word: str,
        words: tuple[str, str],
        work: Callable[[Bulk, Sequence[tuple[bytes, bytes]]], Coroutine[Any, Any, object]],
    ) -> None:
        rows, pane = self.chosen_rows, self.pane
        files, directory = pane.files, pane.path
        if not rows or files is None:
            return
        detail = f"{file_work.names(rows)}\n\nTo which directory on {pane.label}?"
        answer = await self.workbench.push_screen_wait(LinePrompt(word, detail, value=to_text(directory)))
        if answer is None:
            return
        try:
            goal = await files.resolve(answer.strip(), directory)
        except FairleadError as error:
            self.post_message(OperationFailed(error))
            return
        pairs = [(path, join_inside(goal, name_of(path))) for path in _paths(directory, rows)]
        neighbour = pane.rows.neighbour(rows) if word == "move" else None
        await self._carry_out(pane, words, lambda bulk: work(bulk, pairs), cursor=neighbour)

    async def copy_on_this_machine(self, copying: Copying) -> None:
        pairs = [(path, join_inside(copying.goal, name_of(path))) for path in _paths(copying.directory, copying.rows)]
        self.pane.forget_choice()
        await self._carry_out(self.other, ("copying", "copied"), lambda bulk: bulk.copy(pairs))

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_mode(self) -> None:
        rows, pane = self.chosen_rows, self.pane
        known = {row.mode for row in rows if row.mode is not None}
        value = f"{known.pop():04o}" if len(known) == 1 else ""
        change = await self._ask_change("mode", "As 640, or as u+x,go-w.", value, parse_mode)
        if change is not None:
            mode, paths = parse_mode(change.text), _paths(pane.path, rows)
            await self._carry_out(
                pane, ("changing", "changed"), lambda bulk: bulk.chmod(paths, mode, recursive=change.recursive)
            )

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_owner(self) -> None:
        rows, pane = self.chosen_rows, self.pane
        owners = {f"{row.owner}:{row.group}" for row in rows if row.owner}
        value = owners.pop() if len(owners) == 1 else ""
        change = await self._ask_change("owner", "USER, USER:GROUP or :GROUP, by name or number.", value, parse_owner)
        if change is None or pane.files is None:
            return
        try:
            owner = await pane.files.account_ids(parse_owner(change.text))
        except FairleadError as error:
            self.post_message(OperationFailed(error))
            return
        paths = _paths(pane.path, rows)
        await self._carry_out(
            pane, ("changing", "changed"), lambda bulk: bulk.chown(paths, owner, recursive=change.recursive)
        )

    async def _ask_change(self, heading: str, detail: str, value: str, parse: Callable[[str], object]) -> Change | None:
        rows = self.chosen_rows
        if not rows or self.pane.files is None:
            return None

        def check(text: str) -> str:
            try:
                parse(text.strip())
            except ConfigError as error:
                return error.evidence.get("problem", error.message)
            return ""

        prompt = ChangePrompt(
            heading,
            f"{file_work.names(rows)}\n\n{detail}",
            value=value,
            check=check,
            has_directories=any(row.is_directory for row in rows),
            glyphs=self.glyphs,
        )
        return await self.workbench.push_screen_wait(prompt)

    # --- carrying it out -----------------------------------------------------------------------------------------

    async def _carry_out(
        self,
        pane: FilePane,
        words: tuple[str, str],
        work: Work,
        progress: BulkProgress | None = None,
        *,
        cursor: bytes | None = None,
        agreed: bool = False,
    ) -> None:
        """Do it, once the person has agreed where that is asked for; the directory is read anew afterwards."""
        assert pane.files is not None
        names = file_work.names(self.chosen_rows)
        try:
            async with pane.files.change(f"{words[0]} in {show_bytes(pane.path)}:\n{names}", agreed=agreed) as files:
                await self._watched(pane, files, words, work, progress or BulkProgress(), cursor)
        except FairleadError as error:
            self.post_message(OperationFailed(error))

    async def _watched(
        self,
        pane: FilePane,
        files: FileSystem,
        words: tuple[str, str],
        work: Work,
        progress: BulkProgress,
        cursor: bytes | None,
    ) -> None:
        """Do it, shown while it takes long; it goes on when nobody looks."""
        directory = pane.path
        run = BulkRun(*words, asyncio.create_task(work(Bulk(files, progress))), progress)
        self.workbench.file_operations.add(run.task)
        run.task.add_done_callback(self.workbench.file_operations.discard)
        run.task.add_done_callback(lambda _: self.call_later(self._bulk_ended, run, pane, directory, cursor))
        async with background(self.services.clock.sleep(_SHOWS_AFTER)) as patience:
            await asyncio.wait({run.task, patience}, return_when=asyncio.FIRST_COMPLETED)
        if not run.task.done():
            await self.workbench.push_screen_wait(BulkPrompt(run, pane.label))

    def _bulk_ended(self, run: BulkRun, pane: FilePane, directory: bytes, cursor: bytes | None) -> None:
        if isinstance(self.workbench.screen, BulkPrompt) and self.workbench.screen.run is run:
            self.workbench.screen.dismiss(None)
        progress = run.progress
        whole = progress.total is None or progress.done == progress.total
        of = f"{'thing' if progress.done == 1 else 'things'}" if whole else f"of {progress.total:,}"
        counted = f"{progress.done:,} {of} {run.past}"
        if run.task.cancelled():
            self.post_message(Notice(f"Stopped: {counted}.", severity="warning"))
        elif (error := run.task.exception()) is not None:
            self._tell_broken_off(error, counted)
        elif progress.failed == 1 and not progress.done:
            self.post_message(OperationFailed(progress.errors[0].error, run.word))
        elif progress.failed:
            self.workbench.push_screen(BulkErrorsPrompt(run))
        else:
            left_out = f"; {progress.skipped:,} special files were left out" if progress.skipped else ""
            self.post_message(Notice(f"{counted}{left_out}."))
        if pane.path == directory:
            pane.forget_sizes()
            if not progress.failed:
                pane.forget_choice()
            self.read_again(pane, cursor)

    def _tell_broken_off(self, error: BaseException, counted: str) -> None:
        if not isinstance(error, FairleadError):
            raise error
        self.post_message(OperationFailed(error, f"broken off: {counted}"))

    # --- looking for names ---------------------------------------------------------------------------------------

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_find(self) -> None:
        pane = self.pane
        files = pane.files
        if files is None:
            return
        where = file_work.place(files, pane.path)
        path = await self.workbench.push_screen_wait(FindPrompt(files, pane.path, where, self.glyphs))
        if path is not None:
            if name_of(path).startswith(b"."):
                pane.show_hidden()
            self.call_later(lambda: pane.open(files, parent_of(path), cursor=name_of(path)))


def _paths(directory: bytes, rows: Sequence[Row]) -> list[bytes]:
    return [join_inside(directory, row.name) for row in rows]
