"""How the bytes of a route's outermost hop travel: directly, through a proxy, a program, a mesh network or a tunnel.

Frozen values, and how a proxy's address is read. Whatever the way, the far end is the same SSH server: its host key and
its login are those of the hop.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import unquote, urlsplit

from backend.dataclass import dataclass

ALL_PROXY = ("all_proxy", "ALL_PROXY")
"""The variables that `proxy = "environment"` looks at, as curl(1) does."""
FROM_ENVIRONMENT = "environment"
_PORTS = {"socks5": 1080, "socks5h": 1080, "http": 8080, "https": 443}


@dataclass(frozen=True, slots=True)
class Direct:
    """TCP to the hop's own address."""


@dataclass(frozen=True, slots=True)
class ProxyCommand:
    """A shell command whose stdin and stdout carry the bytes (`ProxyCommand` of ssh_config(5))."""

    command: str
    """Tokens are expanded already; the person's shell reads it."""


class ProxyKind(StrEnum):
    """What a proxy speaks."""

    SOCKS5 = "socks5"
    """RFC 1928, names looked up by the proxy."""
    HTTP = "http"
    """CONNECT of RFC 9110 §9.3.6."""
    HTTPS = "https"
    """The same inside TLS."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy server; its password is in nobody's file and is asked for."""

    kind: ProxyKind
    host: str
    port: int
    user: str = ""

    @property
    def place(self) -> str:
        """`proxy.example.net:1080`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.kind}://{self.user}{'@' if self.user else ''}{self.place}"


@dataclass(frozen=True, slots=True)
class Tailscale:
    """The host's address or MagicDNS name in a tailnet."""

    address: str


@dataclass(frozen=True, slots=True)
class Cloudflare:
    """The host name of a Cloudflare Access application, reached by `cloudflared access ssh`."""

    hostname: str


Way = Direct | ProxyCommand | Proxy | Tailscale | Cloudflare

DIRECT = Direct()


def described(way: Way) -> str:
    """The way in a few words, for people; empty when direct."""
    match way:
        case ProxyCommand(command):
            return f"by the command {command}"
        case Proxy():
            return f"through the proxy {way}"
        case Tailscale(address):
            return f"over Tailscale, {address}"
        case Cloudflare(hostname):
            return f"over Cloudflare Access, {hostname}"
        case Direct():
            return ""


def read_proxy(text: str, *, with_password: bool = False) -> Proxy:
    """`socks5://user@host:port`, `http://…` or `https://…`; `socks5h` means the same as `socks5` here.

    A password in it is refused (it would stand in a file), or left out and asked for with `with_password`. Raises
    ValueError with a sentence.
    """
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise ValueError(f"a proxy is written as {', '.join(f'{kind}://host:port' for kind in ProxyKind)}")
    if parts.password is not None and not with_password:
        raise ValueError("a password does not belong in there; leave it out, and it is asked for")
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("a proxy has a host and a port, and nothing after them")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None
    kind = ProxyKind(parts.scheme.removesuffix("h") if parts.scheme == "socks5h" else parts.scheme)
    return Proxy(kind, parts.hostname, port, unquote(parts.username or ""))
