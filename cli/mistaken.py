"""A host's name where a command should stand: what was probably meant."""

from __future__ import annotations

import shlex

from backend.errors import Advice, FairleadError
from cli.flags import GlobalFlags


def meant_host(word: str, flags: GlobalFlags) -> tuple[Advice, ...]:
    """The commands for the host called `word`; nothing where no host is called so. Never raises for a configuration
    that cannot be read: the mistake that is being told is another."""
    try:
        known = "@" in word or word in _names(flags)
    except FairleadError:
        return ()
    if not known:
        return ()
    name = shlex.quote(word)
    return (
        Advice(f"{word} is a host. Open a shell there.", f"fairlead shell {name}"),
        Advice("Or run one command there.", f"fairlead run {name} -- uptime"),
    )


def _names(flags: GlobalFlags) -> frozenset[str]:
    # Most command lines are right, and the host book is slow to load.
    from cli.compose import HostRoom
    from cli.host_room import in_host_room

    found: set[str] = set()

    async def look(room: HostRoom) -> int:
        found.update(entry.name for entry in await room.book.list())
        return 0

    in_host_room(flags, look)
    return frozenset(found)
