"""Output of many hosts as whole lines with the host's name before each, in the order in which lines end. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from backend.commands.output import MAX_LINE_BYTES
from backend.connection.connector import Chunk, StdStream


class LinesByHost:
    """Holds what is half a line. A line beyond `longest` bytes is cut into pieces, each with the name."""

    def __init__(self, longest: int = MAX_LINE_BYTES) -> None:
        self._longest = longest
        self._half: dict[tuple[str, StdStream], bytes] = {}

    def take(self, host: str, chunk: Chunk) -> bytes:
        """The lines that are whole now: `web-1: text`."""
        key = host, chunk.stream
        *whole, half = (self._half.pop(key, b"") + chunk.data).split(b"\n")
        while len(half) >= self._longest:
            whole.append(half[: self._longest])
            half = half[self._longest :]
        if half:
            self._half[key] = half
        prefix = _prefix(host)
        return b"".join(
            prefix + line[start : start + self._longest] + b"\n"
            for line in whole
            for start in range(0, max(1, len(line)), self._longest)
        )

    def rest(self) -> Iterator[tuple[StdStream, bytes]]:
        """What never got its end."""
        for (host, stream), half in self._half.items():
            yield stream, _prefix(host) + half + b"\n"
        self._half.clear()


def _prefix(host: str) -> bytes:
    return host.encode("utf-8", "surrogateescape") + b": "
