"""Our own end of the connection, as this machine's `ss` tells it: it knows what we had to send again.

Found by the addresses that the host sees: where something on the way changes them, it is not found, and not known.
"""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
from contextlib import suppress

from backend.diagnostics.host_answers import whole
from backend.diagnostics.slowness.sockets import read_socket
from backend.diagnostics.slowness.values import Socket

_LIMIT = 2.0
"""Seconds."""


async def own_socket(connection: str) -> Socket | None:
    """The socket from `CLIENT PORT SERVER PORT` (`SSH_CONNECTION`, sshd(8)); None where it is not one of this machine,
    or the machine has no `ss`."""
    wanted = filter_of(connection)
    program = await asyncio.to_thread(shutil.which, "ss") if wanted else None
    if program is None:
        return None
    try:
        process = await asyncio.create_subprocess_exec(
            program, "-tinH", wanted, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_LIMIT):
            said, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    lines = said.decode("ascii", "replace").splitlines()
    return next((one for line in lines if (one := read_socket(line)) is not None), None)


def filter_of(connection: str) -> str:
    """What `ss` is to look for; empty where the host's words are no numeric address and ports: `ss` looks up names."""
    words = connection.split()
    if len(words) != 4 or whole(words[1]) is None or whole(words[3]) is None:
        return ""
    try:
        address = ipaddress.ip_address(words[0])
    except ValueError:
        return ""
    return f"src [{address}] and sport = :{words[1]} and dport = :{words[3]}"
