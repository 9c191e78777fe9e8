"""Advice as a report tells it: what Fairlead does by itself when it is asked is told with how to ask. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from backend.diagnostics.remedies.model import Remedy
from backend.errors import Advice
from backend.text import clean_line


def doable(advice: Sequence[Advice], remedies: Sequence[Remedy]) -> tuple[Advice, ...]:
    """`advice` with the command line that applies it, where one of `remedies` does and its own is another one."""
    by_id = {remedy.id.value: remedy for remedy in reversed(remedies)}
    return tuple(_with_command(item, by_id.pop(item.apply or "", None)) for item in advice)


def _with_command(item: Advice, remedy: Remedy | None) -> Advice:
    if remedy is None or "--apply" in (item.command or "").split():
        return item
    if not remedy.lasts:
        return replace(item, text=f"{item.text} In the workbench a key on Diagnostics does it.")
    command = f"fairlead diagnose {shlex.quote(clean_line(remedy.host))} --apply {remedy.id.value}"
    if item.command is None:
        return replace(item, command=command)
    return replace(item, text=f"{item.text} Or let Fairlead do it, after a question: {command}")
