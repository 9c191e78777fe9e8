"""What a person types for a host, taken apart: `user@host:port`, `ssh://…`, IPv6 literals, jump hosts. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import unquote

from backend.dataclass import dataclass
from backend.patterns import pattern

_FORBIDDEN = pattern(r"[\x00-\x20\x7f-\x9f'\"`$\\;&<>|(){},]")
"""As OpenSSH's `valid_hostname` (ssh.c, since 9.6), and white space: none of these is part of a name."""
_PLAIN_EXTRA = frozenset("@:/[]*?!#%")
_USER_FORBIDDEN = pattern(r"[\x00-\x1f\x7f'\"`$;&<>|(){}]")


@dataclass(frozen=True, slots=True)
class Spec:
    """A host as it was written."""

    host: str
    """A name, an alias or an address, without brackets."""
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return (f"{self.user}@" if self.user else "") + host + (f":{self.port}" if self.port else "")


def read_spec(text: str) -> Spec:
    """Take `[user@]host[:port]`, `[user@][v6][:port]`, a bare IPv6 literal or `ssh://[user@]host[:port]` apart.

    Raises ValueError with a sentence when it cannot be one.
    """
    is_uri = text.lower().startswith("ssh://")
    rest = text[6:].rstrip("/") if is_uri else text
    user, at, place = rest.rpartition("@")
    if at and not user:
        raise ValueError("there is nothing before the '@'")
    host, port = _place(place)
    if is_uri:
        user, host = unquote(user).partition(";")[0], unquote(host)
    _check_host(host)
    if user and (user.startswith("-") or _USER_FORBIDDEN.search(user)):
        raise ValueError("the user name has characters that no user name has")
    return Spec(host, user or None, port)


def read_jumps(text: str) -> tuple[Spec, ...]:
    """`ProxyJump` and `-J`: specs with commas between, outermost first; none for `none`. Raises ValueError."""
    if text.strip().lower() in {"none", ""}:
        return ()
    return tuple(read_spec(part.strip()) for part in text.split(","))


def is_plain_name(name: str) -> bool:
    """Whether `name` can be the name of an entry: nothing that a typed address would be read as."""
    return bool(name) and not name.startswith("-") and not _FORBIDDEN.search(name) and not _PLAIN_EXTRA & set(name)


def is_address(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 literal (a zone, as in `fe80::1%eth0`, included)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _place(place: str) -> tuple[str, int | None]:
    if is_address(place):
        return place, None
    if place.startswith("["):
        host, bracket, tail = place[1:].partition("]")
        if not bracket or not is_address(host) or (tail and not tail.startswith(":")):
            raise ValueError("an address in brackets is written [address]:port")
        return host, _port(tail[1:]) if tail else None
    host, colon, port = place.rpartition(":")
    return (host, _port(port)) if colon else (place, None)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)


def _check_host(host: str) -> None:
    if not host:
        raise ValueError("there is no host name in it")
    if host.startswith("-"):
        raise ValueError("a host name does not begin with '-'")
    if _FORBIDDEN.search(host) or "/" in host or "@" in host:
        raise ValueError("it has characters that no host name has")
