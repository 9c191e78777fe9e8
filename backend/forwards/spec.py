"""What a forward is to do, as ssh(1) writes it: `-L`, `-R` and `-D` read and printed. Pure.

Beyond OpenSSH: port 0 is taken with -L and -D as well (any free port, which is told).
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from enum import StrEnum

from backend.dataclass import dataclass

_PORT = re.compile(r"\d{1,5}", re.ASCII)
_NAME = re.compile(r"[^\s/\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KINDS = re.compile(r"\s*-?([LRD])[\s=]*(\S.*?)\s*", re.DOTALL)


class ForwardKind(StrEnum):
    """Which end listens, and who says where a connection is to go. The letters are ssh(1)'s options."""

    LOCAL = "L"
    """This machine listens; the host connects."""
    REMOTE = "R"
    """The host listens; this machine connects."""
    DYNAMIC = "D"
    """This machine listens as a SOCKS server; the host connects to where each client asks for."""


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port."""

    host: str | None
    """To listen on: None for loopback, empty for all addresses. To connect to: a name or an address."""
    port: int
    """0 to listen on any that is free."""

    def __str__(self) -> str:
        if self.host is None:
            return str(self.port)
        return f"{_field(self.host or '*')}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of the same machine can reach it."""
        if self.host is None or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Socket:
    """A Unix-domain socket."""

    path: str

    def __str__(self) -> str:
        return _field(self.path)

    @property
    def is_loopback(self) -> bool:
        return True


Place = Port | Socket


@dataclass(frozen=True, slots=True)
class ForwardSpec:
    """One forward."""

    kind: ForwardKind
    listen: Place
    to: Place | None
    """Where connections go; None where each client says so in SOCKS (-D, and -R without a destination)."""

    def __str__(self) -> str:
        """`L 8080:db:5432`, as in `config.toml`; `read_forward` reads it again."""
        return f"{self.kind.value} {self.argument}"

    @property
    def argument(self) -> str:
        """What follows -L, -R or -D."""
        return str(self.listen) if self.to is None else f"{self.listen}:{self.to}"


def read_forward(text: str) -> ForwardSpec:
    """`L 8080:db:5432`, `R 9000:localhost:22` or `D 1080`. Raises ValueError with a sentence for people."""
    match = _KINDS.fullmatch(text)
    if match is None:
        raise ValueError("it does not begin with L, R or D; write for example L 8080:localhost:80")
    return parse_spec(ForwardKind(match[1]), match[2])


def parse_spec(kind: ForwardKind, text: str) -> ForwardSpec:
    """The argument of -L, -R or -D (ssh(1)): `[bind:]port:host:hostport`, with slashes in place of the colons too,
    sockets by their path, IPv6 addresses in brackets. Raises ValueError with a sentence for people.
    """
    fields = _slashed(text.strip()) or _colons(text.strip())
    if kind is ForwardKind.DYNAMIC:
        listen, rest = _listen(fields, most=2)
        if rest or isinstance(listen, Socket):
            raise ValueError("-D takes [bind:]port")
        return ForwardSpec(kind, listen, None)
    if kind is ForwardKind.REMOTE and _is_listen_only(fields):
        return ForwardSpec(kind, _listen(fields, most=2)[0], None)
    return _to_destination(kind, fields)


def from_ssh_options(options: Mapping[str, tuple[str, ...]]) -> tuple[ForwardSpec, ...]:
    """The forwards that `ssh -G` prints for a host (LocalForward, RemoteForward, DynamicForward of ssh_config(5)).

    Raises ValueError.
    """
    found = [parse_spec(ForwardKind.LOCAL, _joined(line)) for line in options.get("localforward", ())]
    # For each local forward to a socket, ssh -G prints a dynamic one as well that is not there.
    ghosts = {str(spec.listen) for spec in found if isinstance(spec.to, Socket)}
    for line in options.get("remoteforward", ()):
        found.append(parse_spec(ForwardKind.REMOTE, _joined(line.removesuffix(" [socks]:0"))))
    for line in options.get("dynamicforward", ()):
        if line not in ghosts:
            found.append(parse_spec(ForwardKind.DYNAMIC, line))
    return tuple(found)


def _joined(line: str) -> str:
    """`[127.0.0.1]:8080 [db]:5432` with the colon of the command line."""
    return ":".join(line.split(" ", 1))


# --- fields ------------------------------------------------------------------------------------------------------


def _field(text: str) -> str:
    """A field, so that what is in it does not end it."""
    if ":" in text and not set("[]\\") & set(text):
        return f"[{text}]"
    return re.sub(r"([:\\\[\]])", r"\\\1", text)


def _colons(text: str) -> list[str]:
    """The fields between colons; brackets keep theirs, a backslash takes the next character as it is."""
    fields, rest = [], text
    while True:
        if rest.startswith("["):
            inside, bracket, rest = rest[1:].partition("]")
            if not bracket or rest[:1] not in ("", ":"):
                raise ValueError(f"the bracket in {text!r} is not closed")
            fields.append(inside)
            more, rest = rest[:1] == ":", rest[1:]
        else:
            match = re.match(r"(?:\\.|[^\\:])*", rest, re.DOTALL)
            assert match is not None
            fields.append(re.sub(r"\\(.)", r"\1", match[0], flags=re.DOTALL))
            rest = rest[match.end() :]
            if rest.startswith("\\"):
                raise ValueError(f"{text!r} ends in a backslash")
            more, rest = rest[:1] == ":", rest[1:]
        if not more:
            return fields


def _slashed(text: str) -> list[str] | None:
    """The fields of `[bind/]port/host/hostport`, ssh_config(5)'s older form for IPv6; None where it is another."""
    fields = text.split("/")
    if len(fields) not in (3, 4) or not _PORT.fullmatch(fields[-3]) or not _PORT.fullmatch(fields[-1]):
        return None
    bind = fields[0] if len(fields) == 4 else "*"
    return fields if bind and (":" not in bind or _is_address(bind)) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_path(text: str) -> bool:
    return "/" in text


def _is_listen_only(fields: list[str]) -> bool:
    return len(fields) == 1 or (len(fields) == 2 and not _is_path(fields[1]) and not _is_path(fields[0]))


def _to_destination(kind: ForwardKind, fields: list[str]) -> ForwardSpec:
    usage = f"-{kind.value} takes [bind:]port:host:hostport, or a path in place of either side"
    if fields and _is_path(fields[-1]):
        to: Place = Socket(_path(fields[-1]))
        before = fields[:-1]
    elif len(fields) >= 3:
        to = Port(_host(fields[-2]), _port(fields[-1], lowest=1))
        before = fields[:-2]
    else:
        raise ValueError(usage)
    if not before:
        raise ValueError(usage)
    listen, rest = _listen(before, most=2)
    if rest:
        raise ValueError(usage)
    return ForwardSpec(kind, listen, to)


def _listen(fields: list[str], *, most: int) -> tuple[Place, list[str]]:
    """Where to listen, and the fields that are left."""
    if _is_path(fields[0]):
        return Socket(_path(fields[0])), fields[1:]
    if len(fields) == 1:
        return Port(None, _port(fields[0], lowest=0)), []
    bind = "" if fields[0] in ("", "*") else _host(fields[0])
    return Port(bind, _port(fields[1], lowest=0)), fields[most:]


def _port(text: str, *, lowest: int) -> int:
    if not _PORT.fullmatch(text) or not lowest <= int(text) <= 65535:
        raise ValueError(f"{text!r} is no port; ports are numbers from {lowest} to 65535")
    return int(text)


def _host(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no host name and no address")
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or text != text.strip() or _CONTROL.search(text):
        raise ValueError(f"a socket is named by its whole path, as /run/app.sock, and not {text!r}")
    if len(os.fsencode(text)) > _MOST_PATH:
        raise ValueError(f"the path of a socket has at most {_MOST_PATH} bytes")
    return text


_MOST_PATH = 107
"""unix(7): 108 bytes with the NUL at the end."""
