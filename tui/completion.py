"""Completing what is typed into a line: names that are known, and paths. The rest of the word stands there, dim."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from textual.suggester import Suggester

MOST = 2000
"""Entries of a directory that are looked at."""


class NameCompletion(Suggester):
    """Completes the last of several names, commas between, from those that are known."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        before, begun = last_part(value)
        found = fitting(begun, self._names(), without=before)
        return value + found[0][len(begun) :] if begun and found else None


class PathCompletion(Suggester):
    """Completes the last of several local paths, commas between. The disk is read in a thread."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        _, begun = last_part(value)
        found = await asyncio.to_thread(paths, begun) if begun else []
        return value + found[0][len(begun) :] if found else None


def last_part(value: str) -> tuple[tuple[str, ...], str]:
    """The parts before the last comma, and what is begun after it."""
    *before, begun = value.split(",")
    return tuple(part.strip() for part in before), begun.lstrip()


def fitting(begun: str, names: Iterable[str], *, without: Sequence[str] = ()) -> list[str]:
    """The names that begin so, and are longer, in their own order."""
    return [name for name in names if name.startswith(begun) and name != begun and name not in without]


def paths(begun: str) -> list[str]:
    """The paths that begin so, as they were begun (`~/…` stays), directories with a slash; shown ones first. Blocks."""
    directory, slash, name = begun.rpartition("/")
    place = Path(directory + slash).expanduser() if slash else Path()
    try:
        with os.scandir(place) as entries:
            found = [(entry.name, entry.is_dir()) for entry, _ in zip(entries, range(MOST), strict=False)]
    except OSError:
        return []
    fits = [(entry, is_dir) for entry, is_dir in found if entry.startswith(name) and entry.isprintable()]
    fits = sorted((one for one in fits if one != (name, False)), key=lambda one: (one[0].startswith("."), one[0]))
    return [f"{directory}{slash}{entry}{'/' if is_dir else ''}" for entry, is_dir in fits]


def key_files(home: Path) -> list[str]:
    """The private keys of `~/.ssh`, as one would write them: those with a public half beside them. Blocks."""
    names = {path.rpartition("/")[2] for path in paths(f"{home}/.ssh/")}
    return sorted(f"~/.ssh/{name}" for name in names if f"{name}.pub" in names)
