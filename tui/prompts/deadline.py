"""Asking after which time something is not to be begun any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from backend.dataclass import dataclass
from backend.moments import read_deadline
from tui.prompts.line import LinePrompt

if TYPE_CHECKING:
    from textual.app import App

_DETAIL = "After this it is not begun any more: 2h, 30m, 18:00 or 2026-03-09T18:00. Nothing: no deadline."


@dataclass(frozen=True, slots=True)
class Deadline:
    """What the person wants."""

    until: datetime | None


async def ask_deadline(app: App[object], now: Callable[[], datetime], begun: datetime | None) -> Deadline | None:
    """The deadline that is typed, in a worker; None where the person leaves it as it is. `begun` stands there."""

    def objection(text: str) -> str:
        try:
            _read(text, now())
        except ValueError as problem:
            return f"{str(problem)[0].upper()}{str(problem)[1:]}."
        return ""

    value = "" if begun is None else f"{begun.astimezone():%Y-%m-%dT%H:%M}"
    text = await app.push_screen_wait(LinePrompt("deadline", _DETAIL, value=value, check=objection))
    return None if text is None else Deadline(_read(text, now()))


def _read(text: str, now: datetime) -> datetime | None:
    return read_deadline(text, now.astimezone()) if text.strip() else None
