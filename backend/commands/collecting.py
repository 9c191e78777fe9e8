"""The beginning of what a command says, in memory: a sink with a bound."""

from __future__ import annotations

from backend.connection.connector import Chunk, StdStream


class Collected:
    """A `Sink` that keeps the beginning of each stream."""

    def __init__(self, bound: int) -> None:
        """`bound`: bytes of each stream."""
        self._bound = bound
        self._kept = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        self.truncated = False
        """Whether there was more than is kept."""

    def take(self, chunk: Chunk) -> None:
        """The sink."""
        kept = self._kept[chunk.stream]
        room = self._bound - len(kept)
        kept += chunk.data[:room]
        self.truncated = self.truncated or len(chunk.data) > room

    def of(self, stream: StdStream) -> bytes:
        """What is kept of a stream."""
        return bytes(self._kept[stream])
