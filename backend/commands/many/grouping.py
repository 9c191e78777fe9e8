"""Whose output is the same: hosts by how the command ended and what it said. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol

from backend.commands.many.kept import KeptOutput
from backend.connection.connector import StdStream
from backend.dataclass import dataclass
from backend.errors import FairleadError

HOST_WORD = b"{host}"
"""What stands in the place of a host's own name, where names are to make no difference."""


class Result(Protocol):
    """One host that has come to an end."""

    @property
    def host(self) -> str: ...

    @property
    def end(self) -> str:
        """As `end_words`."""
        ...

    @property
    def succeeded(self) -> bool: ...

    @property
    def error(self) -> FairleadError | None: ...

    @property
    def kept(self) -> KeptOutput: ...


@dataclass(frozen=True, slots=True)
class Alike:
    """Hosts on which the command ended alike and said the same."""

    hosts: tuple[str, ...]
    end: str
    """How: as `end_words`."""
    succeeded: bool
    out: bytes
    """What is kept of it; names of hosts are replaced where that was asked for."""
    err: bytes
    truncated: bool
    """Whether there was more, which was compared but is not kept."""
    error: FairleadError | None = None
    """What ended it at the first of them, where that was not the command's own end."""


def group(results: Iterable[Result], *, names_apart: bool = True) -> tuple[Alike, ...]:
    """The hosts by what came of the command, most hosts first, then in the order of the hosts.

    Streams and end are compared to the byte. Without `names_apart` a host's own name (and its first part) counts as
    `{host}` in its output, as far as that is kept: what there was beyond is compared as it came.
    """
    found: dict[Hashable, list[Result]] = {}
    for result in results:
        found.setdefault(_what(result, names_apart), []).append(result)
    return tuple(_alike(members, names_apart) for members in sorted(found.values(), key=lambda members: -len(members)))


def _what(result: Result, names_apart: bool) -> Hashable:
    if names_apart or result.kept.truncated:
        return result.end, result.kept.fingerprint
    return result.end, *(_said(result, stream, names_apart) for stream in StdStream)


def _alike(members: Sequence[Result], names_apart: bool) -> Alike:
    first = members[0]
    return Alike(
        hosts=tuple(result.host for result in members),
        end=first.end,
        succeeded=first.succeeded,
        out=_said(first, StdStream.OUT, names_apart),
        err=_said(first, StdStream.ERR, names_apart),
        truncated=first.kept.truncated,
        error=first.error,
    )


def _said(result: Result, stream: StdStream, names_apart: bool) -> bytes:
    said = result.kept.of(stream)
    return said if names_apart else without_name(said, result.host)


def without_name(said: bytes, host: str) -> bytes:
    """`said` with the name of `host` replaced where it stands as a word, and so with what stands before its first dot.

    `user@` and `:port` do not belong to the name.
    """
    place = host.rpartition("@")[2].removeprefix("[").partition("]")[0]
    place = place.partition(":")[0] if place.count(":") == 1 else place
    names = dict.fromkeys((place, place.partition(".")[0] if not place[:1].isdigit() else place))
    words = b"|".join(re.escape(name.encode("utf-8", "surrogateescape")) for name in names if name)
    return re.sub(rb"(?<![\w-])(?:" + words + rb")(?![\w-])", HOST_WORD, said) if words else said
