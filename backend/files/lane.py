"""What every lane of a transfer shares: the item on its way, and the services it is carried by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field

from backend.clock import Clock
from backend.connection.connector import Attributes
from backend.dataclass import dataclass
from backend.errors import Code, FileError, LinkLost
from backend.files.data_line import DataConnection
from backend.files.disk import Disk
from backend.files.flight import Flight
from backend.files.journal import Journal, journal_key
from backend.files.meter import Meter
from backend.files.model import FileProgress, TransferRequest
from backend.files.pace import Gate, Pace
from backend.files.paths import join_inside
from backend.files.taken import Questions
from backend.text import show_bytes

BLOCK = 261120
"""Bytes of one request at most: what OpenSSH takes (`limits@openssh.com`)."""
_SMALLEST_BLOCK = 16384

Parts = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be copied."""

    source: bytes
    """Absolute, on the side it comes from."""
    anchor: bytes
    """The directory on the other side that nothing leaves."""
    parts: Parts
    """Names below the anchor."""
    attributes: Attributes
    named: bool = False
    """The person named it, so that a link means what it points to."""
    fresh: bool = False
    """Its directory was made by this transfer: nothing can be in the way."""

    clashes: bool = False
    """Another name of the transfer differs from its own in upper and lower case only."""
    renamed: bytes | None = None
    """The last component it would have had, were the name not taken."""

    @property
    def size(self) -> int:
        return self.attributes.size or 0

    @property
    def path(self) -> bytes:
        """Absolute, on the side it goes to."""
        return join_inside(self.anchor, *self.parts)

    @property
    def wanted(self) -> Parts:
        """Its names before a conflict changed the last of them."""
        return self.parts if self.renamed is None else (*self.parts[:-1], self.renamed)


@dataclass(slots=True)
class Context:
    """The services around one transfer."""

    request: TransferRequest
    data: DataConnection
    journal: Journal
    meter: Meter
    gate: Gate
    pace: Pace
    disk: Disk
    clock: Clock
    state: bytes
    """The state directory's own bytes (`Journal.identity`): what no other machine or person has."""
    name: bytes
    """This transfer's, which a later one of the same request has too."""
    note: Callable[[bytes, str], None]
    """Something a person should know about an item."""
    questions: Questions
    """About names that are taken."""
    earlier: dict[bytes, int] = field(default_factory=dict)
    """By journal key: bytes that were proven when this transfer first came to a file, which is what it resumed."""
    unverified: set[str] = field(default_factory=set)
    """Reasons for which files could not be verified, told once each."""

    @property
    def host(self) -> str:
        """The one that `data` leads to."""
        return self.request.to_host or self.request.host

    @property
    def way(self) -> tuple[bytes, ...]:
        """From where to where, as a part of journal keys."""
        return tuple(word.encode("utf-8", "surrogateescape") for word in self.request.way)

    def salt(self, item: Item) -> bytes:
        """Keeps the partial of `item` apart from whatever else grows towards the same name."""
        return journal_key(self.state, self.name, item.source)

    def block(self, limit: int) -> int:
        """Bytes of one request, under the server's `limit`; smaller under a low rate limit, so that it flows."""
        block = max(1, min(limit, BLOCK))
        if self.pace.rate is not None:
            block = min(block, max(_SMALLEST_BLOCK, self.pace.rate // 8))
        return block

    def flight(self, block: int, round_trip: float, most: int) -> Flight:
        return Flight(block=block, round_trip=round_trip, now=self.clock.monotonic(), most=most)

    async def may_go(self, size: int) -> None:
        """Waits while paused, and as long as the rate limit says for `size` more bytes."""
        await self.gate.passed()
        await self.pace.take(size)

    def cannot_verify(self, path: bytes, reason: str) -> None:
        if reason not in self.unverified:
            self.unverified.add(reason)
            self.note(path, reason)


class ItemBytes:
    """The bytes of one item that count as done; taken back when the item has to start again."""

    def __init__(self, meter: Meter, key: bytes | None = None, large: Item | None = None) -> None:
        self._meter = meter
        self._key = key
        self._large = large
        self.count = 0
        self.resumed = 0

    def add(self, size: int) -> None:
        """`size` bytes more have arrived."""
        self._meter.moved += size
        self._count(size)

    def _count(self, size: int) -> None:
        self._meter.left_behind.pop(self._key, None)
        self.count += size
        self._meter.bytes_done += size
        if self._large is not None:
            self._meter.large[self._large.source] = FileProgress(
                show_bytes(self._large.source), self.count, self._large.size
            )
        self._meter.touch()

    def resume(self, size: int, before: int) -> None:
        """`size` bytes are there and proven, of which `before` were there when the transfer began."""
        self.resumed += min(size, before)
        self._meter.resumed_bytes += min(size, before)
        self._count(size)

    def take_back(self) -> None:
        """Nothing of it counts any more."""
        self._meter.bytes_done -= self.count
        self._meter.resumed_bytes -= self.resumed
        self.count = self.resumed = 0

    def leave_behind(self) -> None:
        """The attempt is over; what has arrived is still there, for the next one to prove."""
        if self._key is not None and self.count:
            self._meter.left_behind[self._key] = self.count


@contextmanager
def counted(meter: Meter, key: bytes | None = None, large: Item | None = None) -> Iterator[ItemBytes]:
    """An item's bytes, which stay counted only if the item ends well. `key`: of an item that goes on where it was
    interrupted; it is still shown how far it was. `large`: one that is shown on its own."""
    item = ItemBytes(meter, key, large)
    try:
        yield item
    except (LinkLost, asyncio.CancelledError):
        item.leave_behind()
        item.take_back()
        raise
    except BaseException:
        meter.left_behind.pop(key, None)
        item.take_back()
        raise
    finally:
        if large is not None:
            meter.large.pop(large.source, None)


def changed(path: bytes) -> FileError:
    return FileError(Code.SOURCE_CHANGED, evidence={"path": show_bytes(path)})


def moved(now: Attributes, before: Attributes) -> bool:
    """Whether a source looks different from before."""
    return (now.size, now.modified) != (before.size, before.modified)
