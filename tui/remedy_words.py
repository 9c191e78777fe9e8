"""How remedies read on the screen: which key does which, and what is asked before one is applied. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from backend.connection.interaction import Confirmation
from backend.diagnostics.remedies.model import Changes, Remedy
from backend.sizes import size_text
from backend.text import show_bytes

if TYPE_CHECKING:
    from backend.diagnostics.remedies.space import Room

AppliedBy = Mapping[str, tuple[str, str]]
"""By the id of a remedy, or a flag of the command line: the key that does the same, and what the key does."""


def fixes(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Those that can be applied without a choice."""
    return tuple(remedy for remedy in remedies if not remedy.needs_choice)


def choices(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Those that need one."""
    return tuple(remedy for remedy in remedies if remedy.needs_choice)


def applied_by(remedies: Sequence[Remedy], fix_key: str, choose_key: str) -> AppliedBy:
    """Which key applies what of the advice, as it is written beside it."""
    found: dict[str, tuple[str, str]] = {}
    for remedy in remedies:
        found.setdefault(remedy.id.value, (choose_key if remedy.needs_choice else fix_key, remedy.label))
    return found


def question(remedy: Remedy) -> Confirmation:
    """What is asked before a remedy is applied: all that it will do, and how it is taken back."""
    lines = [remedy.sentence, "", f"  {remedy.dry_run}", "", f"This changes {remedy.changes.value}."]
    lines += [f"To take it back: {remedy.undo}"] if remedy.undo else []
    return Confirmation(remedy.label, "\n".join(lines), yes=remedy.agreed)


def is_asked_about(remedy: Remedy) -> bool:
    """Whether its key alone is not enough."""
    return remedy.changes is not Changes.NOTHING


def room_text(room: Room) -> Content:
    """What takes the room, the biggest first."""
    total = "" if room.total is None else f", {size_text(room.total)} in all"
    head = Content.assemble("Below ", (show_bytes(room.place), "bold"), f"{total}. Nothing was removed.")
    lines = [Content.assemble((f"{size_text(big.bytes):>9}  ", "$accent"), big.shown) for big in room.biggest]
    note = [Content.styled("Not everything could be counted.", "$warning")] if room.partial else []
    nothing = [] if room.biggest else [Content.styled("Nothing was found there.", "$quiet")]
    return Content("\n").join([head, *note, Content(""), *lines, *nothing])
