"""Listening on a TCP port of this machine: on all addresses that a name means, with one port."""

from __future__ import annotations

import asyncio
import errno
import socket

from backend.errors import Code, FairleadError
from backend.forwards.holders import holder_of
from backend.forwards.spec import Port

BACKLOG = 128
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


async def bound(place: Port) -> list[socket.socket]:
    """Sockets that listen on all addresses that `place` means, with one port. Raises FairleadError LOCAL_PORT, with who
    holds the port where that can be seen.

    An address family that this machine does not have is left out; a port that is taken on one of the addresses is
    taken, as programs that ask for `localhost` would come out at either.
    """
    sockets: list[socket.socket] = []
    try:
        await _bind_all(place, sockets)
    except OSError as error:
        for one in sockets:
            one.close()
        raise await _not_listening(place, error) from error
    return sockets


async def _bind_all(place: Port, sockets: list[socket.socket]) -> None:
    port, absent = place.port, None
    for family, address in await _addresses(place):
        try:
            sockets.append(_bind(family, address, port))
        except OSError as error:
            if error.errno not in _NO_SUCH_ADDRESS:
                raise
            absent = error
        else:
            port = sockets[0].getsockname()[1]
    if not sockets:
        raise absent or OSError(errno.EADDRNOTAVAIL, "no such address")


async def _addresses(place: Port) -> list[tuple[int, str]]:
    if place.host is None:
        return [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    if not place.host:
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]  # noqa: S104 - asked for, and told aloud
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found))


def _bind(family: int, address: str, port: int) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen(BACKLOG)  # the kernel tells only now of a port that somebody else has
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one


async def _not_listening(place: Port, error: OSError) -> FairleadError:
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        holder = await asyncio.to_thread(holder_of, place.port)
        reason = f"{holder} listens there" if holder else "another program listens there"
    elif error.errno == errno.EACCES:
        reason = "ports below 1024 are for root only"
    where = f"port {place.port}" if place.host is None else f"{place.host or '*'} port {place.port}"
    return FairleadError(Code.LOCAL_PORT, evidence={"place": where[0].upper() + where[1:], "reason": reason})


def place_of(one: socket.socket) -> Port:
    """Where it listens."""
    host, port = one.getsockname()[:2]
    return Port(host, port)
