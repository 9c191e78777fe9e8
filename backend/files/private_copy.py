"""The copy of a file that is edited here: in a directory of its own that nobody else can enter, named so that it can be
told what it was; removed when it is no longer needed, and kept where it holds what was not saved. Blocks; for threads.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from backend.files.paths import name_of, to_text
from backend.files.problems import told

_ODD = re.compile(r"[^\w.+=@ -]|^-", re.ASCII)
_LONGEST = 120


class PrivateCopy:
    """One file below the directory of copies."""

    def __init__(self, room: Path, host: str, path: bytes, content: bytes) -> None:
        """Raises FileError, as when the disk is full."""
        name = _safe(to_text(name_of(path))) or "file"
        self.path = room / f"{_safe(host)}-{name}-{secrets.token_hex(4)}" / name
        with told(os.fsencode(self.path)):
            room.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.parent.mkdir(mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)

    def read(self) -> bytes:
        """What is in it now. Raises FileError, as when the editor has removed it."""
        with told(os.fsencode(self.path)):
            return self.path.read_bytes()

    def discard(self) -> None:
        """Remove it, with what the editor has left beside it."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def leftovers(room: Path) -> Sequence[Path]:
    """Copies of earlier times: what was typed and could not be saved, or a program that was killed."""
    try:
        return sorted(file for directory in room.iterdir() for file in directory.iterdir() if file.is_file())
    except OSError:
        return ()


def _safe(text: str) -> str:
    """A name that is safe here, with the ending that an editor knows files by."""
    return _ODD.sub("_", text)[-_LONGEST:]
