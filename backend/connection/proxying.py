"""What the conversations with proxies have in common: steps that want bytes or give some, and how they end badly. Pure.

A conversation is a generator: it yields Write and Read steps, gets the bytes that it asked to read, and returns when
the stream to the host begins. Bytes behind the last one it has read belong to that stream.
"""

from __future__ import annotations

from collections.abc import Generator

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Write:
    """Send `data`; it may hold a password, and is not shown."""

    data: bytes

    def __repr__(self) -> str:
        return f"Write({len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Read:
    """Wait for exactly `count` bytes."""

    count: int


@dataclass(frozen=True, slots=True)
class ReadUntil:
    """Wait for bytes that end with `mark`, at most `most` of them."""

    mark: bytes
    most: int


Step = Write | Read | ReadUntil
Conversation = Generator[Step, bytes, None]


class PasswordWanted(Exception):
    """The proxy wants a password: none was given, or it refused the one that was."""

    def __init__(self, *, refused: bool) -> None:
        super().__init__("the proxy wants a password")
        self.refused = refused


class ProxyRefusal(Exception):
    """The proxy understood and did not connect; the text says why."""


class NotThisProxy(Exception):
    """What answers does not speak the proxy's protocol."""

    def __init__(self, said: bytes) -> None:
        super().__init__("not a proxy of this kind")
        self.said = said


class Talk:
    """Drives a conversation over any stream: feed it what arrives, send what it has to say."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._buffer = b""
        self._wants: Read | ReadUntil | None = None
        self._outgoing = b""
        self.finished = False
        self._advance(None)

    def take_outgoing(self) -> bytes:
        """What is to be sent now."""
        outgoing, self._outgoing = self._outgoing, b""
        return outgoing

    @property
    def rest(self) -> bytes:
        """Once finished: the first bytes of the stream, which came along."""
        return self._buffer

    @property
    def heard(self) -> bytes:
        """What came and was not understood yet."""
        return self._buffer

    def feed(self, data: bytes) -> None:
        """Go on with what has arrived. Raises what the conversation raises."""
        self._buffer += data
        while not self.finished and (taken := self._taken()) is not None:
            self._advance(taken)

    def _taken(self) -> bytes | None:
        wants = self._wants
        if isinstance(wants, ReadUntil):
            end = self._buffer.find(wants.mark, 0, wants.most + len(wants.mark))
            if end < 0 and len(self._buffer) >= wants.most:
                raise NotThisProxy(self._buffer)
            count = end + len(wants.mark) if end >= 0 else len(self._buffer) + 1
        else:
            assert wants is not None
            count = wants.count
        if count > len(self._buffer):
            return None
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _advance(self, taken: bytes | None) -> None:
        try:
            step = next(self._conversation) if taken is None else self._conversation.send(taken)
            while isinstance(step, Write):
                self._outgoing += step.data
                step = self._conversation.send(b"")
            self._wants = step
        except StopIteration:
            self.finished = True
