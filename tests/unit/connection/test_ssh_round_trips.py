"""What is sent to a server without waiting for an answer that changes nothing, and when it is not."""

from __future__ import annotations

from typing import Any, cast

import asyncssh
import pytest
from asyncssh.packet import Boolean, SSHPacket, String

from backend.connection.ssh.internals import log_in_at_once, sign_at_once

NEWKEYS, SERVICE_ACCEPT = 21, 6


class Connection:
    """The parts of asyncssh's connection that are leaned on."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self._packet_handlers = {NEWKEYS: Connection._new_keys, SERVICE_ACCEPT: Connection._accepted}

    def _new_keys(self, kind: int, number: int, packet: SSHPacket) -> None:
        self.done.append("keys")

    def _accepted(self, kind: int, number: int, packet: SSHPacket) -> None:
        self.done.append(("logs in", packet.get_string()))

    def receive(self, kind: int, content: bytes = b"") -> None:
        handler: Any = self._packet_handlers[kind]
        handler(self, kind, 0, SSHPacket(content))

    async def send_userauth_request(self, method: bytes, *args: bytes, key: Any = None, trivial: bool = True) -> None:
        self.done.append((method, args, key, trivial))


@pytest.fixture
def connection() -> Connection:
    return Connection()


def real(connection: Connection) -> asyncssh.SSHClientConnection:
    return cast(asyncssh.SSHClientConnection, connection)


def test_the_login_begins_as_soon_as_there_are_keys(connection: Connection) -> None:
    log_in_at_once(real(connection))
    connection.receive(NEWKEYS)
    assert connection.done == ["keys", ("logs in", b"ssh-userauth")]


def test_the_answer_to_the_service_request_begins_no_second_login(connection: Connection) -> None:
    log_in_at_once(real(connection))
    connection.receive(NEWKEYS)
    connection.receive(SERVICE_ACCEPT, String(b"ssh-userauth"))
    assert connection.done == ["keys", ("logs in", b"ssh-userauth")]


def test_new_keys_of_a_connection_that_is_up_begin_no_login(connection: Connection) -> None:
    log_in_at_once(real(connection))
    connection.receive(NEWKEYS)
    connection.receive(NEWKEYS)
    assert connection.done == ["keys", ("logs in", b"ssh-userauth"), "keys"]


def test_another_service_than_was_asked_for_is_an_error(connection: Connection) -> None:
    log_in_at_once(real(connection))
    connection.receive(NEWKEYS)
    with pytest.raises(asyncssh.ProtocolError):
        connection.receive(SERVICE_ACCEPT, String(b"ssh-connection"))


def offer(key: bytes, *, signed: bool = False) -> tuple[bytes, ...]:
    return (Boolean(signed), String(b"ssh-ed25519"), String(key))


async def test_a_key_that_is_open_is_signed_with_at_once(connection: Connection) -> None:
    pair = cast(asyncssh.SSHKeyPair, object())
    sign_at_once(real(connection), {b"open": pair}.get)
    await connection.send_userauth_request(b"publickey", *offer(b"open"))
    assert connection.done == [(b"publickey", offer(b"open", signed=True), pair, False)]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        pytest.param(b"publickey", offer(b"closed"), id="a key that somebody has to open"),
        pytest.param(b"publickey", offer(b"open", signed=True), id="a signature that asyncssh makes itself"),
        pytest.param(b"password", (Boolean(False), String(b"open")), id="a password"),
        pytest.param(b"none", (), id="the first question"),
    ],
)
async def test_all_else_is_sent_as_it_is(connection: Connection, method: bytes, arguments: tuple[bytes, ...]) -> None:
    sign_at_once(real(connection), {b"open": cast(asyncssh.SSHKeyPair, object())}.get)
    await connection.send_userauth_request(method, *arguments)
    assert connection.done == [(method, arguments, None, True)]
