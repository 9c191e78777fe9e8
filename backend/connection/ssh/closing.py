"""Ending the connections of a way through jump hosts: politely while there is time, and then for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.connection.ssh.hop import HopLink


async def close_hops(hops: Sequence[HopLink]) -> None:
    """Close connections, innermost first, all of them within the longest of their limits; what is left then, or when
    this is cancelled, is cut. Never raises by itself."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(max((hop.hop.timeouts.close for hop in hops), default=0.0)):
                for hop in reversed(hops):
                    hop.conn.close()
                    await hop.conn.wait_closed()
    finally:
        abort_hops(hops)
    for hop in hops[:1]:  # only the outermost is carried by something that has an end of its own
        await hop.carrier.ended()


def abort_hops(hops: Sequence[HopLink]) -> None:
    """Cut connections at once, without a word."""
    for hop in reversed(hops):
        hop.conn.abort()
