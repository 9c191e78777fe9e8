"""Making a key file its owner's alone, and nothing else: the file that is changed is the one that was looked at."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from backend.connection.host_keys import shorten
from backend.dataclass import dataclass
from backend.errors import Advice, Code, FileError
from backend.text import shell_word

OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class Mode:
    """What became of a mode."""

    before: int
    after: int


def make_owner_only(path: Path) -> Mode:
    """Set the mode of a regular file of this person's own to 0600. Blocks.

    The file is opened first, without following a link in its place, and judged and changed over that handle: whatever
    is put in its place meanwhile is not touched. Raises FileError.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise _refused(path, "it is a symbolic link; change the file that it points to by hand")
        fd = os.open(path, flags)
    except OSError as error:
        raise _refused(path, (error.strerror or str(error)).lower()) from error
    try:
        return _change(fd, path)
    except OSError as error:
        raise _refused(path, (error.strerror or str(error)).lower()) from error
    finally:
        os.close(fd)


def _change(fd: int, path: Path) -> Mode:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "it is no regular file")
    if found.st_uid != os.geteuid():
        raise _refused(path, "it belongs to another user")
    os.fchmod(fd, OWNER_ONLY)
    after = stat.S_IMODE(os.fstat(fd).st_mode)
    if after != OWNER_ONLY:
        raise _refused(path, f"its mode is still {after:04o}: this file system does not keep modes")
    return Mode(stat.S_IMODE(found.st_mode), after)


def _refused(path: Path, reason: str) -> FileError:
    shown = shorten(path)
    return FileError(
        Code.FILE_FAILED,
        f"The mode of {shown} was not changed: {reason}.",
        evidence={"path": shown, "reason": reason},
        advice=(
            Advice("Look at the file.", f"ls -l {shell_word(shown)}"),
            Advice("Or choose another key for this host."),
        ),
    )
