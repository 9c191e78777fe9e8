"""The first words on a connection (RFC 4253 §4.2): is that an SSH server? Pure."""

from __future__ import annotations

import re

from backend import __version__
from backend.errors import Code
from backend.patterns import pattern
from backend.text import show_bytes

VERSION = f"Fairlead_{__version__}"
"""Our own software version, as servers note it in their logs."""
GREETING = f"SSH-2.0-{VERSION}\r\n".encode()
"""Our identification, which may be sent before the server's has come."""
MOST_BYTES = 8192
"""Text that a server may send before its identification; more is not an SSH server."""
_SHOWN_BYTES = 120
_OTHERS = (b"HTTP/", b"220 ", b"220-", b"* OK", b"+OK ", b"RFB 0", b"<!DOC", b"<html", b"-ERR ", b"AMQP")
"""What servers of other protocols say first."""
_IDENTIFICATION = pattern(rb"^SSH-(2\.0|1\.99)-([^\r\n]*)\r?\n", re.MULTILINE)

_REFUSALS = (
    (pattern(rb"^\s*exceeded maxstartups\b", re.IGNORECASE), Code.SERVER_CROWDED),
    (pattern(rb"^\s*not allowed at this time\b", re.IGNORECASE), Code.SHUT_OUT),
)
"""What OpenSSH's server says in place of its identification (`sshd.c`: `drop_connection`, and since 9.8
`srclimit_penalty_check_allow`). It hangs up at once, so that the words do not always arrive."""


class NotSsh(Exception):
    """Something answers, and it does not speak SSH 2."""

    def __init__(self, first_line: str) -> None:
        super().__init__(first_line)
        self.first_line = first_line


class Identification:
    """Reads until the identification line."""

    def __init__(self) -> None:
        self.seen = b""
        """All bytes so far."""

    def feed(self, data: bytes) -> str | None:
        """The server's software version, as `OpenSSH_9.6 Ubuntu-3`, once its line is complete; None until then.

        Raises NotSsh as soon as it is certain.
        """
        self.seen += data
        if found := _IDENTIFICATION.search(self.seen):
            return show_bytes(found[2])
        if self._cannot_be():
            raise NotSsh(first_line(self.seen))
        return None

    def _cannot_be(self) -> bool:
        start = self.seen[:8]
        binary = bool(start) and start[0] < 0x20 and start[0] not in b"\r\n\t"
        other_version = re.search(rb"^SSH-[^\n]*\n", self.seen, re.MULTILINE) is not None
        return binary or other_version or start.startswith(_OTHERS) or len(self.seen) > MOST_BYTES


def hung_up(said: bytes) -> Code:
    """What it means that a server hung up after `said`, without having identified itself."""
    if not said.strip():
        return Code.BANNER_CLOSED
    return next((code for pattern, code in _REFUSALS if pattern.search(said)), Code.BANNER_NOT_SSH)


def first_line(said: bytes) -> str:
    """The beginning of what was said, for people."""
    return show_bytes(said.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r")[:_SHOWN_BYTES])
