"""Who listens on a port of this machine, as far as /proc tells (proc(5)); nothing where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from backend.text import show_bytes

_LISTEN = "0A"


def listening_inodes(table: str, port: int) -> frozenset[str]:
    """The sockets of /proc/net/tcp or tcp6 that listen on `port`. Pure."""
    rows = (line.split() for line in table.splitlines()[1:])
    return frozenset(
        row[9]
        for row in rows
        if len(row) > 9 and row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port and row[9] != "0"
    )


def holder_of(port: int, proc: Path = Path("/proc")) -> str:
    """`nginx (process 812)`; empty where it cannot be seen. Reads many small files: call it in a thread."""
    inodes: set[str] = set()
    for name in ("net/tcp", "net/tcp6"):
        with suppress(OSError, ValueError):
            inodes |= listening_inodes((proc / name).read_text(), port)
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in _processes(proc) if wanted else ():
        if _holds(proc / pid / "fd", wanted):
            with suppress(OSError):
                return f"{show_bytes((proc / pid / 'comm').read_bytes().strip())} (process {pid})"
    return ""


def _processes(proc: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from sorted((name for name in os.listdir(proc) if name.isdecimal()), key=int)  # noqa: PTH208 - names


def _holds(descriptors: Path, wanted: set[str]) -> bool:
    with suppress(OSError):
        for descriptor in descriptors.iterdir():
            with suppress(OSError):
                if os.readlink(descriptor) in wanted:  # noqa: PTH115 - text, not a path
                    return True
    return False
