"""How commands and their ends travel to a shell that is kept open, and back. Pure.

The shell reads its orders from a descriptor that no command inherits, so none of them can eat what follows; a command's
own standard input is /dev/null. Around each command's output stand marks, on both streams. The closing one is read by
the shell after the command has ended: while it runs, nobody on the host has it in a variable, and no output can guess
it. Marks go to descriptors of their own, so that a session in which output was redirected (`exec >log`) still works.
"""

from __future__ import annotations

import re

from backend.commands.quoting import posix_quote, script_line
from backend.connection.connector import StdStream
from backend.dataclass import dataclass

POSIX = ("bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "sh")
"""Login shells that sessions run in; where there is another one they run in sh."""
_CARRIED = re.compile(rb"[^ -~]|[\\%]")

_LOOP = b"""fl_e='command eval'
test -n "$ZSH_VERSION" && fl_e=eval
trap : INT
exec 7>&1 8>&2
while IFS= read -r fl_m <&9 && IFS= read -r fl_c <&9; do
fl_c=$(printf '%b.' "$fl_c")
fl_c=${fl_c%.}
printf '%s\\n' "$fl_m" >&8
printf '%s %s\\n' "$fl_m" $$ >&7
jobs -p >&7
printf '%s\\n' "$fl_m" >&7
eval "$fl_e \\"\\$fl_c\\"" </dev/null 7>&- 8>&- 9>&-
fl_s=$?
IFS= read -r fl_m <&9
printf '%s\\n' "$fl_m" >&8
printf '%s %s %s\\n%s\\n' "$fl_m" "$fl_s" "$PWD" "$fl_m" >&7
done
"""


def opening_line() -> bytes:
    """A command line, for any login shell, that becomes the shell of a session."""
    known = b"|".join(name.encode() for name in POSIX)
    script = b"""S=${SHELL:-/bin/sh}
case ${S##*/} in %s) ;; *) S=/bin/sh ;; esac
exec 9<&0 </dev/null
exec "$S" -l -c %s
""" % (known, posix_quote(_LOOP))
    return script_line(script)


def order(begin: bytes, end: bytes, command: bytes) -> bytes:
    """What has the shell run `command` between the marks `begin` and `end`."""
    carried = _CARRIED.sub(lambda found: b"\\0%03o" % found[0][0], command)
    return b"%s\n%s\n%s\n" % (begin, carried, end)


def is_posix(shell: str) -> bool:
    """Whether sessions run in this login shell itself."""
    return shell.rpartition("/")[2] in POSIX


@dataclass(frozen=True, slots=True)
class Begun:
    """The command has begun."""

    shell: int
    """The shell's own process id."""
    jobs: tuple[int, ...]
    """Processes of earlier commands that still run in the background."""


@dataclass(frozen=True, slots=True)
class Said:
    """Output of the command, byte for byte."""

    stream: StdStream
    data: bytes


@dataclass(frozen=True, slots=True)
class Between:
    """Output from before the command began: of what earlier commands left in the background."""

    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The command has ended, and both its streams are told to the end."""

    status: int
    directory: bytes
    """Where the shell stands now."""


Happening = Begun | Said | Between | Ended


class Reading:
    """One command's share of both streams: bytes in, what they mean out, however they are sliced."""

    def __init__(self, begin: bytes, end: bytes) -> None:
        self._streams = {StdStream.OUT: _Stream(end), StdStream.ERR: _Stream(end)}
        opens, closes = re.escape(begin), re.escape(end)
        self._begins = {
            StdStream.OUT: re.compile(opens + rb" (\d+)\n([\d\n]*?)" + opens + rb"\n"),
            StdStream.ERR: re.compile(opens + b"\n"),
        }
        self._ends = {
            StdStream.OUT: re.compile(closes + rb" (\d+) (.*?)\n" + closes + rb"\n", re.DOTALL),
            StdStream.ERR: re.compile(closes + b"\n"),
        }
        self._ended: Ended | None = None

    @property
    def done(self) -> bool:
        """Whether both streams have come to their marks."""
        return all(stream.ended for stream in self._streams.values())

    def feed(self, stream: StdStream, data: bytes) -> list[Happening]:
        """Take in some output."""
        found: list[Happening] = []
        at = self._streams[stream]
        at.held += data
        if not at.begun:
            self._look_for_begin(stream, at, found)
        if at.begun and not at.ended:
            self._look_for_end(stream, at, found)
        if self.done and self._ended is not None:
            found.append(self._ended)
            self._ended = None
        return found

    def _look_for_begin(self, stream: StdStream, at: _Stream, found: list[Happening]) -> None:
        if (match := self._begins[stream].search(at.held)) is None:
            return
        if match.start():
            found.append(Between(match.start()))
        if stream is StdStream.OUT:
            found.append(Begun(int(match[1]), tuple(map(int, match[2].split()))))
        del at.held[: match.end()]
        at.begun = True

    def _look_for_end(self, stream: StdStream, at: _Stream, found: list[Happening]) -> None:
        match = self._ends[stream].search(at.held)
        place = match.start() if match is not None else at.safe()
        if place:
            found.append(Said(stream, bytes(at.held[:place])))
        if match is None:
            del at.held[:place]
            return
        if stream is StdStream.OUT:
            self._ended = Ended(int(match[1]), match[2])
        del at.held[: match.end()]
        at.ended = True


class _Stream:
    """Where one stream stands."""

    def __init__(self, end: bytes) -> None:
        self.end = end
        self.held = bytearray()
        """Not told yet: it may be the beginning of a mark."""
        self.begun = False
        self.ended = False

    def safe(self) -> int:
        """How many of the held bytes cannot belong to the closing mark."""
        if (place := self.held.find(self.end)) >= 0:
            return place
        longest = min(len(self.end) - 1, len(self.held))
        for size in range(longest, 0, -1):
            if self.held.endswith(self.end[:size]):
                return len(self.held) - size
        return len(self.held)
