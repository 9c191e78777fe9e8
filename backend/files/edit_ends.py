"""The host's side of editing: over SFTP as who is logged in, or by sudo as root. Both save in one step."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from backend.connection.connector import Attributes, FileKind, Link, StdStream
from backend.errors import Code, FairleadError, FileError, SessionError
from backend.files.contract import FileSystem
from backend.files.editing import LARGEST, Check, Version, too_large
from backend.files.host_commands import quote
from backend.files.links import follow_named
from backend.files.partial import partial_name
from backend.files.paths import join_inside, name_of, parent_of, to_bytes
from backend.files.root_scripts import EXISTED, NEW, READ, SAVE, TARGET, read_version, save_problem
from backend.text import clean_text, show_bytes

_CHECK_LIMIT = 60.0
"""Seconds that a check may take."""
_SHOWN_CHECK = 4000
_CLEAN_UP_LIMIT = 2.0


def beside(path: bytes) -> bytes:
    """The hidden name in the same directory under which the new content waits."""
    return join_inside(parent_of(path), partial_name(name_of(path), secrets.token_bytes(8)))


def check_failed(check: Check, path: bytes, said: bytes, host: str) -> FileError:
    """The check does not like it; with its own words."""
    output = clean_text(said.decode("utf-8", "backslashreplace")).strip()[-_SHOWN_CHECK:]
    evidence = {"command": check.command, "path": show_bytes(path), "output": output or "it said nothing"}
    return FileError(Code.CHECK_FAILED, evidence=evidence, host=host)


class PlainEnd:
    """As who is logged in."""

    def __init__(self, files: FileSystem, link: Callable[[], Awaitable[Link]]) -> None:
        self._files = files
        self._link = link

    @property
    def host(self) -> str:
        return self._files.host or ""

    async def target(self, path: bytes) -> bytes:
        return await follow_named(self._files, path)

    async def fetch(self, path: bytes) -> Version:
        try:
            found = await self._files.stat(path)
        except FileError as error:
            if error.code is Code.NOT_FOUND:
                return Version(b"", None)
            raise
        if found.kind is FileKind.DIRECTORY:
            raise FileError(Code.IS_DIRECTORY, evidence={"path": show_bytes(path)}, host=self.host)
        if found.kind is not FileKind.FILE:
            evidence = {"path": show_bytes(path), "reason": "it is no regular file"}
            raise FileError(Code.FILE_FAILED, evidence=evidence, host=self.host)
        content = b"".join([data async for data in self._files.read(path, limit=LARGEST + 1)])
        if len(content) > LARGEST:
            raise too_large(path, found.size or len(content))
        return Version(content, found)

    async def store(self, path: bytes, content: bytes, over: Version, check: Check | None) -> tuple[str, ...]:
        async with self._files.change(f"Save {show_bytes(path)}") as files:
            return await PlainEnd(files, self._link)._stored(path, content, over, check)

    async def _stored(self, path: bytes, content: bytes, over: Version, check: Check | None) -> tuple[str, ...]:
        growing, old = beside(path), over.attributes
        try:
            await self._files.write(growing, _once(content), mode=0o600)
        except FileError as error:
            if error.code is not Code.PERMISSION or old is None:
                raise
            # The directory lets nobody in, the file does.
            return await self._in_place(path, content, check, over, "its directory takes no new file")
        try:
            if check is not None and check.before:
                await self._judge(check, growing, path)
            if not await self._dressed(growing, old):
                notes = await self._in_place(path, content, check, over, "so it keeps its owner")
                await self._files.remove(growing)
                return notes
            await self._unchanged(path, over)
            await self._files.replace(growing, path)
        except BaseException:
            with suppress(FairleadError, TimeoutError):
                await asyncio.wait_for(self._files.remove(growing), _CLEAN_UP_LIMIT)
            raise
        return await self._judged_after(check, path, over)

    async def _dressed(self, growing: bytes, like: Attributes | None) -> bool:
        """Give the new file mode and owner of the old one; False where the owner cannot be kept."""
        if like is None:
            await self._files.chmod(growing, 0o644)
            return True
        own = await self._files.stat(growing)
        if like.uid is not None and like.gid is not None and (own.uid, own.gid) != (like.uid, like.gid):
            try:
                await self._files.chown(growing, like.uid, like.gid)
            except FileError:
                return False
        if like.mode is not None:
            await self._files.chmod(growing, like.mode)
        return True

    async def _in_place(
        self, path: bytes, content: bytes, check: Check | None, over: Version, why: str
    ) -> tuple[str, ...]:
        """Not in one step; the copy on this machine stays until what was written has been read back."""
        await self._unchanged(path, over)
        await self._files.rewrite(path, _once(content))
        if (await self.fetch(path)).content != content:
            raise FileError(Code.CHECKSUM_DIFFERS, evidence={"path": show_bytes(path)}, host=self.host)
        return (f"It was written in place, not in one step: {why}.", *await self._judged_after(check, path, over))

    async def _unchanged(self, path: bytes, over: Version) -> None:
        """A last look, without the content. Raises FileError SOURCE_CHANGED."""
        try:
            now: Attributes | None = await self._files.stat(path)
        except FileError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            now = None
        before = over.attributes
        if (now is None) != (before is None) or (
            now is not None and before is not None and (now.size, now.modified) != (before.size, before.modified)
        ):
            message = f"Somebody else has written to {show_bytes(path)} just now."
            raise FileError(Code.SOURCE_CHANGED, message, evidence={"path": show_bytes(path)}, host=self.host)

    # --- checks --------------------------------------------------------------------------------------------------

    async def _judge(self, check: Check, place: bytes, path: bytes) -> None:
        """Raises FileError CHECK_FAILED, or SessionError where the host runs no commands."""
        command = to_bytes(check.command).replace(b"{}", quote(place))
        status, said = await run_check(await self._link(), command)
        if status != 0:
            raise check_failed(check, path, said, self.host)

    async def _judged_after(self, check: Check | None, path: bytes, over: Version) -> tuple[str, ...]:
        """A check that knows the file by its own name only: the old content comes back where it does not like it."""
        if check is None or check.before:
            return ()
        try:
            await self._judge(check, path, path)
        except (FileError, SessionError):
            if over.attributes is None:
                await self._files.remove(path)
            else:
                now = await self.fetch(path)
                await self._stored(path, over.content, now, None)
            raise
        return ("The check ran when the file had its name already; it would have been put back.",)


async def run_check(link: Link, command: bytes) -> tuple[int | None, bytes]:
    """Exit status and all that it said, both streams as they came. Raises FileError when it takes too long."""
    said = bytearray()
    try:
        async with asyncio.timeout(_CHECK_LIMIT), await link.open_process(command) as process:
            await process.write_eof()
            async for chunk in process.output():
                said += chunk.data if chunk.stream in (StdStream.OUT, StdStream.ERR) else b""
                del said[: -_SHOWN_CHECK * 4]
            return (await process.wait()).status, bytes(said)
    except TimeoutError:
        return None, b"it did not end within %d seconds" % _CHECK_LIMIT


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


class RunsAsRoot(Protocol):
    """What is needed of `backend.commands.sudo.Sudo`."""

    @property
    def host(self) -> str: ...

    async def run(self, script: bytes, stdin: bytes = b"") -> RootOutcome: ...


class RootOutcome(Protocol):
    """What is needed of `backend.commands.sudo.SudoOutcome`."""

    @property
    def status(self) -> int | None: ...

    @property
    def out(self) -> bytes: ...

    @property
    def err(self) -> bytes: ...


class RootEnd:
    """As root, by sudo."""

    def __init__(self, sudo: RunsAsRoot, files: FileSystem) -> None:
        """`files` are the host's: what is asked before they are changed is asked here, too."""
        self._sudo = sudo
        self._files = files

    @property
    def host(self) -> str:
        return self._sudo.host

    async def target(self, path: bytes) -> bytes:
        outcome = await self._sudo.run(TARGET % {b"path": quote(path)})
        found = outcome.out.removesuffix(b"\n")
        return found if outcome.status == 0 and found.startswith(b"/") else path

    async def fetch(self, path: bytes) -> Version:
        outcome = await self._sudo.run(READ % {b"path": quote(path), b"most": b"%d" % (LARGEST + 1)})
        return read_version(outcome.status, outcome.out, outcome.err, path, self.host)

    async def store(self, path: bytes, content: bytes, over: Version, check: Check | None) -> tuple[str, ...]:
        async with self._files.change(f"Save {show_bytes(path)} as root"):
            return await self._stored(path, content, over, check)

    async def _stored(self, path: bytes, content: bytes, over: Version, check: Check | None) -> tuple[str, ...]:
        growing, old = beside(path), over.attributes
        before = check is not None and check.before
        script = SAVE % {
            b"path": quote(path),
            b"growing": quote(growing),
            b"size": b"%d" % len(content),
            b"existed": NEW if old is None else EXISTED % _wearing(old),
            b"check": b"" if check is None or not before else _guarded(check, growing),
        }
        outcome = await self._sudo.run(script, content)
        if outcome.status != 0:
            raise save_problem(outcome.status, outcome.err, path, self.host, check)
        if check is None or before:
            return ()
        return await self._judged_after(check, path, over)

    async def _judged_after(self, check: Check, path: bytes, over: Version) -> tuple[str, ...]:
        outcome = await self._sudo.run(b"{ %s\n} </dev/null 2>&1" % to_bytes(check.command))
        if outcome.status != 0:
            if over.attributes is None:
                await self._sudo.run(b"rm -f -- " + quote(path))
            else:
                await self._stored(path, over.content, await self.fetch(path), None)
            raise check_failed(check, path, outcome.out + outcome.err, self.host)
        return ("The check ran when the file had its name already; it would have been put back.",)


def _wearing(old: Attributes) -> dict[bytes, bytes]:
    return {
        b"seen": b"%d %d" % (old.size or 0, int(old.modified or 0)),
        b"owner": b"%d:%d" % (old.uid or 0, old.gid or 0),
        b"mode": b"%o" % (old.mode or 0o600),
    }


def _guarded(check: Check, growing: bytes) -> bytes:
    command = to_bytes(check.command).replace(b"{}", quote(growing))
    return b"{ %s\n} </dev/null >&2 || exit 77" % command
