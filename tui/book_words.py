"""Sentences about changing the host book. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from backend.hosts.book import HostEntry, HostSource
from backend.settings.paths import short
from backend.text import clean_line

_NAMED = 5
"""Names that are told one by one."""


def own_entry_words(entry: HostEntry) -> str:
    """What becomes of a host that is written elsewhere, or nowhere."""
    if entry.source is HostSource.SSH_CONFIG:
        return (
            f"{entry.where or '~/.ssh/config'} stays as it is. The new entry takes the place of it in the list; what is"
            " empty here still comes from there."
        )
    return "It was typed so far; written down, it stays in the list."


def removal_words(entry: HostEntry, file: Path, *, users: Sequence[str], in_use: bool) -> str:
    """What goes with an own entry, and what does not."""
    place = f"{entry.user}@{entry.address}" if entry.user and entry.address else entry.address
    what = f" ({place})" if place else ""
    lines = [f"{entry.name}{what} goes out of {short(file)}, with all that is said there about it."]
    if entry.note:
        lines.append(f"Its note: {entry.note}")
    if users:
        lines.append(f"It is the jump host of {_few(users)}: there the name stays, and means what DNS makes of it.")
    if in_use:
        lines.append("It is connected; the connection stays until you disconnect.")
    lines.append("A copy of the file as it is now is kept.")
    return "\n\n".join(clean_line(line) for line in lines)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
