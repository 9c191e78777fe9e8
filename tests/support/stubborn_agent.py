"""An SSH agent that lists a key and does not sign with it (draft-ietf-sshm-ssh-agent), as one whose person says no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from backend.connection.credentials import public_line

_FAILURE, _REQUEST_IDENTITIES, _IDENTITIES = 5, 11, 12


@asynccontextmanager
async def stubborn_agent(directory: Path, key: Path, *, thinks: float = 0.0) -> AsyncIterator[Path]:
    """Its socket. It lists `key`, and takes `thinks` seconds to refuse each signature."""
    blob = public_line(key.with_name(f"{key.name}.pub").read_bytes())
    assert blob is not None
    listed = bytes([_IDENTITIES]) + (1).to_bytes(4, "big") + _string(blob) + _string(b"stubborn")

    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                if request[0] != _REQUEST_IDENTITIES:
                    await asyncio.sleep(thinks)
                writer.write(_string(listed if request[0] == _REQUEST_IDENTITIES else bytes([_FAILURE])))
                await writer.drain()
        writer.close()
        await writer.wait_closed()

    directory.mkdir(parents=True, exist_ok=True)
    socket_path = directory / "agent.sock"
    server = await asyncio.start_unix_server(serve, socket_path)
    async with server:
        yield socket_path
    await asyncio.wait([task for task in served if task is not None])


def _string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content
