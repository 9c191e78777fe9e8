"""Writing `config.toml`: under a lock, in one step, only what reads back without a mistake, with copies of what was.

Everything here blocks; call it in a thread.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.own_file import locked, place
from backend.settings.editing import CannotEdit
from backend.settings.paths import short
from backend.settings.problems import as_error
from backend.settings.reading import check_text

KEPT = 10
"""Copies of earlier versions, beside the one from before the first change."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A `config.toml` that this program may change."""

    path: Path
    backups: Path
    """Where copies go: a directory of its own below this one for each file."""

    def edit(self, change: Callable[[str], str]) -> None:
        """Put `change(text)` in place of the file's text; made (0600) where there is none.

        A symbolic link stays, and the file it points to is changed; its mode is kept. Raises ConfigError: the file
        cannot be read, written or understood, or cannot be edited so. Then nothing was changed.
        """
        path = self.path.resolve()
        with self._told(), _made(path), locked(path) as descriptor:
            old = path.read_bytes()
            new = self._changed(old, change)
            if new == old:
                return
            if old:
                self._keep(old)
            place(path, new, stat.S_IMODE(os.fstat(descriptor).st_mode))

    def rehearse(self, change: Callable[[str], str]) -> None:
        """Raise what `edit` would raise, and write nothing."""
        with self._told():
            path = self.path.resolve()
            self._changed(path.read_bytes() if path.exists() else b"", change)

    def copies(self) -> tuple[Path, ...]:
        """The earlier versions: the newest first, the one from before the first change last."""
        directory = self._directory()
        found = (directory / name for name in (*(f"{number}.toml" for number in range(1, KEPT + 1)), "original.toml"))
        return tuple(path for path in found if path.exists())

    def _changed(self, old: bytes, change: Callable[[str], str]) -> bytes:
        try:
            text = old.decode()
            new = change(text)
        except UnicodeDecodeError as error:
            raise self._refused("it is not UTF-8 text") from error
        except tomllib.TOMLDecodeError as error:
            problems = check_text(self.path, old.decode())
            raise as_error(problems) from error
        except CannotEdit as error:
            raise self._refused(str(error)) from error
        if problems := check_text(self.path, new):
            raise as_error(problems)
        return new.encode()

    def _keep(self, content: bytes) -> None:
        directory = self._directory()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (directory / "original.toml").exists():
            place(directory / "original.toml", content, 0o600)
        for number in range(KEPT - 1, 0, -1):
            with suppress(FileNotFoundError):
                (directory / f"{number}.toml").replace(directory / f"{number + 1}.toml")
        place(directory / "1.toml", content, 0o600)

    def _directory(self) -> Path:
        return self.backups / hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:16]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place_of_it = f" ({error.filename})" if error.filename else ""
            raise self._refused(f"{error.strerror or error}{place_of_it}; nothing was changed") from error

    def _refused(self, reason: str) -> ConfigError:
        return ConfigError(
            Code.CONFIG_INVALID,
            f"{short(self.path)} cannot be changed: {reason}.",
            evidence={"problem": reason, "file": self.path},
            advice=(Advice("Change the file in an editor, then check it.", "fairlead config check"),),
        )


@contextmanager
def _made(path: Path) -> Iterator[None]:
    """Its directory is made, and an empty file that a refused change would leave behind is taken away again."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    was_there = path.exists()
    try:
        yield
    except BaseException:
        if not was_there:
            with suppress(OSError):
                if path.stat().st_size == 0:
                    path.unlink()
        raise
