"""The files of a host without SFTP, over commands: `FileChannel` of the contract, by sh(1) and the tools beside it.

Works with GNU, BSD and busybox userlands. What a command does is done when it has ended with status 0; where the link
is lost before that, it may or may not have been done, as with a request of SFTP.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime

from backend.commands.quoting import posix_quote
from backend.connection.command_files.file import CommandFile
from backend.connection.command_files.records import Look, Records, parse_record, parse_space
from backend.connection.command_files.runner import Answer, Runner, word
from backend.connection.connector import Attributes, Entry, FileLimits, Link, OpenMode, Space
from backend.connection.endless import ListingWatch
from backend.errors import Code, FileError

_BLOCK = 261120
_PROBE_SECONDS = 15.0
_PROBE = (
    b"if find / -prune -exec stat -c %f {} + >/dev/null 2>&1; then echo gnu; "
    b"elif find / -prune -exec stat -f %Xp {} + >/dev/null 2>&1; then echo bsd; "
    b"elif ls -ldn / >/dev/null 2>&1; then echo ls; fi"
)
_FIELDS = {Look.GNU: b"-c '%s%%f %%s %%Y %%u %%g %%U/%%G/%%n'", Look.BSD: b"-f '%s%%Xp %%z %%m %%u %%g %%Su/%%Sg/%%N'"}
_BY_LS = (
    b"look() { printf '%%s' %s; ls -ldn$1 \"$2\" 2>/dev/null | { IFS= read -r line; printf '%%s\\n/' \"$line\"; }; "
    b'if [ -L "$2" ] && [ -z "$1" ]; then echo; else date -r "$2" +%%s 2>/dev/null || echo; fi; '
    b"printf '/%%s\\n' \"$2\"; }; "
)
"""The first line of ls alone: a name with newlines would go on for several."""
_THERE = b"{ [ -e %(p)s ] || [ -L %(p)s ]; }"
_OPENINGS = {
    OpenMode.READ: b"[ ! -d %(p)s ] || exit 42; [ ! -p %(p)s ] || exit 45; : < %(p)s",
    OpenMode.CREATE: b"[ ! -d %(p)s ] || exit 42; : > %(p)s",
    OpenMode.UPDATE: b"[ ! -d %(p)s ] || exit 42; [ -e %(p)s ] || exit 40; : >> %(p)s",
    OpenMode.EXCLUSIVE: b"set -C; : > %(p)s",
}


class CommandFiles:
    """A channel over commands; see `over_commands`."""

    def __init__(self, runner: Runner, look: Look) -> None:
        self._runner = runner
        self._look = look
        self._mark = b"fairlead-" + secrets.token_hex(8).encode() + b":"

    @property
    def limits(self) -> FileLimits:
        return FileLimits(_BLOCK, _BLOCK)

    @property
    def ended(self) -> bool:
        return self._runner.ended

    # --- looking -------------------------------------------------------------------------------------------------

    async def resolve(self, path: bytes) -> bytes:
        p = word(path or b".")
        text = b"if cd %(p)s 2>/dev/null; then pwd -P; else readlink -f %(p)s || exit 40; fi" % {b"p": p}
        return (await self._runner.run(text, path)).removesuffix(b"\n")

    async def stat(self, path: bytes) -> Attributes:
        return await self._attributes(path, b"L")

    async def lstat(self, path: bytes) -> Attributes:
        return await self._attributes(path, b"")

    async def _attributes(self, path: bytes, follow: bytes) -> Attributes:
        if self._look is Look.LS:
            there = b"[ -e %(p)s ]" if follow else _THERE
            text = there % {b"p": word(path)} + b" || exit 40; "
            text += _BY_LS % self._mark + b"look '%s' %s" % (follow, word(path))
        else:
            text = b"stat %s %s %s" % (b"-L" if follow else b"", _FIELDS[self._look] % self._mark, word(path))
        output = await self._runner.run(text, path)
        entry = parse_record(self._look, output.partition(self._mark)[2])
        if entry is None:
            raise FileError(
                Code.FILE_FAILED, evidence={"path": word(path).decode("utf-8", "replace"), "reason": "an odd answer"}
            )
        return entry.attributes

    async def scan(self, path: bytes) -> AsyncGenerator[Sequence[Entry], None]:
        text = b"[ -e %(p)s ] || exit 40; [ -d %(p)s ] || exit 43; cd %(p)s || exit 44; [ -r . ] || exit 44; " % {
            b"p": word(path)
        }
        if self._look is Look.LS:
            text += _BY_LS % self._mark + b'for f in ./* ./.*; do [ -e "$f" ] || [ -L "$f" ] && look \'\' "$f"; done; '
        else:
            text += b"find . ! -name . -prune -exec stat %s {} +; " % (_FIELDS[self._look] % self._mark)
        records, watch = Records(self._look, self._mark), ListingWatch()
        async with self._runner.started(text + b"exit 0", path) as running:
            async with aclosing(running.output()) as output:
                async for data in output:
                    entries = _plain(records.feed(data))
                    if (why := watch.look(entries)) is not None:
                        raise running.failed(why)
                    if entries:
                        yield entries
            if entries := _plain(records.feed(b"", end=True)):
                yield entries
            if (status := await running.status()) != 0:
                raise self._runner.failed(path, Answer(b"", running.complaint, status))

    async def readlink(self, path: bytes) -> bytes:
        text = _THERE % {b"p": word(path)} + b" || exit 40; exec readlink " + word(path)
        return (await self._runner.run(text, path)).removesuffix(b"\n")

    async def space(self, path: bytes) -> Space | None:
        return parse_space(await self._runner.run(b"exec df -kP " + word(path), path))

    # --- changing ------------------------------------------------------------------------------------------------

    async def open(self, path: bytes, mode: OpenMode, permissions: int | None = None) -> CommandFile:
        text = _OPENINGS[mode] % {b"p": word(path)}
        if mode is OpenMode.EXCLUSIVE and permissions is not None and permissions & 0o111:
            text += b' && chmod "$(printf %%o $((0%o & ~old)))" %s' % (permissions, word(path))
        await self._runner.run(_umask(permissions) + text, path)
        return CommandFile(self._runner, path, self.stat)

    async def mkdir(self, path: bytes, permissions: int | None = None) -> None:
        text = _THERE % {b"p": word(path)} + b" && exit 41; " + _umask(permissions) + b"mkdir " + word(path)
        await self._runner.run(text, path)

    async def rmdir(self, path: bytes) -> None:
        await self._runner.run(b"exec rmdir " + word(path), path)

    async def remove(self, path: bytes) -> None:
        text = _THERE % {b"p": word(path)} + b" || exit 40; exec rm -f " + word(path)
        await self._runner.run(text, path)

    async def rename(self, old: bytes, new: bytes) -> None:
        there = _THERE % {b"p": word(old)} + b" || exit 40; " + _THERE % {b"p": word(new)} + b" && exit 41; "
        await self._runner.run(there + b"exec mv -f %s %s" % (word(old), word(new)), new)

    async def replace(self, old: bytes, new: bytes) -> None:
        o, n = word(old), word(new)
        text = (
            b"[ -e %(o)s ] || [ -L %(o)s ] || exit 40; if [ -d %(n)s ]; then [ -L %(n)s ] || exit 42; "
            b"mv -T -f %(o)s %(n)s 2>/dev/null && exit 0; rm -f %(n)s || exit; fi; exec mv -f %(o)s %(n)s"
        ) % {b"o": o, b"n": n}
        await self._runner.run(text, new)

    async def symlink(self, link: bytes, points_to: bytes) -> None:
        if b"\0" in points_to:
            raise FileError(Code.NAME_INVALID, evidence={"path": "a link", "reason": "a name holds a zero byte"})
        text = _THERE % {b"p": word(link)} + b" && exit 41; exec ln -s -- %s %s" % (posix_quote(points_to), word(link))
        await self._runner.run(text, link)

    async def hardlink(self, path: bytes, existing: bytes) -> None:
        old, new = {b"p": word(existing)}, {b"p": word(path)}
        text = _THERE % old + b" || exit 40; " + _THERE % new + b" && exit 41; exec ln %s %s" % (old[b"p"], new[b"p"])
        await self._runner.run(text, path)

    async def set_attributes(
        self,
        path: bytes,
        *,
        mode: int | None = None,
        modified: float | None = None,
        owner: tuple[int, int] | None = None,
        follow: bool = True,
    ) -> None:
        p, flag = word(path), b"" if follow else b"-h "
        # The owner first: chown(2) takes set-id bits away.
        steps = [] if owner is None else [b"chown %s%d:%d %s" % (flag, *owner, p)]
        if mode is not None:
            steps.append(b"chmod %s%o %s" % (flag, mode, p))
        if modified is not None:
            moment = datetime.fromtimestamp(int(modified), UTC).strftime("%Y%m%d%H%M.%S").encode()
            steps.append(b"TZ=UTC0 touch %s-c -t %s %s" % (flag, moment, p))
        there = _THERE % {b"p": p} + b" || exit 40; "
        await self._runner.run(there + b" && ".join(steps or [b":"]), path)

    async def account_names(
        self, users: Sequence[int], groups: Sequence[int]
    ) -> tuple[Mapping[int, str], Mapping[int, str]]:
        """None: where the host knows them, they come with the attributes."""
        return {}, {}

    async def close(self) -> None:
        self._runner.ended = True


async def over_commands(link: Link) -> CommandFiles | None:
    """The files of `link` over commands; None where it runs none, or has not what is needed. Raises LinkLost."""
    runner = Runner(link)
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            told = await runner.run(_PROBE, b"/")
        look = Look(told.strip().decode("ascii", "replace"))
    except (FileError, TimeoutError, ValueError):
        return None
    return CommandFiles(runner, look)


def _umask(permissions: int | None) -> bytes:
    """What makes new files at most as open as `permissions`, and no more open than the account's umask lets them be."""
    masked = 0 if permissions is None else 0o777 & ~permissions
    return b'old=$(umask); umask "$(printf %%o $((old | 0%o)))"; ' % masked


def _plain(entries: Iterable[Entry]) -> list[Entry]:
    """Without `.` and `..`, under the names that they have in their directory."""
    named = [replace(entry, name=entry.name.removeprefix(b"./")) for entry in entries]
    return [entry for entry in named if entry.name not in (b".", b"..", b"")]
