"""A shell that a workbench keeps open: its own loop, answered as a whole, for this shell does not know all of it."""

from __future__ import annotations

import re

from mocks.pipes import Reader, TextSource
from mocks.shell.run import Run, Streams, decode, encode

_LOOP = b"while IFS= read -r fl_m <&9"
_OCTAL = re.compile(rb"\\\\0([0-7]{3})")


async def kept_open(run: Run, script: str) -> int | None:
    """Run the orders that come on standard input until it ends; None for any other script.

    An order is three lines: a mark, a command for printf(1), and the mark for its end.
    """
    if _LOOP not in encode(script):
        return None
    lines = _Lines(run.streams.stdin)
    out, err = run.streams.stdout, run.streams.stderr
    while (begin := await lines.next()) is not None and (carried := await lines.next()) is not None:
        await err.write(begin + b"\n")
        await out.write(b"%s %d\n%s\n" % (begin, run.shell.pid, begin))
        command = _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), carried)
        status = await run.shell.run_text(decode(command), Streams(TextSource(), out, err))
        end = await lines.next() or b""
        await err.write(end + b"\n")
        await out.write(b"%s %d %s\n%s\n" % (end, status, run.shell.cwd, end))
    return 0


class _Lines:
    """The lines of a stream."""

    def __init__(self, stream: Reader) -> None:
        self._stream = stream
        self._held = b""

    async def next(self) -> bytes | None:
        """The next line without its end; None where there is none."""
        while b"\n" not in self._held:
            if not (data := await self._stream.read(1 << 16)):
                return None
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        return line
