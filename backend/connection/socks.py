"""SOCKS version 5 as a client speaks it (RFC 1928, RFC 1929), without I/O. Names are looked up by the proxy."""

from __future__ import annotations

import ipaddress
from collections.abc import Generator

from backend.connection.proxying import Conversation, NotThisProxy, PasswordWanted, ProxyRefusal, Read, Step, Write

_NO_LOGIN, _BY_PASSWORD, _NOTHING = 0x00, 0x02, 0xFF
_IPV4, _NAME, _IPV6 = 0x01, 0x03, 0x04
REPLIES = {
    0x01: "general failure of the SOCKS server",
    0x02: "its rules do not allow this connection",
    0x03: "the network cannot be reached from there",
    0x04: "the host cannot be reached from there",
    0x05: "the host refused the connection",
    0x06: "the packets ran out of time (TTL expired)",
    0x07: "it does not know the command CONNECT",
    0x08: "it cannot use this kind of address",
}
"""RFC 1928 §6, in words."""


def connect(host: str, port: int, user: str = "", password: str | None = None) -> Conversation:
    """Ask for a stream to `host`:`port`. Ends when the stream begins.

    Raises PasswordWanted, ProxyRefusal or NotThisProxy; ValueError for a name or secret that SOCKS cannot carry.
    """
    request = b"\x05\x01\x00" + _address(host) + port.to_bytes(2, "big")
    yield from _log_in(user, password)
    yield Write(request)
    version, reply, _, kind = yield Read(4)
    if version != 5:
        raise NotThisProxy(bytes((version, reply)))
    if reply != 0:
        raise ProxyRefusal(REPLIES.get(reply, f"it answered with the unknown code {reply}"))
    yield Read((yield from _bound_length(kind)) + 2)


def _log_in(user: str, password: str | None) -> Conversation:
    yield Write(b"\x05\x02\x00\x02" if user else b"\x05\x01\x00")
    answer = yield Read(2)
    version, method = answer
    if version != 5:
        raise NotThisProxy(answer)
    if method == _NOTHING or (method == _BY_PASSWORD and not user):
        raise PasswordWanted(refused=False)
    if method == _BY_PASSWORD:
        yield from _give_password(user, password)
    elif method != _NO_LOGIN:
        raise ProxyRefusal(f"it wants a kind of login (method {method}) that was not offered")


def _give_password(user: str, password: str | None) -> Conversation:
    """RFC 1929."""
    if password is None:
        raise PasswordWanted(refused=False)
    yield Write(b"\x01" + _counted(user, "the proxy's user name") + _counted(password, "the proxy's password"))
    _, status = yield Read(2)
    if status != 0:
        raise PasswordWanted(refused=True)


def _bound_length(kind: int) -> Generator[Step, bytes, int]:
    """How many bytes the address takes that the proxy sends from; nobody needs it."""
    if kind == _NAME:
        return (yield Read(1))[0]
    if kind not in {_IPV4, _IPV6}:
        raise NotThisProxy(bytes((kind,)))
    return 4 if kind == _IPV4 else 16


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return bytes((_NAME,)) + _counted(host, "the host's name", encoding="idna" if not host.isascii() else "ascii")
    return bytes((_IPV4 if address.version == 4 else _IPV6,)) + address.packed


def _counted(text: str, what: str, *, encoding: str = "utf-8") -> bytes:
    raw = text.encode(encoding)
    if not 0 < len(raw) < 256:
        raise ValueError(f"{what} must have 1 to 255 bytes for SOCKS")
    return bytes((len(raw),)) + raw
