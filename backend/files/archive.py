"""What a host is told to do for the archive lane: pack or unpack with the tar it has, bring it to the disk, hash it.

One command does it all, for starting one may cost a host a tenth of a second (login files). Nothing that a person or a
host has named is in the command itself, where each login shell would want other quotes: names go over stdin.
"""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.files.host_digests import parse_digests
from backend.files.host_tools import Tar
from backend.text import clean_line

QUIET_SECONDS = 60.0
"""How long a host may say nothing in the middle of a stream before the rest is sent in another way."""
MOST_SAID = 16 << 20
"""Bytes beside the archive that are kept of what the host's commands print."""
NO_PROBE = 97
"""Exit status when the host's commands do not see the file that was made over SFTP: they see other files."""

_PLAIN = "unset TAR_OPTIONS; LC_ALL=C; export LC_ALL; "
_PACKERS = {
    # Names from stdin, as they are; a second name of a file has content like the first; nothing below a directory.
    Tar.GNU: "tar -c -f - --null --no-recursion --hard-dereference --format=gnu -b 64 -T -",
    Tar.BSD: "tar -c -f - --null -n --format gnutar -b 64 -T -",
    Tar.BUSYBOX: "xargs -0 tar -c -f - --no-recursion",
}
_UNPACKERS = {
    # Modes and times as they are told, no owners, nothing that exists is touched: not even through a link.
    Tar.GNU: "tar -x -p -k -o -f -",
    Tar.BSD: "tar -x -p -k -o -P -f -",
    Tar.BUSYBOX: "tar -x -p -k -o -f -",
}
_NAMES = r'printf "%s\n" "$n" | tr "\n" "\0" | '


def packing(tar: Tar, mark: str, hashing: str | None, *, follow: bool) -> bytes:
    """The command that packs the files whose names are lines of stdin.

    stdout: `mark` (plain letters), then the archive. stderr: complaints, `mark` on a line of its own, then what
    `hashing` prints about the same files. `follow`: links count as what they point to.
    """
    packer = _PACKERS[tar].replace(" -c ", " -c -h ") if follow else _PACKERS[tar]
    script = f'cd / || exit; {_PLAIN}n="$(cat)"; printf {mark}; {_NAMES}{packer}; s=$?; '
    if hashing is not None:
        script += rf'printf "\n{mark}\n" >&2; {_NAMES}xargs -0 {hashing} >&2 2>/dev/null; '
    return f"exec sh -c '{script}exit $s'".encode()


def unpacking(tar: Tar, mark: str, hashing: str | None) -> bytes:
    """The command that unpacks stdin below `/`, and brings it to the disk.

    Before the archive stdin has lines: the path of a file that must be there; that of a member with the names of the
    others, each ended by NUL; directories that are written to; an empty one; and another empty one as soon as the file
    has been made. The first two are removed, also when nobody listens any more, or has gone after asking for the file.
    stdout: `mark`, then what `hashing` prints about those names.
    """
    script = (
        'trap "" PIPE; cd / && while IFS= read -r p && [ -n "$p" ]; do set -- "$@" "$p"; done; '
        'IFS= read -r p || { sleep 1; rm -f "$1"; exit; }; '
        f'[ -f "$1" ] || exit {NO_PROBE}; rm -f "$1"; {_PLAIN}{_UNPACKERS[tar]}; s=$?; '
    )
    if hashing is not None:
        script += f'printf {mark}; xargs -0 {hashing} < "$2" 2>/dev/null; '
    script += 'rm -f "$2"; sync -f -- "$@" 2>/dev/null || sync; exit $s'
    return f"exec sh -c '{script}' sh".encode()


def name_in_archive(path: bytes) -> bytes:
    """An absolute path as a member's name: relative to the root, and never like an option."""
    return b"." + path


def path_in_archive(name: bytes) -> bytes:
    """The absolute path that a member's name means."""
    return b"/" + name.removeprefix(b".").lstrip(b"/")


@dataclass(frozen=True, slots=True)
class Said:
    """What a host's commands printed beside an archive."""

    complaint: str
    """The first line, for people."""
    digests: dict[bytes, bytes]
    """SHA-256 by absolute path, of those that could be read."""


def heard(printed: bytes, mark: str) -> Said:
    """Complaints and digests apart."""
    complaints, _, digests = printed.partition(mark.encode())
    first = complaints.strip().split(b"\n")[0]
    found = {path_in_archive(path): digest for path, digest in parse_digests(digests).items()}
    return Said(clean_line(first.decode("utf-8", "backslashreplace")).strip(), found)
