"""Which of a host's commands are of use to transfers: found out once for each connection, in one question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

from backend.connection.connector import Link
from backend.dataclass import dataclass
from backend.files.host_commands import NoAnswer, ask_script, said

_MARK = b"fairlead-tools:"
_PROBE = (
    b"printf '" + _MARK + b"'; for tool in openssl sha256sum shasum xargs head sync; do "
    b"command -v $tool >/dev/null 2>&1 && printf ' %s' $tool; done; "
    b"unset TAR_OPTIONS; command -v tar >/dev/null 2>&1 && { printf ' tar '; "
    b"tar --version </dev/null 2>&1 | head -n 1; }; echo\n"
)
_PROBE_SECONDS = 15.0


class Tar(StrEnum):
    """Whose tar it is: each has options of its own."""

    GNU = "GNU tar"
    BSD = "bsdtar"
    BUSYBOX = "busybox tar"


@dataclass(frozen=True, slots=True)
class Tools:
    """What a host has."""

    link: Link
    """Where it answered."""
    names: frozenset[str]
    tar: Tar | None
    """None as well for a tar that is none of those we know."""


class HostTools:
    """Asks at the first question, over the first of several links that answers."""

    def __init__(self, links: Sequence[Callable[[], Awaitable[Link]]]) -> None:
        """`links`: where commands may be run, in order of preference."""
        self._links = links
        self._tools: Tools | None = None
        self._probing: asyncio.Task[None] | None = None
        self.no_answer: NoAnswer | None = None
        """Why there is none, of the last link that was asked."""

    def start(self) -> None:
        """Ask now, for who will want to know."""
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe())
            self._probing.add_done_callback(_look_at)

    async def found(self) -> Tools | None:
        """What there is; None for a host that runs no commands. Raises LinkLost."""
        self.start()
        assert self._probing is not None
        await asyncio.shield(self._probing)
        return self._tools

    async def close(self) -> None:
        """Nobody will ask any more; bounded by the link's own limits."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait([self._probing])

    async def _probe(self) -> None:
        for link_of in self._links:
            link = await link_of()
            answer = await ask_script(link, _PROBE, seconds=_PROBE_SECONDS)
            self.no_answer = answer if isinstance(answer, NoAnswer) else None
            line = said(answer).partition(_MARK)[2].split(b"\n")[0].decode("ascii", "replace")
            if line.strip():
                words, _, version = line.partition(" tar ")
                self._tools = Tools(link, frozenset(words.split()), _whose(version))
                return


def _look_at(probing: asyncio.Task[None]) -> None:
    """Whoever waits for the tools is told; when nobody does, a lost link is no news here."""
    if not probing.cancelled():
        probing.exception()


def _whose(version: str) -> Tar | None:
    if "GNU tar" in version:
        return Tar.GNU
    if "bsdtar" in version:
        return Tar.BSD
    return Tar.BUSYBOX if "busybox" in version.lower() else None
