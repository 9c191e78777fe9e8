"""The talk with sudo or su, from their questions to the moment in which the other user's shell speaks.

Nothing is believed that a host may say in another language. A password is sent only when it was asked for: with our own
unguessable prompt, or, where PAM, su or sudo-rs words it in its own way, with a line that does not end and after which
there is silence. It goes over the process's input and stays in the vault; never in arguments, environment or logs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from backend.commands.elevation.lines import Marks
from backend.commands.elevation.process import ElevatedProcess
from backend.connection.connector import Chunk, RemoteProcess, StdStream
from backend.connection.vault import Secret
from backend.text import clean_line, show_bytes

QUIET = 0.7
"""Seconds of silence after which an unfinished line counts as a question."""
_LIMIT = 1 << 20
"""Bytes that may be said before the other user's shell speaks; what is beyond is left out."""


class Answers(Protocol):
    """Whoever knows the passwords, or somebody to ask for them."""

    async def password(self, attempt: int, question: str) -> Secret | None:
        """The next password to try, from 1; `question` in sudo's or su's own words where they are not the usual ones.
        None where there is none to be had."""
        ...

    def accepted(self, password: Secret) -> None:
        """It was right."""
        ...

    def begins(self) -> None:
        """The other user's shell is told to begin in the next moment; until then it does nothing."""
        ...


class Refused(Exception):
    """It did not come to the other user's shell."""

    def __init__(self, said: bytes, *, asked: bool, given: bool) -> None:
        super().__init__("refused")
        self.said = said
        """What was said about it, without the password."""
        self.asked = asked
        """A password was asked for."""
        self.given = given
        """And one was sent."""


class Conversation:
    """One start of sudo or su."""

    def __init__(
        self, process: RemoteProcess, marks: Marks, answers: Answers, *, terminal: bool = False, tries: int
    ) -> None:
        """`terminal`: whether `process` has one; questions then come among its output. `tries`: passwords to send."""
        self._process = process
        self._marks = marks
        self._answers = answers
        self._terminal = terminal
        self._asking = StdStream.OUT if terminal else StdStream.ERR
        self._tries_left = tries
        self._tries = 0
        self._said = {StdStream.OUT: bytearray(), StdStream.ERR: bytearray()}
        self._answered = 0
        """Bytes of the stream that asks which have been dealt with."""
        self._given: Secret | None = None
        self._there = False
        """The other user's shell has spoken."""

    async def hold(self) -> ElevatedProcess:
        """The process as the other user. Raises Refused, or what the channel raises; then the process is closed."""
        chunks = self._process.output()
        try:
            await self._until_begun(chunks)
            if self._given is not None:
                self._answers.accepted(self._given)
            begin = {StdStream.OUT: self._marks.begin if self._terminal else self._marks.here}
            begin[StdStream.ERR] = self._marks.here
            return ElevatedProcess(self._process, chunks, before=self._said, begin=begin)
        except BaseException:
            await asyncio.shield(self._process.close())
            raise
        finally:
            if self._given is not None:
                self._given.wipe()

    async def _until_begun(self, chunks: AsyncIterator[Chunk]) -> None:
        coming = asyncio.ensure_future(_next(chunks))
        try:
            while True:
                done, _ = await asyncio.wait({coming}, timeout=None if self._there else QUIET)
                if done:
                    if (chunk := coming.result()) is None:
                        raise self._refused()
                    self._take(chunk)
                    if await self._has_begun():
                        return
                    coming = asyncio.ensure_future(_next(chunks))
                if not self._there and self._asked(quiet=not done):
                    await self._answer(quiet=not done)
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    def _take(self, chunk: Chunk) -> None:
        said = self._said[chunk.stream]
        said += chunk.data
        if not self._there and len(said) > 2 * _LIMIT:
            dropped = len(said) - _LIMIT
            del said[:dropped]
            if chunk.stream is self._asking:
                self._answered = max(0, self._answered - dropped)

    async def _has_begun(self) -> bool:
        """Whether the command's own output comes from here on; its input may be sent then."""
        if not self._there:
            if self._marks.here not in self._said[StdStream.OUT]:
                return False
            self._there = True
            self._answers.begins()
            await self._process.write(self._marks.input + b"\n")
        return not self._terminal or self._marks.begin in self._said[StdStream.OUT]

    def _asked(self, *, quiet: bool) -> bool:
        """Whether an answer is waited for: our own prompt is there, or a line that does not go on."""
        new = self._said[self._asking][self._answered :]
        return self._marks.prompt in new or (quiet and bool(new.rpartition(b"\n")[2].strip()))

    async def _answer(self, *, quiet: bool) -> None:
        """Give the next password. Raises Refused where there is none."""
        said = self._said[self._asking]
        line = bytes(said[self._answered :]).rpartition(b"\n")[2]
        self._answered = len(said)
        ours = self._marks.prompt in line or not quiet
        if self._tries == self._tries_left:
            raise self._refused()
        self._tries += 1
        password = await self._answers.password(self._tries, "" if ours else clean_line(show_bytes(line)).strip())
        if password is None:
            raise Refused(b"no password was given", asked=True, given=self._given is not None)
        if self._given is not None:
            self._given.wipe()
        self._given = password
        await self._process.write(_typed(password) + b"\n")

    def _refused(self) -> Refused:
        said = bytes(self._said[self._asking])
        if self._given is not None:  # a terminal may have echoed it
            said = said.replace(_typed(self._given), b"")
        return Refused(said, asked=self._tries > 0, given=self._given is not None)


def _typed(password: Secret) -> bytes:
    return password.reveal().encode("utf-8", "surrogateescape")


async def _next(chunks: AsyncIterator[Chunk]) -> Chunk | None:
    return await anext(chunks, None)
