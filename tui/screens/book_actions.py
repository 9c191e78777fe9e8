"""What is done to the host book from the list: writing down, changing, removing and pinning hosts, and importing."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import work
from textual.binding import BindingType

from backend.connection.interaction import Confirmation
from backend.connection.state import SessionState
from backend.errors import FairleadError
from backend.hosts.book import HostEntry, HostSource
from backend.hosts.draft import HostDraft
from backend.hosts.through import users_of
from backend.text import clean_line
from tui.actions import Action, bindings_of, key_shown
from tui.book_words import own_entry_words, removal_words
from tui.host_fields import begun_with
from tui.hosts import HostView
from tui.messages import Notice, OperationFailed
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.host_form import FormTask, HostForm
from tui.screens.base import WorkbenchScreen

_GROUP = "Host book"

ACTIONS = (
    Action("connections.new_host", "n", "new", "Write down a host of your own.", _GROUP, "connections", rank=4),
    Action("connections.edit_host", "e", "edit", "Change what is written about this host, or write it down.", _GROUP,
           "connections", rank=5),
    Action("connections.remove_host", "X,delete", "remove", "Take this host out of config.toml; asks first.", _GROUP,
           "connections"),
    Action("connections.pin_host", "asterisk", "pin", "Keep this host at the top of the list, or no longer.", _GROUP,
           "connections", key_display="*"),
    Action("connections.import_hosts", "I", "import", "Take over the hosts of an inventory; shows first what it would"
           " write.", _GROUP, "connections"),
)  # fmt: skip


class BookActions(WorkbenchScreen):
    """A screen with a list of hosts. Subclasses say which one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    @property
    def chosen(self) -> HostView | None:
        """The host under the cursor."""
        raise NotImplementedError

    @property
    def entries(self) -> tuple[HostEntry, ...]:
        """All hosts of the book."""
        raise NotImplementedError

    def seek(self, host: str) -> None:
        """Put the cursor on a host as soon as it is in the list."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"edit_host", "remove_host", "pin_host"}:
            return self.chosen is not None
        return super().check_action(action, parameters)

    # --- writing down --------------------------------------------------------------------------------------------

    def action_new_host(self) -> None:
        self._fill_in(FormTask("a host of your own", HostDraft(name="")))

    def action_edit_host(self) -> None:
        if (view := self.chosen) is None:
            return
        host = self.services.book.settings.hosts.get(view.name)
        if host is not None:
            old = HostDraft.of_settings(view.name, host)
            self._fill_in(FormTask(clean_line(view.name), old, old))
        else:
            heading = f"{clean_line(view.name)} as a host of your own"
            self._fill_in(FormTask(heading, begun_with(view.entry), preface=own_entry_words(view.entry)))

    @work(exclusive=True, group="book", exit_on_error=False)
    async def _fill_in(self, task: FormTask) -> None:
        """Open the form; the list shows what came of it."""
        name = await self.app.push_screen_wait(HostForm(self.services, self.entries, task, self.glyphs))
        if name is None:
            return
        self.seek(name)
        self.workbench.host = name
        connect = key_shown("connections.connect", self.workbench.options.keymap)
        what = "is written down" if task.old is None else "is changed"
        if task.old is not None and self._in_use(task.old.name):
            what += "; its open connection stays as it is until you disconnect"
        else:
            what += f"; {connect} connects to it"
        self.post_message(Notice(f"{clean_line(name)} {what}."))

    def _in_use(self, host: str) -> bool:
        states = {session.host: session.state for session in self.services.sessions.all()}
        return states.get(host, SessionState.IDLE) not in {SessionState.IDLE, SessionState.CLOSED, SessionState.FAILED}

    # --- taking away ---------------------------------------------------------------------------------------------

    @work(exclusive=True, group="book", exit_on_error=False)
    async def action_remove_host(self) -> None:
        """Take an own entry away, when the person agrees to what goes with it."""
        if (view := self.chosen) is None:
            return
        if view.entry.source is not HostSource.OWN:
            self.post_message(Notice(_cannot_go(view.entry), severity="warning"))
            return
        editor, settings = self.services.host_editor, self.services.book.settings
        try:
            file = editor.file
            words = removal_words(
                view.entry, file.path, users=users_of(view.name, settings), in_use=self._in_use(view.name)
            )
            question = Confirmation(f"remove {clean_line(view.name)}?", words, yes="Remove it", danger=True)
            if not await self.app.push_screen_wait(ConfirmPrompt(question)):
                return
            await editor.remove(view.name)
            copies = await asyncio.to_thread(file.copies)
        except FairleadError as error:
            self.post_message(OperationFailed(error, f"Removing {clean_line(view.name)}"))
            return
        if self.workbench.host == view.name and not self._in_use(view.name):
            self.workbench.host = None  # the host that the cursor comes to is the next one
        before = f" The file before is {copies[0]}." if copies else ""
        self.post_message(Notice(f"{clean_line(view.name)} is removed.{before}"))

    # --- pins ----------------------------------------------------------------------------------------------------

    @work(group="pin", exit_on_error=False)
    async def action_pin_host(self) -> None:
        if (view := self.chosen) is None:
            return
        if view.entry.source is HostSource.TYPED:
            edit = key_shown("connections.edit_host", self.workbench.options.keymap)
            self.post_message(Notice(f"Only hosts that are written down can be pinned; {edit} writes this one down."))
            return
        try:
            await self.services.usage.pin(view.name, pinned=not view.entry.pinned)
        except FairleadError as error:
            self.post_message(OperationFailed(error, f"Pinning {clean_line(view.name)}"))

    # --- importing -----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="book", exit_on_error=False)
    async def action_import_hosts(self) -> None:
        from tui.prompts.import_hosts import import_hosts

        names = await import_hosts(self.workbench, self.services, self.glyphs)
        if names:
            self.seek(names[0])
            count = "1 host is" if len(names) == 1 else f"{len(names)} hosts are"
            self.post_message(Notice(f"{count} written down."))


def _cannot_go(entry: HostEntry) -> str:
    name = clean_line(entry.name)
    if entry.source is HostSource.TYPED:
        return f"{name} was typed and is written nowhere; it goes from the list when it is disconnected."
    return f"{name} is written in {entry.where or '~/.ssh/config'}, which Fairlead never changes."
