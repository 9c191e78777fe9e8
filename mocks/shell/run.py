"""What a command of the simulated shell gets to work with, and the register of commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import field
from typing import TYPE_CHECKING, Final

from backend.clock import Clock
from backend.connection.connector import PtySize
from backend.dataclass import dataclass
from backend.errors import Code, FileError
from mocks.host import SimulatedHost, User
from mocks.nodes import Device, File
from mocks.pipes import Reader, Writer
from mocks.tree import Actor

if TYPE_CHECKING:
    from mocks.shell.interpreter import Shell

BLOCK: Final = 1 << 18
"""Bytes moved in one go by commands that look at them."""
BULK: Final = 1 << 20
"""Bytes moved in one go by commands that do not."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard input, output and error."""

    stdin: Reader
    stdout: Writer
    stderr: Writer


@dataclass(slots=True)
class Terminal:
    """What a process may know about its terminal."""

    size: PtySize
    term: str


@dataclass(slots=True)
class Run:
    """One run of one command."""

    shell: Shell
    name: str
    arguments: list[str]
    streams: Streams

    @property
    def host(self) -> SimulatedHost:
        return self.shell.host

    @property
    def user(self) -> User:
        return self.shell.user

    @property
    def actor(self) -> Actor:
        return self.shell.user.actor

    @property
    def clock(self) -> Clock:
        return self.shell.host.clock

    @property
    def terminal(self) -> Terminal | None:
        return self.shell.terminal

    def path(self, text: str) -> bytes:
        """The absolute path that an argument names."""
        return self.shell.path(text)

    async def out(self, data: bytes | str) -> None:
        await self.streams.stdout.write(encode(data))

    async def line(self, text: str = "") -> None:
        await self.out(text + "\n")

    async def complain(self, text: str, status: int = 1) -> int:
        """Say `name: text` on standard error."""
        await self.streams.stderr.write(encode(f"{self.name}: {text}\n"))
        return status

    async def complain_about(self, subject: str, error: FileError, status: int = 1) -> int:
        return await self.complain(f"{subject}: {reason_of(error)}", status)

    def options(self, known: str = "", *, valued: str = "") -> Options:
        """The arguments sorted into single-letter options and the rest, as getopt(3) does."""
        return read_options(self.arguments, known, valued)

    def open(self, text: str) -> OpenFile:
        """A file for reading. Raises FileError."""
        path = self.path(text)
        return OpenFile(self.host, self.host.tree.open_reading(path, self.actor), path)

    async def inputs(self, names: list[str]) -> AsyncIterator[tuple[str, Reader]]:
        """A reader for each of `names`, or standard input; those that cannot be read are told about."""
        for name in names or ["-"]:
            if name == "-":
                yield "", self.streams.stdin
                continue
            try:
                reader = self.open(name)
            except FileError as error:
                await self.complain_about(name, error)
                self.shell.trouble = True
            else:
                yield name, reader


@dataclass(slots=True)
class Options:
    """Arguments, sorted."""

    flags: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    bad: str = ""
    """The first option that is not known."""


def read_options(arguments: list[str], known: str, valued: str) -> Options:
    """`-abc -n5 -n 5 -- rest`; `known` letters are flags, `valued` ones take a value. Words in any place."""
    found = Options()
    todo = list(arguments)
    while todo:
        word = todo.pop(0)
        if word == "--":
            found.rest += todo
            break
        if len(word) < 2 or not word.startswith("-"):
            found.rest.append(word)
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            found.flags.add(name)
            if equals:
                found.values[name] = value
        else:
            _read_letters(word[1:], todo, found, known, valued)
    return found


def _read_letters(letters: str, todo: list[str], found: Options, known: str, valued: str) -> None:
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in valued:
            found.values[letter] = letters or (todo.pop(0) if todo else "")
            return
        if letter not in known:
            found.bad = found.bad or letter
        found.flags.add(letter)


class OpenFile:
    """A file of the host, open at a position, as Reader and as Writer."""

    def __init__(self, host: SimulatedHost, node: File | Device, path: bytes, offset: int = 0) -> None:
        self._host = host
        self.node = node
        self.offset = offset
        self._path = path

    async def read(self, limit: int) -> bytes:
        await asyncio.sleep(0)
        if isinstance(self.node, File):
            data = self.node.content.read(self.offset, min(limit, BULK))
        else:
            data = self.node.fill(self.offset, min(limit, BULK)) if self.node.fill else b""
        self.offset += len(data)
        return data

    async def write(self, data: bytes) -> None:
        self._host.tree.write(self.node, self.offset, data, self._path)
        self.offset += len(data)


_REASONS: Final = {
    Code.NOT_FOUND: "No such file or directory",
    Code.PERMISSION: "Permission denied",
    Code.EXISTS: "File exists",
    Code.IS_DIRECTORY: "Is a directory",
    Code.NOT_DIRECTORY: "Not a directory",
    Code.NOT_EMPTY: "Directory not empty",
    Code.DISK_FULL: "No space left on device",
}


def reason_of(error: FileError) -> str:
    """What strerror(3) says."""
    return _REASONS.get(error.code, "Invalid argument")


def encode(text: bytes | str) -> bytes:
    """Text of the shell as bytes; what was not UTF-8 comes back as it was."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def decode(data: bytes) -> str:
    """Bytes as text of the shell."""
    return data.decode("utf-8", "surrogateescape")


CommandFunction = Callable[[Run], Awaitable[int]]
COMMANDS: Final[dict[str, CommandFunction]] = {}


def command(*names: str) -> Callable[[CommandFunction], CommandFunction]:
    """Register a command under `names`."""

    def register(function: CommandFunction) -> CommandFunction:
        for name in names:
            COMMANDS[name] = function
        return function

    return register
