"""A SOCKS server's side of the handshake: 5 without login (RFC 1928), 4 and 4A; CONNECT only. Sans I/O.

What clients send is hostile until it is read: everything is bounded, and what cannot be served gets the reply that the
protocol has for it.
"""

from __future__ import annotations

import ipaddress
from enum import Enum

from backend.dataclass import dataclass

_MOST = 600
"""Bytes of a handshake: the longest that the protocols allow, and some."""
_MOST_TEXT = 255
"""Bytes of a name or a user id."""
_CONNECT = 1
_NO_LOGIN = 0
_NONE_ACCEPTABLE = 0xFF


class Outcome(Enum):
    """What came of a request; the values are RFC 1928's replies."""

    DONE = 0
    FAILED = 1
    NOT_ALLOWED = 2
    NETWORK_UNREACHABLE = 3
    HOST_UNREACHABLE = 4
    REFUSED = 5
    COMMAND_UNSUPPORTED = 7
    ADDRESS_UNSUPPORTED = 8


@dataclass(frozen=True, slots=True)
class SocksRequest:
    """Where a client wants to go."""

    version: int
    host: str
    port: int


class SocksRefused(Exception):
    """The client cannot be served; `reply` is what it is told."""

    def __init__(self, reason: str, reply: bytes = b"") -> None:
        self.reply = reply
        super().__init__(reason)


class SocksHandshake:
    """Fed with what the client sends until `request` is there."""

    def __init__(self) -> None:
        self.request: SocksRequest | None = None
        self._held = b""
        self._greeted = False

    @property
    def rest(self) -> bytes:
        """What came after the request: the first bytes of the connection itself."""
        return self._held if self.request is not None else b""

    def feed(self, data: bytes) -> bytes:
        """`data` has come; what to send back now. Raises SocksRefused."""
        self._held += data
        if self.request is not None or not self._held:
            return b""
        version = self._held[0]
        if version == 5:
            answer = self._five()
        elif version == 4:
            answer = self._four()
        else:
            raise SocksRefused("the client does not speak SOCKS; this port takes SOCKS 4, 4A and 5")
        if self.request is None and len(self._held) > _MOST:
            raise SocksRefused("the handshake has no end", reply_to(version, Outcome.FAILED))
        return answer

    # --- SOCKS 5 (RFC 1928 §3, §4) ---

    def _five(self) -> bytes:
        if self._greeted:
            self._request_five()
            return b""
        if len(self._held) < 2 or len(self._held) < 2 + self._held[1]:
            return b""
        methods, self._held = self._held[2 : 2 + self._held[1]], self._held[2 + self._held[1] :]
        if _NO_LOGIN not in methods:
            raise SocksRefused("the client insists on a login, and there is none here", bytes((5, _NONE_ACCEPTABLE)))
        self._greeted = True
        if self._held:
            self._request_five()
        return bytes((5, _NO_LOGIN))

    def _request_five(self) -> None:
        """The request, when all of it is there."""
        held = self._held
        if held[0] != 5:
            raise SocksRefused("the request is malformed", reply_to(5, Outcome.FAILED))
        if len(held) >= 2 and held[1] != _CONNECT:
            raise SocksRefused("only CONNECT is served", reply_to(5, Outcome.COMMAND_UNSUPPORTED))
        if len(held) >= 3 and held[2] != 0:
            raise SocksRefused("the request is malformed", reply_to(5, Outcome.FAILED))
        if len(held) < 5:
            return
        start, size = _extent(held[3], held[4])
        if len(held) < start + size + 2:
            return
        address, port = held[start : start + size], int.from_bytes(held[start + size : start + size + 2], "big")
        host = _name(address, 5) if held[3] == 3 else str(ipaddress.ip_address(address))
        self._held = held[start + size + 2 :]
        self._take(5, host, port)

    # --- SOCKS 4 and 4A ---

    def _four(self) -> bytes:
        held = self._held
        if len(held) >= 2 and held[1] != _CONNECT:
            raise SocksRefused("only CONNECT is served", reply_to(4, Outcome.FAILED))
        user, ended, rest = held[8:].partition(b"\0")
        if len(user) > _MOST_TEXT:
            raise SocksRefused("the user id has no end", reply_to(4, Outcome.FAILED))
        if not ended:
            return b""
        host = str(ipaddress.IPv4Address(held[4:8]))
        if held[4:7] == b"\0\0\0" and held[7]:  # 4A: the name follows
            name, ended, rest = rest.partition(b"\0")
            if len(name) > _MOST_TEXT:
                raise SocksRefused("the name has no end", reply_to(4, Outcome.FAILED))
            if not ended:
                return b""
            host = _name(name, 4)
        self._held = rest
        self._take(4, host, int.from_bytes(held[2:4], "big"))
        return b""

    def _take(self, version: int, host: str, port: int) -> None:
        if port == 0:
            raise SocksRefused("port 0 cannot be connected to", reply_to(version, Outcome.FAILED))
        self.request = SocksRequest(version, host, port)


def reply_to(version: int, outcome: Outcome) -> bytes:
    """The answer to a request (RFC 1928 §6). The address in it is nobody's: what the far end bound is not known."""
    if version == 4:
        return bytes((0, 0x5A if outcome is Outcome.DONE else 0x5B)) + bytes(6)
    return bytes((5, outcome.value, 0, 1)) + bytes(6)


def _extent(kind: int, first: int) -> tuple[int, int]:
    """Where a SOCKS 5 address begins, and its length."""
    if kind == 1:
        return 4, 4
    if kind == 4:
        return 4, 16
    if kind == 3:
        return 5, first
    raise SocksRefused("the kind of address is unknown", reply_to(5, Outcome.ADDRESS_UNSUPPORTED))


def _name(raw: bytes, version: int) -> str:
    """A host name that can be passed on."""
    name = raw.decode("ascii", "replace")
    if not name or not name.isascii() or not name.isprintable() or " " in name or "/" in name:
        raise SocksRefused("the name is none", reply_to(version, Outcome.FAILED))
    return name
