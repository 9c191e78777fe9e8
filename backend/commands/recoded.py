"""Output of a host that writes text in another encoding, as UTF-8 for whoever shows it; the bytes stay as they came.

For encodings in which a newline is the byte 10 and nothing else is, as all are that terminals know.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.commands.output import Line, OutputBuffer
from backend.connection.connector import Chunk


class RecodedOutput(OutputBuffer):
    """Another buffer's lines in UTF-8; everything else is that buffer's."""

    def __init__(self, inner: OutputBuffer, encoding: str) -> None:
        super().__init__()
        self._inner = inner
        self._encoding = encoding

    @property
    def first(self) -> int:
        return self._inner.first

    @property
    def end(self) -> int:
        return self._inner.end

    @property
    def dropped(self) -> int:
        return self._inner.dropped

    @property
    def cut(self) -> int:
        return self._inner.cut

    @property
    def size(self) -> int:
        return self._inner.size

    def lines(self, start: int, stop: int) -> Sequence[Line]:
        """The lines of that buffer; what is no text in its encoding becomes U+FFFD."""
        found = self._inner.lines(start, stop)
        return [Line(line.raw.decode(self._encoding, "replace").encode(), line.stream) for line in found]

    def pieces(self) -> tuple[bytes, ...]:
        return self._inner.pieces()

    def feed(self, chunk: Chunk) -> None:
        self._inner.feed(chunk)
