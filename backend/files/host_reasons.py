"""Why a host lets nothing be written: SFTP says only "Failure", the host's own shell says it in words (strerror(3))."""

from __future__ import annotations

import secrets

from backend.complaints import code_of
from backend.connection.connector import Link
from backend.errors import Code
from backend.files.host_commands import ask_script, quote, said
from backend.files.partial import partial_name
from backend.files.paths import join_inside, parent_of

_PROBE = b"""LC_ALL=C; export LC_ALL
t=%s
dd if=/dev/zero of="$t" bs=65536 count=1 2>&1
rm -f -- "$t"
exit 0
"""
_KEEP_FROM_WRITING = frozenset({Code.QUOTA, Code.DISK_FULL, Code.READ_ONLY, Code.PERMISSION})
_SECONDS = 5.0


async def why_not_written(link: Link, path: bytes) -> Code | None:
    """What keeps a file from being written beside `path`, found out by trying with 64 KiB; None when nothing does, or
    where the host runs no commands. Nothing is left behind. Raises LinkLost."""
    probe = join_inside(parent_of(path), partial_name(b"probe", secrets.token_bytes(8)))
    code = code_of(said(await ask_script(link, _PROBE % quote(probe), seconds=_SECONDS)))
    return code if code in _KEEP_FROM_WRITING else None
