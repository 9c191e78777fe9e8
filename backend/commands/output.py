"""The output buffer: bytes in, lines out, bounded. Pure; knows carriage returns and line ends, not colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.connection.connector import Chunk, StdStream


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output."""

    raw: bytes
    """Without its end; colour sequences are still in it; what a carriage return overwrote is gone."""
    stream: StdStream


class OutputBuffer:
    """The last lines of a command's output. Lines are numbered from the very first, dropped ones included."""

    def __init__(self, *, max_lines: int = 1_000_000, max_bytes: int = 256 << 20) -> None:
        raise NotImplementedError

    def feed(self, chunk: Chunk) -> None:
        """Append output; O(len(chunk))."""
        raise NotImplementedError

    @property
    def first(self) -> int:
        """Number of the oldest line kept."""
        raise NotImplementedError

    @property
    def end(self) -> int:
        """One past the number of the newest line; an unfinished line counts."""
        raise NotImplementedError

    @property
    def dropped(self) -> int:
        """Lines that were discarded to stay within bounds."""
        raise NotImplementedError

    def lines(self, start: int, stop: int) -> Sequence[Line]:
        """The kept lines numbered `start` to `stop - 1`."""
        raise NotImplementedError

    def text(self) -> bytes:
        """Everything kept, as it was, with line ends."""
        raise NotImplementedError
