"""What a scraper asks over HTTP/1.x, and the answer to it: pure, without sockets.

Only `GET` and `HEAD` of `/metrics` get something. On a port of this machine alone the request must name this machine
as well: a page in a browser that has its own name lead here (DNS rebinding) is refused.
"""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus

from backend.dataclass import dataclass

MOST_HEAD = 8192
"""Bytes of a request's line and headers."""
_LINE = re.compile(rb"([!-~]{1,32}) ([!-~]{1,2048}) HTTP/1\.[01]\r?\n")
_HOST = re.compile(rb"(?im)^host:[ \t]*([!-~]*)[ \t]*\r?$")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that can be answered."""

    with_body: bool
    """False for HEAD."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not."""

    status: HTTPStatus
    words: str


def read_request(head: bytes, *, here_only: bool) -> Asked | Refused:
    """What `head` (request line and headers, with the empty line) asks for."""
    line = _LINE.match(head)
    if line is None:
        return Refused(HTTPStatus.BAD_REQUEST, "this is not HTTP/1.1")
    method, path = line[1], line[2].partition(b"?")[0]
    hosts = _HOST.findall(head[line.end() :])
    if here_only and not (len(hosts) == 1 and names_this_machine(hosts[0].decode("ascii"))):
        return Refused(HTTPStatus.MISDIRECTED_REQUEST, "this port answers under a loopback address only")
    if method not in (b"GET", b"HEAD"):
        return Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
    if path != b"/metrics":
        return Refused(HTTPStatus.NOT_FOUND, "only /metrics")
    return Asked(with_body=method == b"GET")


def names_this_machine(host: str) -> bool:
    """Whether a `Host` header names a loopback address, or `localhost`."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def answer(status: HTTPStatus, body: bytes, kind: str, *, with_body: bool = True) -> bytes:
    """A whole answer; the connection ends after it."""
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        *(["Allow: GET, HEAD"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body if with_body else b"")


def refusal(refused: Refused) -> bytes:
    return answer(refused.status, f"{refused.words}\n".encode(), "text/plain; charset=utf-8")
