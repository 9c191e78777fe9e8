"""Small POSIX shell scripts about files, run on a host: a few at once, and without what login files print before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress

from backend.commands.quoting import posix_quote, script_line
from backend.complaints import code_of
from backend.connection.connector import Link, RemoteProcess, StdStream
from backend.dataclass import dataclass
from backend.errors import Code, FileError, SessionError
from backend.tasks import cancel_all
from backend.text import clean_line, show_bytes

AT_ONCE = 4
"""Commands at once; OpenSSH allows ten sessions on a connection, and others need some (MaxSessions)."""
_BEGIN = b"fairlead-begins\n"
_PRELUDE = b"LC_ALL=C; export LC_ALL; printf 'fairlead-begins\\n'; "
_COMPLAINT = 4096
_MOST_BEFORE = 1 << 20
"""Bytes that login files may print before a script begins."""
_MOST_SAID = 16 << 20
"""Bytes of an answer; what is longer comes from no script of ours."""

STATUS = {
    40: Code.NOT_FOUND,
    41: Code.EXISTS,
    42: Code.IS_DIRECTORY,
    43: Code.NOT_DIRECTORY,
    44: Code.PERMISSION,
    45: Code.NAME_INVALID,
}
"""What our own scripts end with, where they know the reason."""


@dataclass(slots=True)
class Answer:
    """How a script ended."""

    output: bytes = b""
    complaint: bytes = b""
    status: int | None = None


class Running:
    """A script under way: its output, byte for byte."""

    def __init__(self, process: RemoteProcess, failed: Callable[[str], FileError]) -> None:
        """`failed`: the error that tells why the script is not worth waiting for."""
        self._process = process
        self.failed = failed
        self.complaint = b""

    async def output(self) -> AsyncGenerator[bytes, None]:
        """What it prints itself. Raises FileError when it does not begin."""
        head: bytes | None = b""
        async with aclosing(self._process.output()) as chunks:  # type: ignore[type-var]  # all are generators
            async for chunk in chunks:
                if chunk.stream is StdStream.ERR:
                    self.complaint = (self.complaint + chunk.data)[:_COMPLAINT]
                elif head is None:
                    yield chunk.data
                elif _BEGIN in (head := head + chunk.data):
                    data, head = head.partition(_BEGIN)[2], None
                    if data:
                        yield data
                elif len(head) > _MOST_BEFORE:
                    raise self.failed(f"more than {_MOST_BEFORE} bytes came in place of an answer")

    async def feed(self, data: bytes) -> None:
        """Its whole input. A command that ends early tells why by its complaint."""
        with suppress(SessionError, OSError):
            await self._process.write(data)
            await self._process.write_eof()

    async def status(self) -> int | None:
        return (await self._process.wait()).status


class Runner:
    """Runs scripts over one link."""

    def __init__(self, link: Link) -> None:
        self.host = link.facts.host
        self.ended = False
        self._link = link
        self._slots = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def started(self, text: bytes, path: bytes) -> AsyncIterator[Running]:
        """The script `text`, about `path`, ended with the body. Raises FileError or LinkLost."""
        async with self._slots:
            if self.ended:
                raise self.failed(path, Answer(complaint=b"the channel is closed"))
            try:
                process = await self._link.open_process(script_line(_PRELUDE + text))
            except SessionError as error:
                raise self.failed(path, Answer(complaint=error.message.encode())) from error
            async with process:
                yield Running(process, lambda why: self.failed(path, Answer(complaint=why.encode())))

    async def answer(self, text: bytes, path: bytes, data: bytes = b"") -> Answer:
        """How the script ended, given `data`; whatever its status."""
        async with self.started(text, path) as running:
            feeding = asyncio.create_task(running.feed(data))
            try:
                output = await _whole(running)
                status = await running.status()
            finally:
                await cancel_all((feeding,))
        return Answer(output, running.complaint, status)

    async def run(self, text: bytes, path: bytes, data: bytes = b"") -> bytes:
        """Its output. Raises FileError with the cause where its status is not 0."""
        answer = await self.answer(text, path, data)
        if answer.status != 0:
            raise self.failed(path, answer)
        return answer.output

    def failed(self, path: bytes, answer: Answer) -> FileError:
        """The error behind how a script about `path` ended."""
        code = STATUS.get(answer.status or 0) or code_of(answer.complaint) or Code.FILE_FAILED
        said = clean_line(answer.complaint.decode("utf-8", "backslashreplace")).strip()
        parent = path.rstrip(b"/").rpartition(b"/")[0] or b"."
        evidence = {"path": show_bytes(path), "parent": show_bytes(parent), "reason": said or f"status {answer.status}"}
        return FileError(code, evidence=evidence, host=self.host)


async def _whole(running: Running) -> bytes:
    """All that it prints, in bounded memory. Raises FileError."""
    parts, size = [], 0
    async with aclosing(running.output()) as output:
        async for part in output:
            parts.append(part)
            if (size := size + len(part)) > _MOST_SAID:
                raise running.failed(f"an answer of more than {_MOST_SAID} bytes")
    return b"".join(parts)


def word(path: bytes) -> bytes:
    """A path as one word of a script, never taken for an option. Raises FileError for a zero byte."""
    if b"\0" in path:
        raise FileError(Code.NAME_INVALID, evidence={"path": show_bytes(path), "reason": "a name holds a zero byte"})
    return posix_quote(path if path.startswith(b"/") else b"./" + path)
