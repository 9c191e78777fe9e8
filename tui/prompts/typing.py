"""When a question may take the keys: not while the person types something else."""

from __future__ import annotations

from collections.abc import Callable

QUIET = 0.7
"""Seconds without a typed key after which a question may appear."""


class TypingGuard:
    """Remembers when the person last typed into a line of text."""

    def __init__(self, now: Callable[[], float], *, quiet: float = QUIET) -> None:
        self._now = now
        self._quiet = quiet
        self._typed_at = float("-inf")

    def typed(self) -> None:
        """A key has just gone to a line of text."""
        self._typed_at = self._now()

    @property
    def wait(self) -> float:
        """Seconds until a question may appear, if nothing more is typed."""
        return max(0.0, self._typed_at + self._quiet - self._now())
