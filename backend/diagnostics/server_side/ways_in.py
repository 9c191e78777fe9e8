"""Under which other names a machine may be entered, as the host book has it. It is read only: nothing is connected."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from backend.connection.target import Hop
from backend.errors import FairleadError
from backend.hosts.book import HostBook

_MOST = 24
"""Names that are resolved; asking OpenSSH takes some milliseconds for each."""


async def ways_in(book: HostBook, hop: Hop, host: str, *, first: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of `hop`'s machine that mean another login than its own, `first` ones before others, then those of the same
    port, then root, who may see more. `host` itself is not among them."""
    try:
        entries = await book.list()
    except FairleadError:
        entries = ()
    same = [entry.name for entry in entries if hop.address in {entry.address, entry.name}]
    open_questions = [entry.name for entry in entries if not entry.address]
    names = [name for name in dict.fromkeys((*first, *same, *open_questions)) if name not in {host, hop.name}]
    others = await asyncio.gather(*(_resolved(book, name) for name in names[:_MOST]))
    found = [
        ((name not in first, other.port != hop.port, other.user != "root"), name)
        for name, other in zip(names, others, strict=False)
        if other is not None and other.address == hop.address and not same_login(other, hop)
    ]
    return tuple(name for _, name in sorted(found, key=lambda one: one[0]))


def same_login(one: Hop, other: Hop) -> bool:
    """The same account is entered in the same manner: what refuses one refuses the other."""
    return (one.identity, one.way, one.identity_files, one.auth_methods) == (
        other.identity,
        other.way,
        other.identity_files,
        other.auth_methods,
    )


async def _resolved(book: HostBook, name: str) -> Hop | None:
    try:
        return (await book.routes(name))[0].host
    except FairleadError:
        return None
