"""Users and groups of a host: names for numbers by SFTP where the server tells them, numbers for names by its commands
or its tables. What was told is kept as long as the file system."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from backend.connection.connector import Attributes, FileChannel, Link
from backend.errors import FileError
from backend.files.host_commands import NoAnswer, ask_script, said
from backend.files.local_accounts import number_or, unknown
from backend.files.modes import OwnerChange
from backend.files.paths import to_bytes
from backend.tasks import closing
from backend.text import show_bytes

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?")
_LONGEST_TABLE = 4 << 20


class Reads(Protocol):
    """What is needed of a file system."""

    def read(self, path: bytes, *, start: int = 0, limit: int | None = None) -> AsyncIterator[bytes]: ...


class HostAccounts:
    """What is known of one host's accounts."""

    def __init__(self) -> None:
        self._users: dict[int, str] = {}
        self._groups: dict[int, str] = {}

    async def named(
        self, link: Callable[[], Awaitable[Link]], channel: FileChannel, attributes: Attributes
    ) -> Attributes:
        """The same with names, as far as the server or the host's commands tell them."""
        uid, gid = attributes.uid, attributes.gid
        if uid is None or gid is None or (attributes.owner and attributes.group):
            return attributes
        if uid not in self._users or gid not in self._groups:
            users, groups = await channel.account_names([uid], [gid])
            told = (users.get(uid, ""), groups.get(gid, "")) if users or groups else await _names(link, uid, gid)
            self._users[uid], self._groups[gid] = told
        owner, group = attributes.owner or self._users[uid], attributes.group or self._groups[gid]
        return replace(attributes, owner=owner, group=group)

    async def ids(
        self, link: Callable[[], Awaitable[Link]], files: Reads, change: OwnerChange
    ) -> tuple[int | None, int | None]:
        """The numbers behind names. Raises FileError NOT_FOUND."""
        user = await _number(link, files, "user", change.user)
        return user, await _number(link, files, "group", change.group)


async def _names(link: Callable[[], Awaitable[Link]], uid: int, gid: int) -> tuple[str, str]:
    """By getent(1); empty where nobody has the number."""
    script = b"getent passwd %d | cut -d: -f1\necho :\ngetent group %d | cut -d: -f1\n" % (uid, gid)
    user, _, group = said(await ask_script(await link(), script, seconds=10)).partition(b":")
    return show_bytes(user.strip()), show_bytes(group.strip())


async def _number(link: Callable[[], Awaitable[Link]], files: Reads, kind: str, name: str | None) -> int | None:
    if name is None or (name.isascii() and name.isdigit()):
        return None if name is None else number_or(name, unknown(kind, name, "there"))
    if _NAME.fullmatch(name) is None:
        raise unknown(kind, name, "there")
    live = await link()
    table, quoted = (
        (b"passwd", b"'" + to_bytes(name) + b"'") if kind == "user" else (b"group", b"'" + to_bytes(name) + b"'")
    )
    own = b"id -u -- %s 2>/dev/null || " % quoted if kind == "user" else b""
    script = own + b"{ getent %s %s || grep -- ^%s: /etc/%s; } | head -n 1 | cut -d: -f3" % (
        table,
        quoted,
        quoted,
        table,
    )
    answer = await ask_script(live, script + b"\n", seconds=10)
    if isinstance(answer, NoAnswer):
        answer = await _from_table(files, b"/etc/" + table, to_bytes(name))
    number = answer.strip().decode("ascii", "replace")
    return number_or(number, unknown(kind, name, f"on {live.facts.host}"))


async def _from_table(files: Reads, path: bytes, name: bytes) -> bytes:
    """The third field of the line of passwd(5) or group(5) for `name`; empty where there is none."""
    content = b""
    try:
        async with closing(files.read(path, limit=_LONGEST_TABLE)) as pieces:
            async for piece in pieces:
                content += piece
    except FileError:
        return b""
    fields = [line.split(b":") for line in content.splitlines() if line.startswith(name + b":")]
    return fields[0][2] if fields and len(fields[0]) > 2 else b""
