"""A terminal's side of typing: an editor without I/O (echo, history, control keys), and lines that wait to be read."""

from __future__ import annotations

import asyncio
import codecs
import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from typing import Final

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Echo:
    """Bytes for the screen."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """A finished line, without its end."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """ctrl+c."""


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """ctrl+d on an empty line."""


@dataclass(frozen=True, slots=True)
class Complete:
    """tab: the word before the cursor is to be completed."""

    word: str


Event = Echo | Line | Interrupt | EndOfInput | Complete

_KEYS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|\x1b[A-Za-z]|[\s\S]")
_UNFINISHED: Final = re.compile(r"\x1b(\[[0-9;]*|O)?\Z")
_MOVES: Final = {
    "\x1b[D": "left", "\x1bOD": "left", "\x02": "left",
    "\x1b[C": "right", "\x1bOC": "right", "\x06": "right",
    "\x1b[A": "older", "\x1bOA": "older", "\x10": "older",
    "\x1b[B": "newer", "\x1bOB": "newer", "\x0e": "newer",
    "\x1b[H": "home", "\x1bOH": "home", "\x1b[1~": "home", "\x01": "home",
    "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end", "\x05": "end",
    "\x7f": "erase", "\x08": "erase", "\x1b[3~": "delete",
    "\x15": "kill_line", "\x0b": "kill_rest", "\x17": "kill_word", "\x0c": "clear",
}  # fmt: skip


class LineEditor:
    """One line being typed. Gives Echo events that keep the screen in step with it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""
        self._text = ""
        self._cursor = 0
        self._prompt = ""
        self._history: list[str] = []
        self._place = 0

    def prompt(self, text: str) -> Echo:
        """Begin a line after a prompt; what was typed ahead stays in it."""
        self._prompt = text
        self._place = len(self._history)
        return Echo(_encode(text + self._text))

    def cooked(self) -> None:
        """Begin lines without a prompt, as while a program reads them."""
        self._prompt = ""
        self._text, self._cursor = "", 0

    def remember(self, line: str) -> None:
        if line.strip() and self._history[-1:] != [line]:
            self._history.append(line)
        self._place = len(self._history)

    def feed(self, data: bytes) -> Iterator[Event]:
        """What was typed, in order. Each key counts when its turn comes: a completion may act before the next."""
        text = self._rest + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._rest = text[unfinished.start() :] if unfinished else ""
        for key in _KEYS.findall(text[: unfinished.start()] if unfinished else text):
            yield from self._key(key)

    def insert(self, text: str) -> Echo:
        """Put `text` at the cursor, as a completion does."""
        self._text = self._text[: self._cursor] + text + self._text[self._cursor :]
        self._cursor += len(text)
        return self._redrawn() if self._cursor < len(self._text) else Echo(_encode(text))

    def _key(self, key: str) -> list[Event]:
        if key in ("\r", "\n"):
            line, self._text, self._cursor = self._text, "", 0
            return [Echo(b"\r\n"), Line(line)]
        if key == "\x03":
            self._text, self._cursor = "", 0
            return [Echo(b"^C\r\n"), Interrupt()]
        if key == "\x04":
            return [] if self._text else [EndOfInput()]
        if key == "\t":
            return (
                [Complete(re.split(r"[\s|;&<>]", self._text[: self._cursor])[-1])]
                if self._prompt
                else [self.insert("\t")]
            )
        if key in _MOVES:
            return self._move(_MOVES[key])
        return [self.insert(key)] if key >= " " else []

    def _move(self, move: str) -> list[Event]:
        before = (self._text, self._cursor)
        getattr(self, f"_{move}")()
        if move == "clear":
            return [Echo(b"\x1b[H\x1b[2J"), self._redrawn()]
        return [self._redrawn()] if before != (self._text, self._cursor) else []

    def _left(self) -> None:
        self._cursor = max(0, self._cursor - 1)

    def _right(self) -> None:
        self._cursor = min(len(self._text), self._cursor + 1)

    def _home(self) -> None:
        self._cursor = 0

    def _end(self) -> None:
        self._cursor = len(self._text)

    def _erase(self) -> None:
        if self._cursor:
            self._text = self._text[: self._cursor - 1] + self._text[self._cursor :]
            self._cursor -= 1

    def _delete(self) -> None:
        self._text = self._text[: self._cursor] + self._text[self._cursor + 1 :]

    def _kill_line(self) -> None:
        self._text, self._cursor = self._text[self._cursor :], 0

    def _kill_rest(self) -> None:
        self._text = self._text[: self._cursor]

    def _kill_word(self) -> None:
        kept = self._text[: self._cursor].rstrip()
        kept = kept[: kept.rfind(" ") + 1]
        self._text, self._cursor = kept + self._text[self._cursor :], len(kept)

    def _clear(self) -> None:
        """The line stays; the screen is what goes."""

    def _older(self) -> None:
        self._recall(-1)

    def _newer(self) -> None:
        self._recall(1)

    def _recall(self, step: int) -> None:
        if not self._prompt:
            return
        self._place = max(0, min(len(self._history), self._place + step))
        self._text = self._history[self._place] if self._place < len(self._history) else ""
        self._cursor = len(self._text)

    def _redrawn(self) -> Echo:
        after = _width(self._text[self._cursor :])
        back = f"\x1b[{after}D" if after else ""
        return Echo(_encode(f"\r{self._prompt}{self._text}\x1b[K{back}"))


class TypedLines:
    """What was typed and not read yet: the shell at its prompt and the program that it runs read from the same."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._hung_up = False
        self._changed = asyncio.Event()

    def put(self, line: bytes) -> None:
        """A line with its end; empty for ctrl+d."""
        self._waiting.append(line)
        self._changed.set()

    def flush(self) -> None:
        """Forget what waits, as a terminal does at ctrl+c."""
        self._waiting.clear()

    def hang_up(self) -> None:
        """No more will come."""
        self._hung_up = True
        self._changed.set()

    async def read(self, limit: int) -> bytes:
        """At most `limit` bytes of one line; empty for ctrl+d, and at the end."""
        while not self._waiting and not self._hung_up:
            self._changed.clear()
            await self._changed.wait()
        if not self._waiting:
            return b""
        line = self._waiting.popleft()
        if len(line) > limit:
            self._waiting.appendleft(line[limit:])
        return line[:limit]


def _width(text: str) -> int:
    """Cells on the screen."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
