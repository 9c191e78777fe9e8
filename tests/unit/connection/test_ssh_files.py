"""How an SFTP channel begins with servers that break the protocol, fall silent or die in the middle of it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import asyncssh
import pytest

from backend.connection.ssh import sftp
from backend.connection.ssh.file_errors import Intent
from backend.connection.ssh.file_requests import FileRequests
from backend.connection.ssh.files import SshFiles, asked_ahead
from backend.connection.ssh.sftp import SftpSession, SftpSilent
from backend.connection.ssh.sftp_wire import Reply, Type, packet, string, uint32
from backend.errors import Code, FileError, SessionError

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


@pytest.mark.parametrize(
    ("server", "hasty"),
    [
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2", True),
        ("SSH-2.0-OpenSSH_for_Windows_9.5", False),
        ("SSH-2.0-dropbear_2022.83", False),
        ("SSH-2.0-AsyncSSH_2.24.1", False),
        ("", False),
    ],
)
def test_only_servers_that_bear_it_are_asked_before_they_have_answered(server: str, hasty: bool) -> None:
    assert (asked_ahead(server) is not None) is hasty


async def _asked_of_a_silent_server(
    channel: Channel, session: SftpSession, monkeypatch: pytest.MonkeyPatch, kind: Type, *fields: bytes
) -> asyncio.Future[Reply]:
    """A request, as long after it as a server may be silent."""
    monkeypatch.setattr(sftp, "LOOK_EVERY", 0.001)
    session.data_received(packet(Type.VERSION, uint32(3)))
    asked = session.send(kind, *fields)
    for _ in range(2 * sftp.SILENT_LOOKS):
        await asyncio.sleep(0.002)
    return asked


async def test_a_server_that_answers_nothing_is_given_up_in_the_end(
    channel: Channel, session: SftpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await _asked_of_a_silent_server(channel, session, monkeypatch, Type.LSTAT, string(b"/a"))
    error = asked.exception()
    assert isinstance(error, SftpSilent)
    assert channel.aborted
    with pytest.raises(FileError) as caught:
        await FileRequests(session, host="web-1", close_limit=1).ask(
            b"/a", Intent.LOOK, Type.LSTAT, string(b"/a"), expect=Type.ATTRS
        )
    assert caught.value.code is Code.FILES_SILENT


async def test_what_may_take_long_on_a_disk_is_waited_for(
    channel: Channel, session: SftpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = string(b"fsync@openssh.com"), string(b"handle")
    asked = await _asked_of_a_silent_server(channel, session, monkeypatch, Type.EXTENDED, *fsync)
    assert not asked.done()
    assert not channel.aborted
    session.connection_lost(None)


async def test_a_slow_server_that_answers_now_and_then_is_waited_for(
    channel: Channel, session: SftpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "LOOK_EVERY", 0.005)
    session.data_received(packet(Type.VERSION, uint32(3)))
    waiting = session.send(Type.LSTAT, string(b"/slow"))
    for number in range(1, 3 * sftp.SILENT_LOOKS):
        session.send(Type.LSTAT, string(b"/quick"))
        await asyncio.sleep(0.005)
        session.data_received(packet(Type.STATUS, uint32(number), uint32(2), string(b""), string(b"")))
    assert not waiting.done()
    assert not channel.aborted
    session.connection_lost(None)
