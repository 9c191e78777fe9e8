"""From a name to a connected socket: lookup, and TCP to the first address that answers.

asyncssh connects by itself too, but tells a refused port, a black hole and a name without an address apart only by
luck. Here each has its own code. `carriers` takes it from there.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from backend.connection.target import Family, Hop
from backend.dataclass import dataclass
from backend.errors import Code, ConnectError
from backend.hosts.names import is_address
from backend.text import clean_line

STAGGER = 0.25
"""Seconds between the starts of attempts on a host's addresses (RFC 8305 §5)."""


@dataclass(frozen=True, slots=True)
class Address:
    """One numeric address of a host."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def text(self) -> str:
        """`10.0.4.7:22` or `[2001:db8::1]:22`."""
        return endpoint(str(self.sockaddr[0]), int(self.sockaddr[1]))

    @property
    def kind(self) -> Family:
        return Family.IPV6 if self.family == socket.AF_INET6 else Family.IPV4

    @property
    def family_name(self) -> str:
        return "IPv6" if self.kind is Family.IPV6 else "IPv4"


def endpoint(host: str, port: int) -> str:
    """Host and port for people, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# --- name --------------------------------------------------------------------------------------------------------


async def resolve(hop: Hop) -> tuple[Address, ...]:
    """The addresses of `hop`, families taking turns (RFC 8305 §4). Raises ConnectError NAME_NOT_FOUND, or
    RESOLVER_DOWN where nobody could be asked."""
    try:
        found = await _looked_up(hop.address, hop.port)
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno in _NOBODY_ASKED:
            raise resolver_down(hop, clean_line(error.strerror or str(error))) from error
        raise _no_name(hop, getattr(error, "strerror", None) or str(error)) from error
    unique = dict.fromkeys(address for address in found if hop.family in (Family.ANY, address.kind))
    if found and not unique:
        told = f"{clean_line(hop.address)} has no address of the family {hop.family}, which AddressFamily asks for."
        raise ConnectError(Code.NAME_NOT_FOUND, told, evidence={"address": hop.address, "reason": told})
    if not unique:
        raise _no_name(hop, "no addresses")
    return interleave(tuple(unique))


_NOBODY_ASKED = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM})
"""getaddrinfo(3): no resolver answered, or it could not. That there is no such name is another answer."""


def resolver_down(hop: Hop, reason: str) -> ConnectError:
    return ConnectError(Code.RESOLVER_DOWN, evidence={"address": hop.address, "reason": reason})


async def _looked_up(host: str, port: int) -> list[Address]:
    """What getaddrinfo(3) says, in a daemon thread: a resolver may take a minute and cannot be stopped, and the loop's
    own executor would be waited for at exit. An address needs no resolver."""
    if is_address(host):
        return _addresses(host, port, socket.AI_NUMERICHOST)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address]] = loop.create_future()

    def look() -> None:
        found: list[Address] | Exception
        try:
            found = _addresses(host, port)
        except Exception as error:  # told to whoever waits
            found = error
        with suppress(RuntimeError):  # the loop is closed by now
            loop.call_soon_threadsafe(_settle, answer, found)

    threading.Thread(target=look, name=f"looks up {host}", daemon=True).start()
    return await answer


def _addresses(host: str, port: int, flags: int = 0) -> list[Address]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [Address(family, tuple(sockaddr)) for family, _, _, _, sockaddr in infos]


def _settle(answer: asyncio.Future[list[Address]], found: list[Address] | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def _no_name(hop: Hop, reason: str) -> ConnectError:
    return ConnectError(Code.NAME_NOT_FOUND, evidence={"address": hop.address, "reason": reason})


def interleave(addresses: Sequence[Address]) -> tuple[Address, ...]:
    """The same addresses, families taking turns, the first one's family first."""
    if not addresses:
        return ()
    first = [address for address in addresses if address.family == addresses[0].family]
    rest = [address for address in addresses if address.family != addresses[0].family]
    mixed: list[Address] = []
    while first or rest:
        mixed += [line.pop(0) for line in (first, rest) if line]
    return tuple(mixed)


# --- tcp ---------------------------------------------------------------------------------------------------------


class TcpFailed(Exception):
    """No address took the connection; which failed how."""

    def __init__(self, failures: dict[Address, OSError | None]) -> None:
        super().__init__("no address answered")
        self.failures = failures


class SourceUnusable(OSError):
    """The address to send from is none of this machine's, or of another family than the host's."""


async def dial(
    addresses: Sequence[Address], stagger: float = STAGGER, *, source: str = ""
) -> tuple[socket.socket, Address]:
    """A connected socket to the first address that takes the connection; attempts start `stagger` seconds apart, or at
    once when one has failed (RFC 8305 §5), from `source` where it is given. Raises TcpFailed. Cancelling closes all
    sockets.
    """
    waiting = list(addresses)
    attempts: dict[asyncio.Task[socket.socket], Address] = {}
    failures: dict[Address, OSError | None] = {}
    try:
        while waiting or attempts:
            if waiting:
                address = waiting.pop(0)
                attempts[asyncio.create_task(_open(address, source))] = address
            done, _ = await asyncio.wait(
                attempts, timeout=stagger if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            if winner := _winner(done, attempts, failures):
                return winner
        raise TcpFailed(failures)
    finally:
        await _drop(attempts)


def _winner(
    done: set[asyncio.Task[socket.socket]],
    attempts: dict[asyncio.Task[socket.socket], Address],
    failures: dict[Address, OSError | None],
) -> tuple[socket.socket, Address] | None:
    for task in done:
        error = task.exception()
        if error is None:
            return task.result(), attempts.pop(task)
        if not isinstance(error, OSError):
            raise error
        failures[attempts.pop(task)] = error
    return None


async def _open(address: Address, source: str) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if source:
            await _bind(sock, source)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


async def _bind(sock: socket.socket, source: str) -> None:
    """Send from `source`. Raises OSError, as where this machine has no such address."""
    try:
        own = [address for address in await _looked_up(source, 0) if address.family == sock.family]
        if not own:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        sock.bind(own[0].sockaddr)
    except OSError as error:
        told = f"cannot be sent from {clean_line(source)} (BindAddress): {_words(error)}"
        raise SourceUnusable(errno.EADDRNOTAVAIL, told) from error


async def _drop(attempts: dict[asyncio.Task[socket.socket], Address]) -> None:
    for task in attempts:
        task.cancel()
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()


def tcp_error(hop: Hop, failures: dict[Address, OSError | None]) -> ConnectError:
    """What the failed attempts mean: refused before unreachable before silent, as each tells more than the next."""
    evidence: dict[str, object] = {"address": hop.address, "port": hop.port}
    evidence["reason"] = _told(hop, failures)
    errors = [error for error in failures.values() if error is not None]
    if any(isinstance(error, (ConnectionRefusedError, ConnectionResetError)) for error in errors):
        return ConnectError(Code.TCP_REFUSED, evidence=evidence)
    if any(isinstance(error, TimeoutError) for error in errors):
        return tcp_timeout(hop, hop.timeouts.connect)
    return ConnectError(Code.TCP_UNREACHABLE, evidence=evidence)


def _told(hop: Hop, failures: dict[Address, OSError | None]) -> str:
    """What became of each address; of a single one that was given as a number, the words are enough."""
    told = {address.text: _words(error) if error else "" for address, error in failures.items()}
    if list(told) == [endpoint(hop.address, hop.port)]:
        return next(iter(told.values()))
    return "; ".join(f"{where}: {why}" for where, why in told.items())


def _words(error: OSError) -> str:
    """The system's words; asyncio's own repeat the address."""
    if isinstance(error, SourceUnusable):
        return str(error.strerror)
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def tcp_timeout(hop: Hop, seconds: float) -> ConnectError:
    return ConnectError(
        Code.TCP_TIMEOUT, evidence={"address": hop.address, "port": hop.port, "seconds": f"{seconds:g}"}
    )
