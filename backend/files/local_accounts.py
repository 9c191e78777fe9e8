"""Users and groups of this machine: names for numbers and back, and homes. Blocks; for threads.

Where the machine has no such tables (Windows), nothing is known.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from backend.connection.connector import Attributes
from backend.errors import Advice, Code, FileError
from backend.files.modes import OwnerChange
from backend.text import show_bytes

try:
    import grp
    import pwd
except ImportError:  # pragma: no cover - Windows
    pass


async def home_of(user: str) -> bytes:
    """The home directory of a named user. Raises FileError NOT_FOUND."""

    def look_up() -> bytes:
        return os.fsencode(Path(f"~{user}").expanduser())

    try:
        return await asyncio.to_thread(look_up)
    except RuntimeError as error:
        raise unknown("user", user, "here") from error


def with_names(attributes: Attributes) -> Attributes:
    """The same with the names of owner and group."""
    return replace(attributes, owner=_user_name(attributes.uid), group=_group_name(attributes.gid))


def _user_name(uid: int | None) -> str:
    try:
        return "" if uid is None else show_bytes(os.fsencode(pwd.getpwuid(uid).pw_name))
    except (KeyError, NameError):
        return ""


def _group_name(gid: int | None) -> str:
    try:
        return "" if gid is None else show_bytes(os.fsencode(grp.getgrgid(gid).gr_name))
    except (KeyError, NameError):
        return ""


def ids_of(change: OwnerChange) -> tuple[int | None, int | None]:
    """The numbers. Raises FileError NOT_FOUND for a name that nobody has."""
    return _uid(change.user), _gid(change.group)


def _uid(user: str | None) -> int | None:
    try:
        return None if user is None else pwd.getpwnam(user).pw_uid
    except (KeyError, NameError) as error:
        return number_or(user, unknown("user", user or "", "here"), error)


def _gid(group: str | None) -> int | None:
    try:
        return None if group is None else grp.getgrnam(group).gr_gid
    except (KeyError, NameError) as error:
        return number_or(group, unknown("group", group or "", "here"), error)


def number_or(name: str | None, problem: FileError, cause: Exception | None = None) -> int:
    """`name` as the number that it is, where it is one; else `problem` is raised."""
    if name is not None and name.isascii() and name.isdigit() and int(name) < 1 << 32:
        return int(name)
    raise problem from cause


def unknown(kind: str, name: str, where: str) -> FileError:
    """Nobody is called so."""
    advice = (Advice("See who there is.", f"getent {'passwd' if kind == 'user' else 'group'}"),)
    message = f"There is no {kind} called {name} {where}."
    return FileError(Code.NOT_FOUND, message, evidence={"path": f"~{name}"}, advice=advice)
