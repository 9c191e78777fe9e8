"""Reads a tar stream as it arrives, piece by piece: small plain files come out whole, the rest is passed over. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from backend.dataclass import dataclass
from backend.files.tar_format import BLOCK, BadArchive, Header, Kind, padded, parse_header, parse_pax

MOST_ABOUT = 1 << 20
"""Bytes that may be told about one member beside its content."""
MOST_NOISE = 1 << 16
"""Bytes that login files may print before the archive."""


@dataclass(frozen=True, slots=True)
class Member:
    """A plain file of the archive."""

    header: Header
    content: bytes | None
    """None where it is larger than what was asked for."""


class TarReader:
    """Takes the bytes of one archive in pieces of any size."""

    def __init__(self, *, most: int, mark: bytes = b"") -> None:
        """`most`: bytes of the largest content that is wanted. `mark`: what is printed right before the archive."""
        self._most = most
        self._mark = mark
        self._held = b""
        self._skip = 0
        """Bytes that are still to be passed over."""
        self._about: dict[bytes, bytes] = {}
        """What was told about the next member."""
        self.ended = False
        """Whether what came so far ends as an archive does. Another may follow."""

    def feed(self, data: bytes) -> Iterator[Member]:
        """The members that `data` completes. Raises BadArchive; what came before is good."""
        held = self._held + data if self._held else data
        at = 0
        try:
            at = self._after_mark(held)
            while True:
                at += (passed := min(self._skip, len(held) - at))
                self._skip -= passed
                taken = self._take(held, at)
                if taken is None:
                    return
                at, member = taken
                if member is not None:
                    yield member
        finally:
            self._held = held[at:]

    def _after_mark(self, held: bytes) -> int:
        if not self._mark:
            return 0
        found = held.find(self._mark)
        if found < 0:
            if len(held) > MOST_NOISE:
                raise BadArchive("text instead of an archive")
            return 0
        at = found + len(self._mark)
        self._mark = b""
        return at

    def _take(self, held: bytes, at: int) -> tuple[int, Member | None] | None:
        """The next header with what belongs to it, and where that ends; None where it is not all here."""
        if self._mark or len(held) - at < BLOCK:
            return None
        header = parse_header(held[at : at + BLOCK])
        if header is None:
            self.ended = not self._about
            return at + BLOCK, None
        self.ended, start = False, at + BLOCK
        if header.kind in (Kind.LONG_NAME, Kind.PAX):
            return self._take_about(header, held, start)
        if header.kind is Kind.ABOUT:
            self._skip = padded(header.size)
            return start, None
        header = self._known(header)
        wanted = header.kind is Kind.FILE and header.size <= self._most
        if wanted and len(held) - start < padded(header.size):
            return None
        self._about = {}
        if wanted:
            return start + padded(header.size), Member(header, held[start : start + header.size])
        self._skip = padded(header.size)
        return start, Member(header, None) if header.kind is Kind.FILE else None

    def _take_about(self, header: Header, held: bytes, start: int) -> tuple[int, None] | None:
        if header.size > MOST_ABOUT:
            raise BadArchive("too much is told about one member")
        if len(held) - start < padded(header.size):
            return None
        content = held[start : start + header.size]
        if header.kind is Kind.LONG_NAME:
            self._about[b"path"] = content.partition(b"\0")[0]
        else:
            self._about |= parse_pax(content)
        if sum(map(len, self._about.values())) > MOST_ABOUT:
            raise BadArchive("too much is told about one member")
        return start + padded(header.size), None

    def _known(self, header: Header) -> Header:
        """The header with what was told about it before."""
        about = self._about
        if not about:
            return header
        header = replace(header, name=about.get(b"path", header.name))
        if any(key.startswith(b"GNU.sparse") for key in about):
            return replace(header, kind=Kind.OTHER, size=_whole(about.get(b"size"), header.size))
        modified = _decimal(about.get(b"mtime"), header.modified)
        return replace(header, size=_whole(about.get(b"size"), header.size), modified=modified)


def _whole(text: bytes | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isdigit() or len(text) > 18:
        raise BadArchive("a pax size that is none")
    return int(text)


def _decimal(text: bytes | None, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        value = float(text[:40])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadArchive("a pax time that is none")
    return value
