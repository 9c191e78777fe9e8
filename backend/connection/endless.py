"""What a host tells that has no end: listings that repeat themselves, or go on longer than any directory. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from backend.connection.connector import Entry

MOST_NAMES = 5_000_000
"""Names of one directory: more than people keep in one, and more than memory should be given for a host's word."""
MOST_IDLE = 1000
"""Answers in a row without a name; servers that have nothing to tell say so with their first."""
_SIGHTINGS = 3
"""How often one name has to come back: once or twice it may, where files are renamed while they are listed."""


class ListingWatch:
    """Watches the names of one listing as they come, in the memory of one name (after Brent's search for cycles)."""

    def __init__(self) -> None:
        self._names = self._idle = self._sightings = 0
        self._next_mark = 1
        self._marked: bytes | None = None

    def look(self, entries: Sequence[Entry]) -> str | None:
        """Why the listing, having come this far with the answer `entries`, is not worth going on with; else None."""
        self._idle = 0 if entries else self._idle + 1
        if self._idle > MOST_IDLE:
            return f"it has answered {self._idle} times without a name and without an end"
        for entry in entries:
            self._pass(entry.name)
        if self._sightings >= _SIGHTINGS:
            return "the listing tells the same names over and over"
        return f"the listing has more than {MOST_NAMES} names" if self._names > MOST_NAMES else None

    def _pass(self, name: bytes) -> None:
        self._names += 1
        self._sightings += name == self._marked
        if self._names >= self._next_mark and self._sightings < _SIGHTINGS:
            self._marked, self._sightings, self._next_mark = name, 0, 2 * self._names
