"""The directions behind one contract: trees, conflicts, verification and the journal are the same for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from backend.connection.connector import Attributes
from backend.dataclass import dataclass
from backend.errors import FileError
from backend.files.data_line import Line
from backend.files.host_tools import Tools
from backend.files.lane import Item
from backend.files.walk import TreeSource

ABANDON_SECONDS = 2.0
"""How long a transfer that ends early takes to remove what nobody will name."""


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
    """What the host has to hash: the source (GET) or the partial (else)."""
    theirs: bytes | None = None
    """What the host has hashed already."""
    archived: bool = False
    """It came in a stream of many: mode and time are what they are to be, and its content has been read once only."""

    @property
    def unsteady(self) -> bool:
        """Its size was a lie (as under /proc): two readings need not agree."""
        return self.attributes.size != self.size


@dataclass(frozen=True, slots=True)
class Failed:
    """One file that could not be stored on this side."""

    item: Item
    error: FileError


Arrived = Callable[[Sequence[Pending | Failed]], Awaitable[None]]
"""Hears of each file of a stream once, as soon as its fate is certain."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a stream ended. What was not heard of has to go another way."""

    cut: bool = False
    """The link was lost: the same way will do again."""
    said: str = ""
    """What tar complained of, cleaned, or why it did not run."""


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

    async def archive_ahead(self, line: Line, tools: Tools) -> None:
        """Have what `archive` needs on the host started: small files are about to be found. Raises LinkLost."""
        ...

    async def archive(self, line: Line, tools: Tools, items: Sequence[Item], arrived: Arrived) -> Ended:
        """Bring many small files, named by no person, under their partial names in one stream over `line`, by
        `tools.tar`. Those that `arrived` does not hear of are not there. Raises what ended the session, or `arrived`
        raises."""
        ...

    async def digests(self, pending: Sequence[Pending]) -> dict[bytes, bytes] | str:
        """SHA-256 by the host, by `on_host`; where it does not say, why, for people."""
        ...

    async def has_changed(self, pending: Pending) -> bool:
        """Whether the source looks different from when it was read."""
        ...

    async def commit(self, pending: Sequence[Pending]) -> Sequence[FileError | None]:
        """Mode, time, final name; for each of them what kept it from having them."""
        ...

    async def discard(self, pending: Pending) -> None: ...

    async def close(self) -> None: ...
