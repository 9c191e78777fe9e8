"""The two directions behind one contract: trees, conflicts, verification and the journal are the same for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.connection.connector import Attributes
from backend.files.lane import Item
from backend.files.walk import TreeSource


@dataclass(frozen=True, slots=True)
class Pending:
    """A small file that has arrived whole under its partial name and waits to be verified and named."""

    item: Item
    attributes: Attributes
    """Of the source, when it was read."""
    digest: bytes
    size: int
    """Bytes that were copied."""
    on_host: bytes
    """What the host has to hash: the source (GET) or the partial (PUT)."""

    @property
    def unsteady(self) -> bool:
        """Its size was a lie (as under /proc): two readings need not agree."""
        return self.attributes.size != self.size


class Carrier(Protocol):
    """Carries items in one direction. Lost links are mended inside; raises FileError, or what ended the session."""

    @property
    def source(self) -> TreeSource: ...

    async def inspect(self, item: Item) -> Attributes | None:
        """What has the final name now; None when nothing has."""
        ...

    async def folds_names(self, item: Item) -> bool:
        """Whether the directory of `item` takes two names for one that differ in upper and lower case only."""
        ...

    async def make_directory(self, item: Item) -> bool:
        """Whether it was made now."""
        ...

    async def finish_directory(self, item: Item) -> None: ...

    async def link(self, item: Item) -> None:
        """Make the symbolic link that `item` is."""
        ...

    async def large(self, item: Item) -> bool:
        """Copy, verify and name one file; whether it was verified."""
        ...

    async def small(self, item: Item) -> Pending:
        """Bring a small file under its partial name."""
        ...

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        """SHA-256 by the host, by `on_host`; where it does not say, why, for people."""
        ...

    async def has_changed(self, pending: Pending) -> bool:
        """Whether the source looks different from when it was read."""
        ...

    async def commit(self, pending: Pending) -> None:
        """Mode, time, final name."""
        ...

    async def discard(self, pending: Pending) -> None: ...

    async def close(self) -> None: ...
