"""The output buffer: bytes in, lines out, bounded. Pure; knows carriage returns and line ends, not colours.

A line ends with `\\n` or `\\r\\n`. A lone `\\r` takes the writer back to the line's start: when other text follows, it
replaces what stood there, so that a progress bar ends as its last state. A line that grows beyond `MAX_LINE_BYTES` is
cut into pieces, which count as lines and are counted in `cut`. When the other stream speaks while a line is unfinished,
that line is closed as it stands and the other stream's text starts a line of its own; `text` puts no line end there.
None of this depends on how the output was sliced into chunks.

Lines are stored as blocks of whole lines, as they came, and are split only when they are looked at: a million short
lines cost hardly more than their bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby

from backend.connection.connector import Chunk, StdStream
from backend.dataclass import dataclass

MAX_LINE_BYTES = 64 << 10
_BLOCK_BYTES = 32 << 10
_SWITCH_COST = 256
"""What a change of stream is charged for, in bytes: about the size of the objects that it makes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output."""

    raw: bytes
    """Without its end; colour sequences are still in it; what a carriage return overwrote is gone."""
    stream: StdStream


@dataclass(frozen=True, slots=True)
class _Block:
    """Consecutive lines of one stream. Each ends with a newline, except perhaps the last: cut, or interrupted."""

    first: int
    data: bytes
    stream: StdStream
    overhead: int

    def split(self) -> list[bytes]:
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines


class OutputBuffer:
    """The last lines of a command's output. Lines are numbered from the very first, dropped ones included.

    `max_bytes` bounds the finished lines; one unfinished line of at most `max_line` bytes comes on top.
    """

    def __init__(
        self, *, max_lines: int = 1_000_000, max_bytes: int = 256 << 20, max_line: int = MAX_LINE_BYTES
    ) -> None:
        if min(max_lines, max_bytes, max_line) < 1:
            raise ValueError("a buffer needs room for at least one line")
        self._max_line = max_line
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._stream = StdStream.OUT
        self._tail = bytearray()
        self._returned = False
        """The unfinished line ends with a carriage return that may still become a line end."""
        self._open = bytearray()
        self._open_first = 0
        self._open_overhead = 0
        self._blocks: list[_Block] = []
        self._head = 0
        """Index of the oldest block kept; those before it are empty shells until the list is compacted."""
        self._offset = 0
        """Where in the oldest block the oldest line kept begins."""
        self._first = 0
        self._end = 0
        """One past the newest finished line."""
        self._size = 0
        self._cut = 0
        self._split: tuple[_Block, list[bytes]] | None = None

    # --- what is in it ---------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """Number of the oldest line kept."""
        return self._first

    @property
    def end(self) -> int:
        """One past the number of the newest line; an unfinished line counts."""
        return self._end + self._unfinished

    @property
    def dropped(self) -> int:
        """Lines that were discarded to stay within bounds."""
        return self._first

    @property
    def cut(self) -> int:
        """How often a line was cut because it was too long."""
        return self._cut

    @property
    def size(self) -> int:
        """Bytes held, as they are counted against `max_bytes`."""
        return self._size + len(self._tail)

    def lines(self, start: int, stop: int) -> Sequence[Line]:
        """The kept lines numbered `start` to `stop - 1`."""
        start, stop = max(start, self._first), min(stop, self.end)
        found: list[Line] = []
        for block in self._blocks_from(start):
            if block.first >= stop:
                break
            raw = self._lines_of(block)[max(0, start - block.first) : stop - block.first]
            found.extend(Line(line[:-1] if line.endswith(b"\r") else line, block.stream) for line in raw)
        if self._unfinished and start <= self._end < stop:
            found.append(Line(bytes(self._tail), self._stream))
        return found

    def text(self) -> bytes:
        """Everything kept, as it was, with line ends."""
        return b"".join(self.pieces())

    def pieces(self) -> tuple[bytes, ...]:
        """What `text` returns, in parts that share the buffer's memory; later output does not change them."""
        whole = [block.data for block in self._blocks[self._head :]]
        if whole and self._offset:
            whole[0] = whole[0][self._offset :]
        return (*whole, bytes(self._open), self._pending())

    # --- putting output in -----------------------------------------------------------------------------------

    def feed(self, chunk: Chunk) -> None:
        """Append output; O(len(chunk))."""
        data = chunk.data
        if not data:
            return
        if chunk.stream is not self._stream:
            self._switch(chunk.stream)
        ended = data.rfind(b"\n") + 1
        if ended:
            self._finish(data[:ended])
        if ended < len(data):
            self._grow(data[ended:])
        self._trim()

    def _finish(self, data: bytes) -> None:
        """Take in text that ends with a newline."""
        body = self._pending() + data
        self._clear_tail()
        if _is_plain(body, self._max_line):
            for lines in _portions(body):
                self._keep(lines)
            return
        for short, run in groupby(body.split(b"\n")[:-1], key=lambda line: len(line) <= self._max_line):
            if short:
                for lines in _portions(b"".join(map(_as_left, run))):
                    self._keep(lines)
                continue
            for line in run:
                self._grow(line)
                self._keep(self._pending() + b"\n")
                self._clear_tail()

    def _grow(self, text: bytes) -> None:
        """Continue the unfinished line by text without a newline."""
        for number, run in enumerate(text.split(b"\r")):
            if number:
                self._returned = True
            if run:
                self._write(run)

    def _write(self, run: bytes) -> None:
        if self._returned:
            self._clear_tail()
        self._tail += run
        while len(self._tail) > self._max_line:
            self._keep(bytes(self._tail[: self._max_line]))
            del self._tail[: self._max_line]
            self._cut += 1

    def _switch(self, stream: StdStream) -> None:
        """The other stream speaks: close what is unfinished."""
        if self._unfinished:
            self._keep(self._pending())
            self._clear_tail()
        self._seal()
        self._stream = stream
        self._open_overhead = _SWITCH_COST
        self._size += _SWITCH_COST

    def _keep(self, lines: bytes) -> None:
        """Store whole lines, or one that will never get its end."""
        ended = lines.endswith(b"\n")
        self._end += lines.count(b"\n") + (not ended)
        self._size += len(lines)
        self._open += lines
        if len(self._open) >= _BLOCK_BYTES or not ended:
            self._seal()

    def _seal(self) -> None:
        if self._open:
            self._blocks.append(_Block(self._open_first, bytes(self._open), self._stream, self._open_overhead))
            self._open.clear()
            self._open_overhead = 0
        self._open_first = self._end

    # --- the unfinished line ---------------------------------------------------------------------------------

    @property
    def _unfinished(self) -> bool:
        return self._returned or bool(self._tail)

    def _pending(self) -> bytes:
        return bytes(self._tail) + (b"\r" if self._returned else b"")

    def _clear_tail(self) -> None:
        self._tail.clear()
        self._returned = False

    # --- looking lines up ------------------------------------------------------------------------------------

    def _blocks_from(self, number: int) -> Iterator[_Block]:
        """The blocks from the one that holds line `number` on."""
        index = bisect_right(self._blocks, number, lo=self._head, key=lambda block: block.first) - 1
        for position in range(max(index, self._head), len(self._blocks)):
            yield self._blocks[position]
        if self._open:
            yield _Block(self._open_first, bytes(self._open), self._stream, self._open_overhead)

    def _lines_of(self, block: _Block) -> list[bytes]:
        if self._split is None or self._split[0] is not block:
            self._split = (block, block.split())
        return self._split[1]

    # --- staying within bounds -------------------------------------------------------------------------------

    def _trim(self) -> None:
        while self._size > self._max_bytes or self.end - self._first > self._max_lines:
            if self._head == len(self._blocks):
                self._seal()
            if self._head == len(self._blocks):
                return
            self._drop_from(self._blocks[self._head])

    def _drop_from(self, block: _Block) -> None:
        """Forget the oldest block where all of it has to go, else as many of its lines as are too many."""
        following = self._head + 1
        after = self._blocks[following].first if following < len(self._blocks) else self._open_first
        rest = len(block.data) - self._offset + (0 if self._offset else block.overhead)
        if self.end - after >= self._max_lines or self._size - rest >= self._max_bytes:
            self._drop_lines(block, after - self._first)
        else:
            self._drop_lines(block, max(1, self.end - self._first - self._max_lines))

    def _drop_lines(self, block: _Block, count: int) -> None:
        """Forget its oldest lines; its memory goes with its last line."""
        after = self._end_of_lines(block, count)
        self._size -= after - self._offset + (0 if self._offset else block.overhead)
        self._offset = after
        self._first += count
        if after == len(block.data):
            self._drop_block()

    def _end_of_lines(self, block: _Block, count: int) -> int:
        """Where the next `count` lines of it end."""
        if count == 1:
            return block.data.find(b"\n", self._offset) + 1 or len(block.data)
        parts = block.data[self._offset :].split(b"\n", count)
        return len(block.data) - len(parts[count]) if len(parts) > count else len(block.data)

    def _drop_block(self) -> None:
        self._blocks[self._head] = _GONE
        self._head += 1
        self._offset = 0
        if self._head > 64 and self._head * 2 > len(self._blocks):
            del self._blocks[: self._head]
            self._head = 0


_GONE = _Block(0, b"", StdStream.OUT, 0)


def _is_plain(body: bytes, max_line: int) -> bool:
    """Whether text that ends with a newline has no lone carriage return and no line that may need to be cut."""
    if b"\r" in body and body.count(b"\r") != body.count(b"\r\n"):
        return False
    start = 0
    while len(body) - start > max_line:
        start = body.rfind(b"\n", start, start + max_line) + 1
        if not start:
            return False
    return True


def _as_left(line: bytes) -> bytes:
    """A line as carriage returns leave it: what was written last, with its end."""
    body = line.rstrip(b"\r")
    return body[body.rfind(b"\r") + 1 :] + (b"\n" if len(body) == len(line) else b"\r\n")


def _portions(body: bytes) -> Iterator[bytes]:
    """Text that ends with a newline, in parts of whole lines that each make about one block."""
    start = 0
    while len(body) - start > _BLOCK_BYTES:
        stop = body.find(b"\n", start + _BLOCK_BYTES - 1) + 1
        yield body[start:stop]
        start = stop
    if start < len(body):
        yield body[start:]
