"""SHA-256 on the host itself: of whole files, of prefixes, of many small files in one command.

Works with GNU, busybox and BSD userlands (sha256sum, shasum, openssl). None means that the host does not say, for
`silence`; it is never taken for agreement. What the host answers decides nothing but equality, so a lying host deceives
only about itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from backend.connection.connector import Link
from backend.files.host_commands import NoAnswer, ask, ask_script, quote, said

_MARK = b"fairlead-tools:"
_PROBE = (
    b"printf '" + _MARK + b"'; for tool in openssl sha256sum shasum xargs head; do "
    b"command -v $tool >/dev/null 2>&1 && printf ' %s' $tool; done; echo\n"
)
_HASHERS = {
    "openssl": b"openssl dgst -sha256 -r",
    "sha256sum": b"sha256sum",
    "shasum": b"shasum -a 256",
}
_LINE = re.compile(rb"([0-9a-f]{64}) [ *](.*)", re.DOTALL)
_HASH = re.compile(rb"\b([0-9a-f]{64})\b")
_PROBE_SECONDS = 15.0
_SLOWEST = 2 << 20
"""Bytes a second that a host's disk is granted before an answer counts as none."""


@dataclass(frozen=True, slots=True)
class _Tools:
    stream: bytes
    """Hashes stdin; the fastest there is."""
    files: bytes | None
    """Hashes the files that are its arguments; None without xargs."""
    head: bool


class HostDigests:
    """The hashing commands of one host, found out at the first question."""

    def __init__(self, links: Sequence[Callable[[], Awaitable[Link]]]) -> None:
        """`links`: where commands may be run, in order of preference."""
        self._links = links
        self._link: Link | None = None
        self._tools: _Tools | None = None
        self._probing: asyncio.Task[None] | None = None
        self._no_answer: NoAnswer | None = None

    @property
    def silence(self) -> str:
        """Why the host has not said what it was asked last, for people."""
        if self._tools is None and self._no_answer is not NoAnswer.LATE:
            return "the host runs no commands that could hash files"
        return f"asked to hash files, the host {self._no_answer or NoAnswer.FAILED}"

    async def available(self) -> bool:
        """Whether the host can hash files."""
        return await self._found() is not None

    def stop(self) -> None:
        """Nobody will ask any more."""
        if self._probing is not None:
            self._probing.cancel()

    async def file(self, path: bytes, size: int) -> bytes | None:
        """The digest of a whole file; `size` in bytes bounds the wait."""
        tools = await self._found()
        return None if tools is None else await self._hash(b"%s < %s\n" % (tools.stream, quote(path)), size)

    async def prefix(self, path: bytes, size: int) -> bytes | None:
        """The digest of the first `size` bytes of a file."""
        tools = await self._found()
        if tools is None or not tools.head:
            return None
        return await self._hash(b"head -c %d < %s | %s\n" % (size, quote(path), tools.stream), size)

    async def files(self, paths: Sequence[bytes], size: int) -> dict[bytes, bytes] | None:
        """The digests of many absolute paths, `size` bytes together, in one command; unreadable ones are left out."""
        tools = await self._found()
        if tools is None:
            return None
        plain = [path for path in paths if not re.search(rb"[\n\r\\]", path)] if tools.files else []
        digests = await self._many(tools, plain, size) if plain else {}
        if digests is None:
            return None
        # Names that the tools escape in ways of their own are read from stdin, one by one.
        for path in set(paths) - set(plain):
            if (digest := await self.file(path, size)) is not None:
                digests[path] = digest
        return digests

    async def _many(self, tools: _Tools, paths: Sequence[bytes], size: int) -> dict[bytes, bytes] | None:
        assert self._link is not None
        # The status is 0 whatever file could not be read: the lines tell which could.
        command = b"exec sh -c 'xargs -0 %s 2>/dev/null; exit 0'" % tools.files
        answer = await ask(self._link, command, b"\0".join(paths) + b"\0", seconds=_patience(size))
        if isinstance(answer, NoAnswer):
            self._no_answer = answer
            return None
        lines = (_LINE.fullmatch(line) for line in answer.split(b"\n"))
        return {found[2]: bytes.fromhex(found[1].decode()) for found in lines if found}

    async def _hash(self, script: bytes, size: int) -> bytes | None:
        assert self._link is not None
        answer = await ask_script(self._link, script, seconds=_patience(size))
        found = _HASH.findall(self._heard(answer))  # the last: a login file may print before
        return bytes.fromhex(found[-1].decode()) if found else None

    def _heard(self, answer: bytes | NoAnswer) -> bytes:
        if isinstance(answer, NoAnswer):
            self._no_answer = answer
        return said(answer)

    async def _found(self) -> _Tools | None:
        if self._probing is None:
            self._probing = asyncio.create_task(self._probe())
            self._probing.add_done_callback(_look_at)
        await asyncio.shield(self._probing)
        return self._tools

    async def _probe(self) -> None:
        for link_of in self._links:
            link = await link_of()
            answer = await ask_script(link, _PROBE, seconds=_PROBE_SECONDS)
            names = self._heard(answer).partition(_MARK)[2].split(b"\n")[0].decode("ascii", "replace").split()
            self._tools = _choose(names)
            if self._tools is not None:
                self._link = link
                return


def _look_at(probing: asyncio.Task[None]) -> None:
    """Whoever waits for the tools is told; when nobody does, a lost link is no news here."""
    if not probing.cancelled():
        probing.exception()


def _choose(names: Sequence[str]) -> _Tools | None:
    hashers = [name for name in _HASHERS if name in names]
    if not hashers:
        return None
    several = min(hashers, key=["sha256sum", "shasum", "openssl"].index)
    return _Tools(_HASHERS[hashers[0]], _HASHERS[several] if "xargs" in names else None, "head" in names)


def _patience(size: int) -> float:
    return 60 + size / _SLOWEST
