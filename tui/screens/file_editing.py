"""Editing from the files screen: the person's own editor gets the terminal, connections go on, and the file is saved
with the guard of `backend.files.editing`."""

from __future__ import annotations

import os
from collections.abc import Sequence

from textual import work
from textual.content import Content

from backend.connection.connector import FileKind
from backend.errors import Code, FairleadError, FileError
from backend.files.edit_ends import PlainEnd, RootEnd
from backend.files.editing import Check, Conflict, EditEnd, RemoteEdit, Saved, Version, check_for
from backend.files.editor import AT_ONCE, editor_command
from backend.files.filesystem import FileSystem
from backend.files.paths import join_inside, to_text
from backend.text import show_bytes
from tui.actions import Action
from tui.messages import Notice, OperationFailed
from tui.prompts.choice import Answer, ChoicePrompt
from tui.prompts.difference import DifferencePrompt
from tui.screens.file_changes import ChangeActions
from tui.widgets.explanation import explain_error
from tui.widgets.file_pane import FilePane

_GROUP = "Files"

EDIT_ACTIONS = (
    Action("files.edit", "e,f4", "edit", "Edit the file in your own editor.", _GROUP, "files", rank=4),
    Action("files.edit_as_root", "E", "edit as root", "Edit the host's file as root, by sudo.", _GROUP, "files"),
)

_AGAIN = (
    Answer("s", "save again", "try the same once more"),
    Answer("e", "edit again", "go on with what you typed"),
    Answer("k", "keep", "what you typed stays in a file here"),
)
_ROOT = Answer("r", "as root", "save it by sudo")
_CONFLICT = (
    Answer("d", "difference", "see theirs against yours"),
    Answer("o", "overwrite", "put yours in the place of theirs"),
    Answer("b", "save beside", "yours under another name, theirs as it is"),
    Answer("e", "edit again", "go on with what you typed"),
    Answer("k", "keep", "what you typed stays in a file here"),
)


class EditActions(ChangeActions):
    """The part of the files screen that edits."""

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def action_edit(self) -> None:
        await self._edit(as_root=False)

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def action_edit_as_root(self) -> None:
        await self._edit(as_root=True)

    async def _edit(self, *, as_root: bool) -> None:
        pane, row = self.pane, self.pane.rows.current
        files = pane.files
        if files is None or row is None or not row.usable or row.kind not in (FileKind.FILE, FileKind.SYMLINK):
            return
        path = join_inside(pane.path, row.name)
        try:
            if files.host is None:
                await self.workbench.run_editor(editor_command(os.environ), to_text(path))
            else:
                await self._edit_remote(files, files.host, path, as_root=as_root)
        except FairleadError as error:
            self.post_message(OperationFailed(error, "editing"))
        self.call_later(pane.reload)

    async def _edit_remote(self, files: FileSystem, host: str, path: bytes, *, as_root: bool) -> None:
        services = self.services
        command = editor_command(os.environ)
        session = services.sessions.get(host)
        root = RootEnd(services.sudo(host), files)
        end: EditEnd = root if as_root else PlainEnd(files, session.link)
        room = services.store.path.parent / "edits"
        try:
            edit = await RemoteEdit.begin(end, path, room)
        except FileError as error:
            if as_root or error.code is not Code.PERMISSION or not await self._wants_root(error):
                raise
            end = root
            edit = await RemoteEdit.begin(end, path, room)
        checks = session.target.workplace.checks if session.target is not None else {}
        await _Sitting(self, edit, end, root, command, check_for(checks, edit.path)).hold()

    async def _wants_root(self, error: FileError) -> bool:
        answers = (Answer("r", "as root", "read and save it by sudo"),)
        prompt = ChoicePrompt("not as yourself", f"{error.message}", answers)
        return await self.workbench.push_screen_wait(prompt) == "r"


class _Sitting:
    """From the first look at a file until it is saved or let go."""

    def __init__(
        self,
        screen: EditActions,
        edit: RemoteEdit,
        end: EditEnd,
        root: RootEnd,
        command: list[str],
        check: Check | None,
    ) -> None:
        self._screen = screen
        self._edit = edit
        self._end = end
        self._root = root
        self._command = command
        self._check = check

    async def hold(self) -> None:
        """What was typed and not saved is kept, whatever happens."""
        done = False
        try:
            await self._type()
            done = await self._save()
        finally:
            await self._edit.close(keep=not done)
            if not done:
                path = self._edit.copy.path
                self._screen.post_message(
                    Notice(f"What you typed is kept: {path}", title="not saved", severity="warning")
                )

    async def _type(self) -> None:
        clock = self._screen.services.clock
        began = clock.monotonic()
        status = await self._screen.workbench.run_editor(self._command, str(self._edit.copy.path))
        if status != 0:
            self._screen.post_message(Notice(f"The editor ended with status {status}.", severity="warning"))
        if status == 0 and clock.monotonic() - began < AT_ONCE and not await self._edit.changed():
            words = "The editor was back at once. If it has a window of its own, save there first."
            await self._ask("still editing?", words, (Answer("s", "saved", "go on with what is in the file now"),))

    async def _save(self) -> bool:
        """Whether the copy may go."""
        over: Version | None = None
        answer = "s"
        while True:
            if not await self._edit.changed():
                self._screen.post_message(Notice("Nothing was changed."))
                return True
            outcome = await self._attempt(answer, over)
            if isinstance(outcome, Saved):
                self._tell(outcome)
                return True
            if isinstance(outcome, Conflict):
                over, answer = outcome.theirs, await self._ask_about(outcome)
            else:
                answer = await self._ask_what_next(outcome)
            if answer == "k":
                return False
            if answer == "e":
                await self._type()

    async def _attempt(self, answer: str, over: Version | None) -> Saved | Conflict | FairleadError:
        try:
            if answer == "b":
                return await self._edit.save_beside()
            if answer == "r":
                self._edit.go_on_as(self._root)
            return await self._edit.save(self._check, over=over if answer == "o" else None)
        except FairleadError as error:
            return error

    async def _ask_what_next(self, error: FairleadError) -> str:
        answers = (*_AGAIN, _ROOT) if error.code is Code.PERMISSION else _AGAIN
        return await self._ask("not saved", explain_error(error, 66), answers)

    async def _ask_about(self, conflict: Conflict) -> str:
        path = f"{self._edit.host}:{show_bytes(self._edit.path)}"
        words = f"Somebody else has {'removed' if conflict.gone else 'changed'} {path} since you began."
        while (answer := await self._ask("changed meanwhile", words, _CONFLICT)) == "d":
            lines = await self._edit.difference(conflict.theirs)
            await self._screen.workbench.push_screen_wait(DifferencePrompt(path, lines))
        return answer

    async def _ask(self, heading: str, words: str | Content, answers: Sequence[Answer]) -> str:
        answer = await self._screen.workbench.push_screen_wait(ChoicePrompt(heading, words, answers))
        return answer or "k"

    def _tell(self, saved: Saved) -> None:
        text = " ".join((f"Saved {self._edit.host}:{show_bytes(saved.path)}.", *saved.notes))
        self._screen.post_message(Notice(text))


def editable(pane: FilePane) -> bool:
    """Whether the row under the cursor may be a file for an editor."""
    row = pane.rows.current
    return row is not None and row.usable and row.kind in (FileKind.FILE, FileKind.SYMLINK)
