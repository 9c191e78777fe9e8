"""HTTP's CONNECT as a client speaks it (RFC 9110 §9.3.6, Basic login of RFC 7617), without I/O."""

from __future__ import annotations

import re
from base64 import b64encode

from backend.connection.proxying import Conversation, NotThisProxy, PasswordWanted, ProxyRefusal, ReadUntil, Write
from backend.text import show_bytes

MOST_HEADER = 16 << 10
"""Bytes of an answer's head; more is not a proxy."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")
_LOGIN = re.compile(rb"(?im)^proxy-authenticate:[ \t]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)")
MEANINGS = {
    400: "it did not understand the request",
    403: "its rules do not allow this connection",
    404: "it does not know the host",
    405: "it does not allow CONNECT, so it cannot carry SSH",
    408: "it gave up waiting",
    429: "it was asked too often",
    500: "it failed inside",
    501: "it does not know CONNECT",
    502: "it could not reach the host",
    503: "it is overloaded, or could not reach the host",
    504: "the host did not answer it in time",
}
"""What the status codes mean here (RFC 9110 §15)."""
_SHOWN = 100


def connect(host: str, port: int, user: str = "", password: str | None = None) -> Conversation:
    """Ask for a stream to `host`:`port`. Ends when the stream begins.

    Raises PasswordWanted, ProxyRefusal or NotThisProxy; ValueError for a name that a request cannot carry.
    """
    yield Write(_request(host, port, user, password))
    head = yield ReadUntil(b"\n\r\n", MOST_HEADER)
    found = _STATUS.match(head)
    if found is None:
        raise NotThisProxy(head)
    status, words = int(found[1]), show_bytes((found[2] or b"").strip()[:_SHOWN])
    if 200 <= status < 300:
        return
    if status == 407:
        raise _login_wanted(head, refused=password is not None)
    meaning = MEANINGS.get(status, "it answered with something else than a connection")
    raise ProxyRefusal(f"{meaning} ({f'{status} {words}'.strip()})")


def _request(host: str, port: int, user: str, password: str | None) -> bytes:
    name = host if host.isascii() else host.encode("idna").decode("ascii")
    if not name or re.search(r"[\x00-\x20\x7f/?#@]", name):
        raise ValueError(f"a proxy cannot be asked for the host {host!r}")
    place = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode("ascii")
    if password is not None:
        head += b"Proxy-Authorization: Basic " + b64encode(f"{user}:{password}".encode()) + b"\r\n"
    return head + b"\r\n"


def _login_wanted(head: bytes, *, refused: bool) -> Exception:
    schemes = [scheme.decode("ascii") for scheme in _LOGIN.findall(head)]
    if schemes and not any(scheme.lower() == "basic" for scheme in schemes):
        return ProxyRefusal(f"it wants a login by {', '.join(schemes)}; only Basic is spoken here (407)")
    return PasswordWanted(refused=refused)
