"""The file that a person names for what we make: judged before anything is done, written in one step. It blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError
from backend.files.problems import local_error
from backend.own_file import place


@dataclass(frozen=True, slots=True)
class TargetFile:
    """Where something is to be written."""

    path: Path
    mode: int = 0o600
    """Of the file: reports tell about hosts and accounts, which is nobody else's business."""

    def check(self) -> None:
        """Raises ConfigError (USAGE) where nothing could be written, so that nobody connects in vain."""
        parent = self._real.parent
        if self.path.is_dir():
            raise _unusable(f"{self.path} is a directory")
        if self._real.is_symlink():
            raise _unusable(f"{self.path} is a link that leads back to itself")
        if not parent.is_dir():
            raise _unusable(f"there is no directory {parent}")
        if not os.access(parent, os.W_OK) and not self._is_special:
            raise _unusable(f"nothing may be written to {parent}")

    def write(self, content: bytes) -> bool:
        """Put `content` there in one step; whether a file was replaced. A device or pipe is written to as it is.

        Raises FileError; what was there before is then still there.
        """
        try:
            if self._is_special:
                self._real.write_bytes(content)
                return False
            replaced = self._real.exists()
            place(self._real, content, self.mode)
        except OSError as problem:
            raise local_error(problem, os.fsencode(self.path)) from problem
        return replaced

    @property
    def _real(self) -> Path:
        """What a link leads to: the link stays."""
        return Path(os.path.realpath(self.path))

    @property
    def _is_special(self) -> bool:
        try:
            return not stat.S_ISREG(self.path.stat().st_mode)
        except OSError:
            return False


def _unusable(problem: str) -> ConfigError:
    return ConfigError(Code.USAGE, evidence={"problem": problem})
