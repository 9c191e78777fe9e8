"""How an SFTP channel begins with servers that break the protocol, fall silent or die in the middle of it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import asyncssh
import pytest

from backend.connection.ssh.files import SshFiles
from backend.connection.ssh.sftp import SftpSession
from backend.connection.ssh.sftp_wire import Type, packet, string, uint32
from backend.errors import Code, SessionError

LIMITS = (string(b"limits@openssh.com"), string(b"1"))


class Channel:
    """A channel whose far end is the test."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
async def session(channel: Channel) -> SftpSession:
    """A conversation that has just begun."""
    begun = SftpSession(lambda: None)
    begun.connection_made(cast("asyncssh.SSHClientChannel[bytes]", channel))
    begun.session_started()
    return begun


def files(channel: Channel, session: SftpSession, limit: float = 5.0) -> SshFiles:
    typed: Any = channel
    return SshFiles(typed, session, host="web-1", user="me", server="OpenSSH_9.2", limit=limit, close_limit=1)


async def unavailable(opening: SshFiles) -> str:
    """Why the files cannot be had."""
    with pytest.raises(SessionError) as caught:
        async with asyncio.timeout(10):
            await opening.start()
    assert caught.value.code is Code.SFTP_UNAVAILABLE
    return str(caught.value.evidence["reason"])


@pytest.mark.parametrize("body", [uint32(3) + b"\0\0\0\x09half", uint32(3) + string(b"name")])
async def test_a_version_that_is_cut_short_is_told(channel: Channel, session: SftpSession, body: bytes) -> None:
    session.data_received(packet(Type.VERSION, body))
    assert "broke the SFTP protocol" in await unavailable(files(channel, session))
    assert channel.aborted


async def test_a_server_that_does_not_tell_its_limits_is_not_waited_for_without_end(
    channel: Channel, session: SftpSession
) -> None:
    session.data_received(packet(Type.VERSION, uint32(3), *LIMITS))
    assert "within 0.05 s" in await unavailable(files(channel, session, limit=0.05))
    assert channel.aborted


async def test_a_server_that_dies_while_it_is_asked_for_its_limits_is_told(
    channel: Channel, session: SftpSession
) -> None:
    session.data_received(packet(Type.VERSION, uint32(3), *LIMITS))
    opening = asyncio.create_task(unavailable(files(channel, session)))
    while len(channel.sent) < 2:
        await asyncio.sleep(0)
    session.connection_lost(None)
    assert "ended the SFTP channel" in await opening
