"""`fairlead edit`: a file of a host in the person's own editor, guarded against what others write meanwhile."""

from __future__ import annotations

import asyncio
import os
from enum import Enum, auto

import click

from backend.dataclass import dataclass
from backend.errors import Advice, Code, FairleadError, FileError, LinkLost, SessionError
from backend.files.edit_ends import PlainEnd, RootEnd
from backend.files.editing import Check, Conflict, EditEnd, RemoteEdit, Saved, Version, check_for
from backend.files.editor import AT_ONCE, editor_command, run_editor
from backend.files.private_copy import leftovers
from backend.text import show_bytes
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.paths import RemotePath, remote
from cli.statuses import Status, status_of
from cli.terminal import Terminal


@dataclass(frozen=True, slots=True)
class _Wanted:
    path: RemotePath
    check: str | None
    no_check: bool
    sudo: bool


@click.command()
@click.argument("path", metavar="HOST:PATH")
@click.option("--check", metavar="COMMAND", help="Judge the new content on the host; {} stands for its file.")
@click.option("--no-check", is_flag=True, help="Leave the check of the host's profile out.")
@click.option("--sudo", is_flag=True, help="As root; a password is asked for where sudo wants one.")
@global_flags()
@pass_flags
def edit(flags: GlobalFlags, path: str, check: str | None, no_check: bool, sudo: bool) -> int:
    """Edit a file of a host in $VISUAL or $EDITOR.

    It is saved in one step, with the mode and owner that it has on the host, through links to what they point to. If
    somebody else has changed it meanwhile, you are asked. A check with {} judges the new content before it takes the
    name; one without judges afterwards, and what it does not accept is put back. What you typed is never lost: if it
    cannot be saved, the copy on this machine is kept and named.

    \b
    Examples:
      fairlead edit web-1:notes.md
      fairlead edit --sudo --check 'nginx -t' web-1:/etc/nginx/nginx.conf
      fairlead edit --sudo --check 'visudo -cf {}' web-1:/etc/sudoers.d/deploy
    """
    wanted = _Wanted(remote(path), check, no_check, sudo)
    return execute(flags, lambda services: _edit(services, wanted), host=wanted.path.host)


async def _edit(services: Services, wanted: _Wanted) -> int:
    command = editor_command(os.environ)
    container, host = services.container, wanted.path.host
    files = container.files.on(host)
    path = await files.resolve(wanted.path.path)
    session = container.sessions.get(host)
    end: EditEnd = RootEnd(container.sudo(host), files) if wanted.sudo else PlainEnd(files, session.link)
    room = container.store.path.parent / "edits"
    for left in leftovers(room):
        services.narration.say(f"not saved at an earlier time: {left}")
    try:
        editing = await RemoteEdit.begin(end, path, room)
    except FileError as error:
        raise _with_sudo(error, wanted) from error
    check = Check(wanted.check) if wanted.check else None
    if check is None and not wanted.no_check and session.target is not None:
        check = check_for(session.target.workplace.checks, editing.path)
    return await _Sitting(services, editing, command, check, wanted).hold()


def _with_sudo(error: FileError, wanted: _Wanted) -> FileError:
    """Where root could: say how."""
    if error.code is Code.PERMISSION and not wanted.sudo:
        more = Advice("Edit it as root.", f"fairlead edit --sudo {wanted.path}")
        return FileError(error.code, evidence=error.evidence, host=error.host, advice=(more, *error.advice))
    return error


class _Step(Enum):
    """What is done next."""

    EDIT = auto()
    SAVE = auto()
    OVERWRITE = auto()
    BESIDE = auto()
    DIFFERENCE = auto()
    LEAVE = auto()


_AFTER_CONFLICT = (_Step.DIFFERENCE, _Step.OVERWRITE, _Step.BESIDE, _Step.EDIT, _Step.LEAVE)


class _Sitting:
    """From the first look at the file until it is saved or let go."""

    def __init__(
        self, services: Services, editing: RemoteEdit, command: list[str], check: Check | None, wanted: _Wanted
    ) -> None:
        self._services = services
        self._edit = editing
        self._command = command
        self._check = check
        self._wanted = wanted
        self._terminal: Terminal | None = Terminal.open() if services.somebody else None

    async def hold(self) -> int:
        """The status. What was typed and not saved is kept, whatever happens."""
        done = False
        try:
            status, done = await self._hold()
            return status
        finally:
            if self._terminal is not None:
                self._terminal.close()
            keep = not done and await asyncio.shield(self._unsaved())
            await asyncio.shield(self._edit.close(keep=keep))
            if keep:
                self._say(f"what you typed is kept: {self._edit.copy.path}")

    async def _unsaved(self) -> bool:
        try:
            return await self._edit.changed()
        except FileError:
            return False

    async def _hold(self) -> tuple[int, bool]:
        """The status, and whether the copy may go."""
        over: Version | None = None
        step = _Step.EDIT
        while True:
            if step is _Step.EDIT:
                await self._type()
            if not await self._edit.changed():
                self._say("nothing was changed")
                self._tell(None)
                return Status.OK, True
            outcome = await self._attempt(step, over)
            if isinstance(outcome, Saved):
                return self._saved(outcome), True
            problem: FairleadError
            if isinstance(outcome, Conflict):
                over, step = outcome.theirs, await self._ask_about(outcome)
                problem = self._overtaken(outcome)
            else:
                step, problem = await self._ask_what_next(outcome), outcome
            if step is _Step.LEAVE:
                if isinstance(outcome, Conflict):
                    await self._services.report(problem)
                return status_of(problem), False

    async def _attempt(self, step: _Step, over: Version | None) -> Saved | Conflict | FairleadError:
        """Save it; only the version that was seen is overwritten, and only when that was said."""
        try:
            if step is _Step.BESIDE:
                return await self._edit.save_beside()
            return await self._edit.save(self._check, over=over if step is _Step.OVERWRITE else None)
        except (FileError, SessionError, LinkLost) as error:
            return error

    def _saved(self, saved: Saved) -> int:
        for note in saved.notes:
            self._say(note)
        self._say(f"saved {self._edit.host}:{show_bytes(saved.path)}")
        self._tell(saved)
        return Status.OK

    def _tell(self, saved: Saved | None) -> None:
        if self._services.flags.json:
            path = show_bytes(saved.path if saved is not None else self._edit.path)
            notes = list(saved.notes) if saved is not None else []
            print_json({"host": self._edit.host, "path": path, "saved": saved is not None, "notes": notes})

    # --- typing --------------------------------------------------------------------------------------------------

    async def _type(self) -> None:
        clock = self._services.container.clock
        began = clock.monotonic()
        with self._services.narration.held():
            status = await run_editor(self._command, str(self._edit.copy.path))
        if status != 0:
            self._say(f"the editor ended with status {status}")
        if self._terminal is not None and clock.monotonic() - began < AT_ONCE and not await self._edit.changed():
            self._say("The editor was back at once. If it has a window of its own, go on there (or have it wait).")
            await self._terminal.ask("Press enter when you have saved it there: ", echo=True)

    # --- questions -----------------------------------------------------------------------------------------------

    async def _ask_what_next(self, error: FairleadError) -> _Step:
        await self._services.report(error)
        for line in error.evidence.get("output", "").splitlines():
            self._say(f"  {line}")
        words = "save again, edit again, or leave it"
        return await self._choose(words, {"s": _Step.SAVE, "e": _Step.EDIT, "l": _Step.LEAVE})

    async def _ask_about(self, conflict: Conflict) -> _Step:
        self._say(self._overtaken(conflict).message)
        words = "see the difference, overwrite, save beside, edit again, or leave it"
        choices = dict(zip("dobel", _AFTER_CONFLICT, strict=True))
        while (step := await self._choose(words, choices)) is _Step.DIFFERENCE:
            for line in await self._edit.difference(conflict.theirs):
                self._say(line)
        return step

    def _overtaken(self, conflict: Conflict) -> FileError:
        path = f"{self._edit.host}:{show_bytes(self._edit.path)}"
        message = f"Somebody else has {'removed' if conflict.gone else 'changed'} {path} since you began."
        return FileError(Code.SOURCE_CHANGED, message, evidence={"path": path}, host=self._edit.host)

    async def _choose(self, words: str, choices: dict[str, _Step]) -> _Step:
        """The answer by its first letter; to leave it where there is nobody to ask."""
        if self._terminal is None:
            return _Step.LEAVE
        while True:
            with self._services.narration.held():
                typed = await self._terminal.ask(f"{words} [{'/'.join(choices)}]: ", echo=True)
            letter = "l" if typed is None else typed.strip().lower()[:1]
            if letter in choices:
                return choices[letter]

    def _say(self, text: str) -> None:
        self._services.narration.say(text)
