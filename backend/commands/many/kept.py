"""What one of many hosts has said: a digest of all of it, and as much of its beginning as there is room for. Pure."""

from __future__ import annotations

from hashlib import blake2b

from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream

ALL_ROOM = 64 << 20
"""Bytes of output that are kept of all hosts together; each has an equal share."""


class KeptOutput:
    """Both streams of one host."""

    def __init__(self, room: int = ALL_ROOM) -> None:
        """`room`: bytes of each stream that are kept, from its beginning."""
        self.lines = OutputBuffer(max_bytes=max(1, room))
        """The same for people, live: the last lines within the room, both streams as they came."""
        self._room = room
        self._kept = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        self._seen = {StdStream.OUT: 0, StdStream.ERR: 0}
        self._digests = {StdStream.OUT: blake2b(digest_size=16), StdStream.ERR: blake2b(digest_size=16)}

    def take(self, chunk: Chunk) -> None:
        """Take in what came; O(len(chunk))."""
        kept = self._kept[chunk.stream]
        kept += chunk.data[: max(0, self._room - len(kept))]
        self._seen[chunk.stream] += len(chunk.data)
        self._digests[chunk.stream].update(chunk.data)
        self.lines.feed(chunk)

    def of(self, stream: StdStream) -> bytes:
        """What is kept of a stream."""
        return bytes(self._kept[stream])

    def of_out(self, most: int) -> bytes:
        """The beginning of stdout, at most so many bytes."""
        return bytes(self._kept[StdStream.OUT][:most])

    def of_err(self, most: int) -> bytes:
        """As `of_out`, of stderr."""
        return bytes(self._kept[StdStream.ERR][:most])

    def seen(self, stream: StdStream) -> int:
        """Bytes that came, kept or not."""
        return self._seen[stream]

    @property
    def truncated(self) -> bool:
        """Whether more came than is kept."""
        return any(self._seen[stream] > len(self._kept[stream]) for stream in StdStream)

    @property
    def fingerprint(self) -> bytes:
        """Equal for equal streams, whatever of them is kept."""
        return self._digests[StdStream.OUT].digest() + self._digests[StdStream.ERR].digest()
