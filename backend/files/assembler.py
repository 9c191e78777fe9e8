"""Blocks that finish out of order, put back in order. Pure."""

from __future__ import annotations


class InOrder:
    """Collects blocks and gives them back without gaps."""

    def __init__(self, start: int = 0) -> None:
        self._next = start
        self._blocks: dict[int, bytes] = {}
        self._held = 0

    @property
    def position(self) -> int:
        """Everything before this offset has been given back."""
        return self._next

    @property
    def held(self) -> int:
        """Bytes that wait here."""
        return self._held

    def add(self, offset: int, data: bytes) -> None:
        """A block of at least one byte. Raises ValueError for one that was there before."""
        if not data or offset < self._next or offset in self._blocks:
            raise ValueError(f"block at {offset} is empty or was there before")
        self._blocks[offset] = data
        self._held += len(data)

    def take(self, most: int) -> list[bytes]:
        """What follows `position` without a gap, at most `most` bytes unless the first block alone is longer."""
        taken: list[bytes] = []
        size = 0
        while (data := self._blocks.get(self._next)) is not None and (not taken or size + len(data) <= most):
            taken.append(self._blocks.pop(self._next))
            self._next += len(data)
            size += len(data)
        self._held -= size
        return taken


class Acknowledged:
    """The contiguous mark of blocks that were acknowledged in any order."""

    def __init__(self, start: int = 0) -> None:
        self._mark = start
        self._ahead: dict[int, int] = {}

    @property
    def mark(self) -> int:
        """Everything before this offset is acknowledged."""
        return self._mark

    def add(self, offset: int, size: int) -> None:
        self._ahead[offset] = size
        while (size_here := self._ahead.pop(self._mark, None)) is not None:
            self._mark += size_here
