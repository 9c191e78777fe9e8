"""SHA-256 on the host itself: of whole files, of prefixes, of many small files in one command.

Works with GNU, busybox and BSD userlands (sha256sum, shasum, openssl). None means that the host does not say, for
`silence`; it is never taken for agreement. What the host answers decides nothing but equality, so a lying host deceives
only about itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.connection.connector import Link
from backend.dataclass import dataclass
from backend.files.host_commands import NoAnswer, ask, ask_script, quote, said
from backend.files.host_tools import HostTools, Tools

_HASHERS = {
    "openssl": b"openssl dgst -sha256 -r",
    "sha256sum": b"sha256sum",
    "shasum": b"shasum -a 256",
}
_LINE = re.compile(rb"([0-9a-f]{64}) [ *](.*)", re.DOTALL)
_HASH = re.compile(rb"\b([0-9a-f]{64})\b")
_SLOWEST = 2 << 20
"""Bytes a second that a host's disk is granted before an answer counts as none."""


@dataclass(frozen=True, slots=True)
class _Hashing:
    link: Link
    stream: bytes
    """Hashes stdin; the fastest there is."""
    files: bytes | None
    """Hashes the files that are its arguments; None without xargs."""
    head: bool


class HostDigests:
    """The hashing commands of one host."""

    def __init__(self, tools: HostTools) -> None:
        self._tools = tools
        self._no_answer: NoAnswer | None = None
        self._asked = False
        """Whether there is something to ask."""

    @property
    def silence(self) -> str:
        """Why the host has not said what it was asked last, for people."""
        no_answer = self._no_answer or self._tools.no_answer
        if not self._asked and no_answer is not NoAnswer.LATE:
            return "the host runs no commands that could hash files"
        return f"asked to hash files, the host {no_answer or NoAnswer.FAILED}"

    async def available(self) -> bool:
        """Whether the host can hash files."""
        return await self._found() is not None

    async def command(self) -> str | None:
        """What hashes the files that are its arguments, with xargs to give it many; None where it is not so."""
        hashing = await self._found()
        return hashing.files.decode() if hashing is not None and hashing.files is not None else None

    async def file(self, path: bytes, size: int) -> bytes | None:
        """The digest of a whole file; `size` in bytes bounds the wait."""
        tools = await self._found()
        return None if tools is None else await self._hash(tools, b"%s < %s\n" % (tools.stream, quote(path)), size)

    async def prefix(self, path: bytes, size: int) -> bytes | None:
        """The digest of the first `size` bytes of a file."""
        tools = await self._found()
        if tools is None or not tools.head:
            return None
        return await self._hash(tools, b"head -c %d < %s | %s\n" % (size, quote(path), tools.stream), size)

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

    async def _many(self, tools: _Hashing, paths: Sequence[bytes], size: int) -> dict[bytes, bytes] | None:
        # The status is 0 whatever file could not be read: the lines tell which could.
        command = b"exec sh -c 'xargs -0 %s 2>/dev/null; exit 0'" % tools.files
        answer = await ask(tools.link, command, b"\0".join(paths) + b"\0", seconds=_patience(size))
        if isinstance(answer, NoAnswer):
            self._no_answer = answer
            return None
        return parse_digests(answer)

    async def _hash(self, tools: _Hashing, script: bytes, size: int) -> bytes | None:
        answer = await ask_script(tools.link, script, seconds=_patience(size))
        found = _HASH.findall(self._heard(answer))  # the last: a login file may print before
        return bytes.fromhex(found[-1].decode()) if found else None

    def _heard(self, answer: bytes | NoAnswer) -> bytes:
        if isinstance(answer, NoAnswer):
            self._no_answer = answer
        return said(answer)

    async def _found(self) -> _Hashing | None:
        tools = await self._tools.found()
        hashing = None if tools is None else _choose(tools)
        self._asked = hashing is not None
        return hashing


def parse_digests(answer: bytes) -> dict[bytes, bytes]:
    """Digests by name, of what `sha256sum` and its like print. Names that they escape are not among them."""
    lines = (_LINE.fullmatch(line) for line in answer.split(b"\n"))
    return {found[2]: bytes.fromhex(found[1].decode()) for found in lines if found}


def _choose(tools: Tools) -> _Hashing | None:
    hashers = [name for name in _HASHERS if name in tools.names]
    if not hashers:
        return None
    several = min(hashers, key=["sha256sum", "shasum", "openssl"].index)
    files = _HASHERS[several] if "xargs" in tools.names else None
    return _Hashing(tools.link, _HASHERS[hashers[0]], files, "head" in tools.names)


def _patience(size: int) -> float:
    return 60 + size / _SLOWEST
