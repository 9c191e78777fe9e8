"""The byte stream under a connection, as long as nobody has identified himself on it."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from backend.connection.ssh.carriers import BannerClosed, StreamCarrier

NO_LINGER = struct.pack("ii", 1, 0)
"""Closing a socket with this resets its connection."""


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection over loopback: ours, and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    return ours, theirs


async def test_a_reset_is_told_also_when_it_came_before_anybody_listened() -> None:
    ours, theirs = connected()
    carrier = await StreamCarrier.over_socket(ours, lambda _: None)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    theirs.close()
    stream = carrier._tap
    assert stream is not None
    while not stream.transport.is_closing():  # its end is seen in this turn of the loop, and told in the next
        await asyncio.sleep(0)
    with pytest.raises(BannerClosed) as told:
        await carrier.create_connection(lambda: None, "server", 22)
    assert isinstance(told.value.how, ConnectionResetError)
