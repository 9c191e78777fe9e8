"""The few places where we lean on parts of asyncssh that it does not document, each in a function of its own.

Every one has an answer for a library that has moved on, except `round_trip`, which a test guards. Checked with 2.24.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.packet import Boolean, SSHPacket, String
from asyncssh.public_key import (
    get_certificate_algs,
    get_default_certificate_algs,
    get_default_public_key_algs,
    get_public_key_algs,
)

from backend.connection.connector import Windows
from backend.dataclass import dataclass

_KEXINIT = 20
_DISCONNECT = 1
_SERVICE_ACCEPT = 6
_NEWKEYS = 21
_LOGIN_SERVICE = b"ssh-userauth"
_COOKIE_BYTES = 16


def validity(certificate: asyncssh.SSHCertificate) -> tuple[int, int] | None:
    """From when until before when a certificate holds, in seconds since 1970; None where asyncssh does not tell."""
    begin, end = (getattr(certificate, name, None) for name in ("_valid_after", "_valid_before"))
    return (begin, end) if isinstance(begin, int) and isinstance(end, int) else None


@dataclass(frozen=True, slots=True)
class Offer:
    """The algorithm lists of one side's KEXINIT (RFC 4253 §7.1), in its order of preference."""

    kex: tuple[str, ...] = ()
    host_keys: tuple[str, ...] = ()
    ciphers_out: tuple[str, ...] = ()
    """Client to server."""
    ciphers_in: tuple[str, ...] = ()
    """Server to client."""
    macs_out: tuple[str, ...] = ()
    macs_in: tuple[str, ...] = ()
    compressions_out: tuple[str, ...] = ()
    compressions_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offers:
    """What both sides offered; empty where the exchange did not come that far."""

    client: Offer
    server: Offer

    @property
    def kex(self) -> str:
        return _chosen(self.client.kex, self.server.kex)

    @property
    def cipher(self) -> str:
        return _chosen(self.client.ciphers_in, self.server.ciphers_in)

    @property
    def mac(self) -> str:
        return "implicit" if _is_aead(self.cipher) else _chosen(self.client.macs_in, self.server.macs_in)

    @property
    def mismatch(self) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
        """The first kind of algorithm that the two have not in common, with the server's list and ours."""
        if not self.client.kex or not self.server.kex:
            return None
        for kind, ours, theirs in self._kinds():
            if not _chosen(ours, theirs):
                return kind, theirs, ours
        return None

    def _kinds(self) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        ours, theirs = self.client, self.server
        kinds = [
            ("key exchange", _real(ours.kex), _real(theirs.kex)),
            ("host key", ours.host_keys, theirs.host_keys),
            ("cipher", ours.ciphers_out, theirs.ciphers_out),
            ("cipher", ours.ciphers_in, theirs.ciphers_in),
        ]
        if not _is_aead(_chosen(ours.ciphers_out, theirs.ciphers_out)):
            kinds.append(("MAC", ours.macs_out, theirs.macs_out))
        if not _is_aead(self.cipher):
            kinds.append(("MAC", ours.macs_in, theirs.macs_in))
        kinds.append(("compression", ours.compressions_out, theirs.compressions_out))
        kinds.append(("compression", ours.compressions_in, theirs.compressions_in))
        return kinds


def _chosen(ours: Sequence[str], theirs: Sequence[str]) -> str:
    """The client's first that the server has too (RFC 4253 §7.1)."""
    return next((name for name in ours if name in theirs), "")


def _real(names: Sequence[str]) -> tuple[str, ...]:
    """Without the signals that ride in the list (RFC 8308, strict key exchange)."""
    return tuple(name for name in names if not name.startswith(("ext-info-", "kex-strict-")))


def _is_aead(cipher: str) -> bool:
    return "gcm" in cipher or "poly1305" in cipher


def parse_kexinit(packet: bytes) -> Offer:
    """The lists of a KEXINIT packet; an empty offer where it is none."""
    if len(packet) < 1 + _COOKIE_BYTES or packet[0] != _KEXINIT:
        return Offer()
    start, lists = 1 + _COOKIE_BYTES, []
    for _ in range(8):
        length = int.from_bytes(packet[start : start + 4], "big")
        names = packet[start + 4 : start + 4 + length].decode("ascii", "replace")
        lists.append(tuple(names.split(",")) if names else ())
        start += 4 + length
    return Offer(*lists)


def offers(conn: asyncssh.SSHClientConnection) -> Offers:
    """What was negotiated on `conn`."""
    return Offers(
        parse_kexinit(getattr(conn, "_client_kexinit", b"")), parse_kexinit(getattr(conn, "_server_kexinit", b""))
    )


def on_login_answer(conn: asyncssh.SSHClientConnection, heard: Callable[[Sequence[str]], None]) -> None:
    """Call `heard` with the methods that may go on, each time the server has refused a login method, or taken it as
    one of several. asyncssh tells its client object only about the login as a whole.
    """
    proceed = conn.try_next_auth

    def hear(*, next_method: bool = False) -> None:
        methods = conn.get_server_auth_methods()
        if not next_method and list(methods) != ["none"]:
            heard(methods)
        proceed(next_method=next_method)

    conn.try_next_auth = hear  # type: ignore[method-assign]


def log_in_at_once(conn: asyncssh.SSHClientConnection) -> None:
    """Begin to log in together with the request for that service, not after its answer: a round trip less. The server
    takes what it is sent in order; one that does not give the service ends the connection (RFC 4253 §10).
    """
    handlers = getattr(conn, "_packet_handlers", {})
    keys_changed, accepted = handlers.get(_NEWKEYS), handlers.get(_SERVICE_ACCEPT)
    if keys_changed is None or accepted is None:
        return
    begun = False

    def take_keys(self: object, kind: int, number: int, packet: SSHPacket) -> Any:
        nonlocal begun
        result = keys_changed(self, kind, number, packet)
        if not begun:
            begun = True
            accepted(self, _SERVICE_ACCEPT, number, SSHPacket(String(_LOGIN_SERVICE)))
        return result

    def take_answer(self: object, kind: int, number: int, packet: SSHPacket) -> None:
        if packet.get_string() != _LOGIN_SERVICE:
            raise asyncssh.ProtocolError("another service was accepted than was asked for")

    conn._packet_handlers = {**handlers, _NEWKEYS: take_keys, _SERVICE_ACCEPT: take_answer}


def sign_at_once(conn: asyncssh.SSHClientConnection, at_hand: Callable[[bytes], asyncssh.SSHKeyPair | None]) -> None:
    """Send the signature with a key that is offered, without the question whether it would do (RFC 4252 §7 leaves that
    to the client), where `at_hand` has a pair that can sign for the public half: a round trip less. A key that would
    not do is refused all the same.
    """
    proceed = getattr(conn, "send_userauth_request", None)
    if proceed is None:
        return

    async def send(method: bytes, *args: bytes, key: Any = None, trivial: bool = True) -> None:
        asks = method == b"publickey" and len(args) == 3 and args[0] == Boolean(False)
        if asks and (pair := at_hand(args[2][4:])) is not None:
            await proceed(method, Boolean(True), *args[1:], key=pair, trivial=False)
        else:
            await proceed(method, *args, key=key, trivial=trivial)

    conn.send_userauth_request = send  # type: ignore[method-assign]


def on_farewell(conn: asyncssh.SSHClientConnection, heard: Callable[[Farewell], None]) -> None:
    """Call `heard` when the server ends the connection on purpose. asyncssh forgets its words where the reason is
    "by application"."""
    handlers = getattr(conn, "_packet_handlers", {})
    proceed = handlers.get(_DISCONNECT)
    if proceed is None:
        return

    def hear(self: object, kind: int, number: int, packet: SSHPacket) -> Any:
        heard(parse_disconnect(packet.get_full_payload()))
        return proceed(self, kind, number, packet)

    conn._packet_handlers = {**handlers, _DISCONNECT: hear}


def windows(channel: asyncssh.SSHClientChannel[bytes]) -> Windows | None:
    """What `channel`, which was just opened, lets be under way each way."""
    ours, theirs = getattr(channel, "_init_recv_window", None), getattr(channel, "_send_window", None)
    return Windows(ours, theirs) if isinstance(ours, int) and isinstance(theirs, int) else None


async def round_trip(conn: asyncssh.SSHClientConnection) -> None:
    """Ask the server something it must answer (RFC 4254 §4, as OpenSSH's keepalive does) and wait for the answer."""
    await conn._make_global_request(b"keepalive@openssh.com")


async def answers(conn: asyncssh.SSHClientConnection, limit: float) -> bool:
    """Whether the server answers within `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            await round_trip(conn)
    except (TimeoutError, asyncssh.Error, OSError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Farewell:
    """What a server says when it ends a connection (RFC 4253 §11.1)."""

    code: int
    words: str = ""
    """As they were sent: hostile until cleaned."""


def parse_disconnect(packet: bytes) -> Farewell:
    """The code and words of a DISCONNECT packet; code 0 where it is none."""
    if len(packet) < 9 or packet[0] != _DISCONNECT:
        return Farewell(0)
    length = int.from_bytes(packet[5:9], "big")
    return Farewell(int.from_bytes(packet[1:5], "big"), packet[9 : 9 + length].decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Supported:
    """Names of algorithms that asyncssh has, with its own order where it has a default."""

    kex: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    host_keys: tuple[str, ...]
    host_certificates: tuple[str, ...]
    default_host_keys: tuple[str, ...]
    default_host_certificates: tuple[str, ...]


def supported() -> Supported:
    """What this asyncssh can do."""
    return Supported(
        _text(get_kex_algs()),
        _text(get_encryption_algs()),
        _text(get_mac_algs()),
        _text(get_public_key_algs()),
        _text(get_certificate_algs()),
        _text(get_default_public_key_algs()),
        _text(get_default_certificate_algs()),
    )


def _text(names: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(name.decode("ascii") for name in names)
