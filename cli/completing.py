"""What a shell is told while somebody types: names of hosts. Loaded for that alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.errors import FairleadError
from cli.compose import open_hosts
from cli.configuration import configure
from cli.flags import GlobalFlags


def host_names(flags: GlobalFlags) -> Sequence[str]:
    """The names in the host book; none where it cannot be read, for a shell is no place for an explanation."""
    try:
        return asyncio.run(_names(flags))
    except FairleadError:
        return ()


async def _names(flags: GlobalFlags) -> Sequence[str]:
    async with open_hosts(configure(flags)) as room:
        return [entry.name for entry in await room.book.list()]
