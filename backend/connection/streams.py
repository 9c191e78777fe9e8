"""The part of the seam that forwards stand on: byte streams through a link, and ports that the far end opens for us.

Protocols only; no asyncssh type passes through here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class ByteStream(Protocol):
    """A connection through the link, in either direction (RFC 4254 §7.2). Reads and writes may be under way at once."""

    async def read(self, limit: int = 65536) -> bytes:
        """At most `limit` bytes; empty at the end. The far end is held back while nobody reads. Raises LinkLost."""
        ...

    async def write(self, data: bytes) -> None:
        """Send `data`; returns when there is room for more. Raises LinkLost, also when only this stream is closed."""
        ...

    async def write_eof(self) -> None:
        """No more will be sent; what comes from the other side still arrives."""
        ...

    async def close(self) -> None:
        """Close both directions; bounded, never raises."""
        ...


class Incoming(Protocol):
    """Somebody has connected to a port that the far end listens on for us. One of the two calls must be made: it hangs
    in the air until then."""

    @property
    def origin(self) -> str:
        """Who connected, as the far end tells it: `10.0.9.3:51002`, cleaned; empty where it tells nothing."""
        ...

    async def accept(self) -> ByteStream:
        """Take it. Raises LinkLost when it has gone meanwhile."""
        ...

    def refuse(self, reason: str) -> None:
        """Do not take it; the far end closes the connection."""
        ...


OnIncoming = Callable[[Incoming], None]
"""Called in the event loop for each connection. It must return at once; what it raises refuses the connection."""


class RemoteListener(Protocol):
    """A port or socket on the far end that is open for us (RFC 4254 §7.1). It goes with the link."""

    @property
    def port(self) -> int:
        """The port that is open, also where 0 was asked for; 0 for a socket."""
        ...

    async def close(self) -> None:
        """Take nothing more; connections that were taken live on. Bounded, never raises."""
        ...
