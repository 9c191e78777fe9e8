"""What simulated files hold: pages in memory over an optional generated base; 4 GB cost nothing until written."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

Generator = Callable[[int, int], bytes]
"""`(offset, size)` to exactly `size` bytes, the same each time."""

PAGE: Final = 1 << 18
_BLOCK: Final = 1 << 20


class Content:
    """A file's bytes: like a sparse file, what was never written reads as the base, or as zeros."""

    __slots__ = ("_base", "_base_size", "_pages", "size")

    def __init__(self, data: bytes = b"", *, base: Generator | None = None, size: int = 0) -> None:
        self._pages: dict[int, bytearray] = {}
        """By number; one may be shorter than a page, what follows in it is as if there were none."""
        self._base = base
        self._base_size = size if base else 0
        self.size = size
        if data:
            self.write(0, data)

    @property
    def stored(self) -> int:
        """Bytes of memory that it takes."""
        return sum(len(page) for page in self._pages.values())

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset`; empty at the end."""
        end = min(offset + limit, self.size)
        if end <= offset:
            return b""
        parts = []
        while offset < end:
            index, start = divmod(offset, PAGE)
            stop = min(PAGE, start + end - offset)
            held = bytes(self._pages.get(index, b"")[start:stop])
            parts.append(held)
            if len(held) < stop - start:
                parts.append(self._underneath(offset + len(held), stop - start - len(held)))
            offset += stop - start
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """Put `data` at `offset`; a gap before it reads as zeros."""
        if not data:
            return
        view, end = memoryview(data), offset + len(data)
        while view:
            index, start = divmod(offset, PAGE)
            taken = min(PAGE - start, len(view))
            page = self._pages.setdefault(index, bytearray())
            if len(page) < start:
                page += self._underneath(index * PAGE + len(page), start - len(page))
            page[start : start + taken] = view[:taken]
            view, offset = view[taken:], offset + taken
        self.size = max(self.size, end)

    def truncate(self, size: int) -> None:
        """Cut or lengthen to `size`; what is added reads as zeros."""
        if size < self.size:
            self._base_size = min(self._base_size, size)
            for index in [index for index in self._pages if index * PAGE >= size]:
                del self._pages[index]
            del self._pages.get(size // PAGE, bytearray())[size % PAGE :]
        self.size = size

    def _underneath(self, offset: int, size: int) -> bytes:
        if self._base is None or offset >= self._base_size:
            return bytes(size)
        known = min(size, self._base_size - offset)
        return self._base(offset, known) + bytes(size - known)


@lru_cache(maxsize=1)
def _randomness() -> bytes:
    """Two megabytes that repeat after the first, so that any megabyte of them can be taken."""
    return random.Random(2026).randbytes(_BLOCK) * 2


def noise(seed: int) -> Generator:
    """Bytes that do not compress within a megabyte; each begins with seed and number, so that no two are alike."""
    turned = seed * 65_537 % _BLOCK

    def generate(offset: int, size: int) -> bytes:
        block, parts = _randomness(), []
        while size:
            index, start = divmod(offset, _BLOCK)
            taken = min(size, _BLOCK - start)
            if start < 16:
                head = seed.to_bytes(8, "big") + index.to_bytes(8, "big")
                parts.append((head[start:] + block[turned + 16 : turned + start + taken])[:taken])
            else:
                parts.append(block[turned + start : turned + start + taken])
            offset, size = offset + taken, size - taken
        return b"".join(parts)

    return generate


LOG_LINE: Final = 128
"""Length of each line of `log_lines`, its end included."""

_REQUESTS = (
    "GET /api/v1/orders/%05d 200 %d ms",
    "POST /api/v1/orders 201 id=%05d in %d ms",
    "GET /healthz 200 worker %05d in %d ms",
    "cache miss key=product:%05d loaded in %d ms",
    "GET /static/app.%05d.js 304 in %d ms",
    "worker 3 took job %05d from queue mail after %d ms",
    "upstream %05d answered late: %d ms",
)


_LOG_BLOCK: Final = 512
"""Lines that are made at once; what they say repeats after so many, when they say it does not."""


def log_line(index: int, at: datetime, service: str) -> bytes:
    """One line of an application's log, `LOG_LINE` bytes long."""
    return _stamp(int(at.timestamp())) + _words(service)[index % _LOG_BLOCK]


@lru_cache(maxsize=4096)
def _stamp(second: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime(second)).encode()


@lru_cache(maxsize=32)
def _words(service: str) -> tuple[bytes, ...]:
    """What the lines of a block say after the time."""
    chance = random.Random(service)
    size, lines = LOG_LINE - len(_stamp(0)) - 1, []
    for _ in range(_LOG_BLOCK):
        request = chance.choice(_REQUESTS) % (chance.randrange(10_000, 99_999), chance.randrange(2, 240))
        level = "WARN " if chance.random() < 0.02 else "INFO "
        lines.append(f"{level} {service} {request}".ljust(size)[:size].encode() + b"\n")
    return tuple(lines)


def log_lines(service: str, first: datetime, every: timedelta) -> Generator:
    """An endless log: one line of `LOG_LINE` bytes every so often, the first at `first`."""
    begun, step, words = first.timestamp(), every.total_seconds(), _words(service)

    @lru_cache(maxsize=16)
    def block(number: int) -> bytes:
        start = begun + number * _LOG_BLOCK * step
        return b"".join([_stamp(int(start + index * step)) + text for index, text in enumerate(words)])

    def generate(offset: int, size: int) -> bytes:
        parts = []
        while size:
            number, start = divmod(offset, _LOG_BLOCK * LOG_LINE)
            piece = block(number)[start : start + size]
            parts.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return b"".join(parts)

    return generate
