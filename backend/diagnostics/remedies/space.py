"""What takes the room on a host's disk: one bounded command, and its answer as frozen values. Nothing is removed."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from backend.connection.connector import Link
from backend.dataclass import dataclass
from backend.diagnostics.remedies.derive import SPACE_SECONDS
from backend.errors import Code, SessionError
from backend.files.host_commands import NoAnswer, ask_script, quote
from backend.text import show_bytes

MOST = 25
"""Names that are listed."""
_MARGIN = 5.0
"""Seconds that the answer gets beyond the limit of the command."""

# The home directory, where it lies on the same disk as the path; else the directory of the path. `du` looks at one disk
# only (-x) and is ended by `timeout` where the host has it: what it has counted until then is said.
_SCRIPT = b"""\
{ set -- fairlead space %(path)s
shift 3
LC_ALL=C; export LC_ALL
wanted=%(path)s
disk() { df -P "$1" 2>/dev/null | tail -n 1; }
place=$HOME
if [ -n "$wanted" ]; then
  while [ "$wanted" != / ] && [ ! -d "$wanted" ]; do wanted=${wanted%%/*}; [ -n "$wanted" ] || wanted=/; done
  [ "$(disk "$wanted")" = "$(disk "$HOME")" ] || place=$wanted
fi
cd "$place" || exit 1
printf 'place %%s\\n' "$place"
limit=; command -v timeout >/dev/null 2>&1 && limit='timeout %(seconds)d'
{ $limit du -xak -d 2 . 2>/dev/null || echo partial; } | sort -rn | head -n %(most)d
} </dev/null
"""


@dataclass(frozen=True, slots=True)
class Big:
    """One of the biggest things."""

    path: bytes
    """Relative to where was looked."""
    bytes: int
    """What it takes on the disk."""

    @property
    def shown(self) -> str:
        return show_bytes(self.path)


@dataclass(frozen=True, slots=True)
class Room:
    """What takes the room below one directory."""

    place: bytes
    """Where was looked."""
    total: int | None
    """Bytes that everything there takes; None where the count was not finished."""
    biggest: tuple[Big, ...]
    """Down to two levels below it, the biggest first."""
    partial: bool = False
    """Not everything could be counted: it took too long, or parts may not be read."""


async def what_takes_room(link: Link, host: str, path: str) -> Room:
    """The biggest things on the disk of `path` (where it is not absolute: of the home directory).

    Raises SessionError where the host runs no commands or does not answer, LinkLost.
    """
    wanted = path.encode("utf-8", "surrogateescape") if path.startswith("/") else b""
    script = _SCRIPT % {b"path": quote(wanted), b"seconds": SPACE_SECONDS, b"most": MOST + 2}
    answer = await ask_script(link, script, seconds=SPACE_SECONDS + _MARGIN)
    if isinstance(answer, NoAnswer):
        raise SessionError(Code.SESSION_REFUSED, evidence={"reason": f"it {answer.value}"}, host=host)
    return read_room(answer)


def read_room(answer: bytes) -> Room:
    """What the script has said. Lines without sense are passed over."""
    lines = answer.split(b"\n")
    place = next((line[6:] for line in lines if line.startswith(b"place ")), b"")
    counted = list(_counted(lines))
    total = next((big.bytes for big in counted if big.path == b"."), None)
    biggest = tuple(big for big in counted if big.path != b".")[:MOST]
    return Room(place, total, biggest, b"partial" in lines)


def _counted(lines: list[bytes]) -> Iterator[Big]:
    for line in lines:
        size, tab, path = line.partition(b"\t")
        if tab and size.isdigit() and len(size) < 19:
            yield Big(posixpath.normpath(path), int(size) * 1024)
