"""Which hosts the settings want watched although nobody is connected to them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from backend.hosts.book import HostBook


async def watched_hosts(book: HostBook) -> tuple[str, ...]:
    """By `[health] watch`, and by `watch` of a host, its profile or the defaults; a host's own word wins.

    A name in `[health] watch` without `*` need not be in the host book.
    """
    patterns = book.settings.health.watch
    names = [entry.name for entry in await book.list()] if _looks_around(book) else []
    found = [name for name in names if _is_wanted(book, name, patterns)]
    plain = [one for one in patterns if "*" not in one and "?" not in one and one not in names]
    return tuple(dict.fromkeys((*found, *plain)))


def _looks_around(book: HostBook) -> bool:
    """Whether anything is wanted at all; most people want nothing, and wait for no list of hosts."""
    settings = book.settings
    options = (settings.defaults, *settings.profiles.values(), *settings.hosts.values())
    return bool(settings.health.watch) or any(one.health is not None and one.health.watch for one in options)


def _is_wanted(book: HostBook, name: str, patterns: Sequence[str]) -> bool:
    own = book.health_options(name).watch
    return any(fnmatchcase(name, one) for one in patterns) if own is None else own
