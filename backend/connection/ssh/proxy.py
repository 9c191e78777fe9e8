"""The way through a SOCKS5 or HTTP proxy: reaching it, talking to it, and asking the person for its password."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace

from backend.connection import http_connect, socks
from backend.connection.connector import Phase
from backend.connection.interaction import SecretKind, SecretRequest
from backend.connection.proxying import NotThisProxy, PasswordWanted, ProxyRefusal, Talk
from backend.connection.ssh.banner import first_line
from backend.connection.ssh.carriers import StreamCarrier
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.surroundings import Bounded, Surroundings
from backend.connection.ssh.transport import Address, TcpFailed, dial, resolve, tcp_error
from backend.connection.ssh.words import reason
from backend.connection.target import Hop
from backend.connection.vault import Secret
from backend.connection.ways import Proxy, ProxyKind
from backend.dataclass import dataclass
from backend.errors import Code, ConnectError

MOST_ASKS = 3
"""Times a person is asked for the proxy's password in one connect."""


class _HungUp(Exception):
    """The proxy closed the connection in the middle of the conversation."""


class _Listener(asyncio.Protocol):
    """asyncio's side of a talk; done when the stream to the host begins."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self.talk.take_outgoing())

    def data_received(self, data: bytes) -> None:
        if self.outcome.done():
            self.talk.feed(data)  # it came before the pause took hold
            return
        try:
            self.talk.feed(data)
        except (PasswordWanted, ProxyRefusal, NotThisProxy) as error:
            self.outcome.set_exception(error)
            return
        self._transport.write(self.talk.take_outgoing())
        if self.talk.finished:
            self._transport.pause_reading()
            self.outcome.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(_HungUp(reason(error, "it closed the connection")))


@dataclass(frozen=True, slots=True)
class OpenStream:
    """A stream to the host that a proxy has opened."""

    transport: asyncio.Transport
    talk: Talk

    def carrier(self, identified: Callable[[str], None]) -> StreamCarrier:
        return StreamCarrier.behind_proxy(self.transport, self.talk.rest, identified)

    def abort(self) -> None:
        """Close it, when nobody wants it any more."""
        self.transport.abort()


class ProxyDoor:
    """Opens a stream to `hop` through `proxy`."""

    def __init__(
        self, proxy: Proxy, hop: Hop, around: Surroundings, *, progress: HopProgress, bounded: Bounded
    ) -> None:
        self._proxy = proxy
        self._hop = hop
        self._around = around
        self._progress = progress
        self._bounded = bounded
        self._asked = 0

    async def open(self) -> tuple[OpenStream, str]:
        """The stream, and the proxy's numeric address. Raises ConnectError with a PROXY_ code, or LimitReached."""
        while True:
            try:
                return await self._attempt()
            except PasswordWanted as wanted:
                await self._ask(refused=wanted.refused)

    async def _attempt(self) -> tuple[OpenStream, str]:
        limit = self._hop.timeouts.connect
        self._progress.enter(Phase.NAME, limit)
        addresses = await self._looked_up()
        self._progress.passed(Phase.NAME, {"proxy": ", ".join(item.text for item in addresses)})
        self._progress.enter(Phase.TCP, limit)
        place = replace(self._hop, address=self._proxy.host, port=self._proxy.port)
        try:
            sock, address = await self._bounded(dial(addresses))
        except TcpFailed as error:
            raise self.unreachable(tcp_error(place, error.failures).evidence["reason"]) from error
        return await self._bounded(self._talked(sock)), address.text

    async def _looked_up(self) -> tuple[Address, ...]:
        place = replace(self._hop, address=self._proxy.host, port=self._proxy.port)
        try:
            found: tuple[Address, ...] = await self._bounded(resolve(place))
        except ConnectError as error:
            raise self.unreachable(f"its name has no address ({error.evidence['reason']})") from error
        return found

    async def _talked(self, sock: socket.socket) -> OpenStream:
        try:
            return await self._talk_over(sock)
        except NotThisProxy as error:
            said = first_line(error.said) or "nothing readable"
            raise self._error(Code.PROXY_PROTOCOL, f"it said {said}") from error
        except ssl.SSLCertVerificationError as error:
            raise self._error(Code.PROXY_PROTOCOL, f"its certificate does not hold, {error.verify_message}") from error
        except ssl.SSLError as error:
            raise self._error(Code.PROXY_PROTOCOL, f"TLS failed, {reason(error)}") from error
        except ValueError as error:
            raise self._error(Code.PROXY_REFUSED, str(error)) from error
        except ProxyRefusal as error:
            raise self._error(Code.PROXY_REFUSED, str(error)) from error
        except (OSError, _HungUp) as error:
            raise self._error(Code.PROXY_REFUSED, reason(error)) from error

    async def _talk_over(self, sock: socket.socket) -> OpenStream:
        try:
            talk = self._new_talk()
            tls = self._proxy.kind is ProxyKind.HTTPS
            context = await asyncio.to_thread(ssl.create_default_context) if tls else None
            transport, listener = await asyncio.get_running_loop().create_connection(
                lambda: _Listener(talk), sock=sock, ssl=context, server_hostname=self._proxy.host if tls else None
            )
        except BaseException:
            sock.close()
            raise
        try:
            await listener.outcome
        except BaseException:
            transport.abort()
            raise
        return OpenStream(transport, talk)

    def _new_talk(self) -> Talk:
        speak = socks.connect if self._proxy.kind is ProxyKind.SOCKS5 else http_connect.connect
        kept = self._around.vault.get(self._around.target, self._purpose)
        return Talk(speak(self._hop.address, self._hop.port, self._proxy.user, kept.reveal() if kept else None))

    # --- the proxy's password ---

    @property
    def _purpose(self) -> tuple[str, str]:
        return ("proxy", str(self._proxy))

    async def _ask(self, *, refused: bool) -> None:
        """Put the person's password into the vault. Raises ConnectError PROXY_AUTH when there is none to be had."""
        if refused:
            self._around.vault.forget_one(self._around.target, self._purpose)
        if not self._proxy.user:
            raise self._error(Code.PROXY_AUTH, "it wants a user name and a password")
        secret = await self._answer() if self._asked < MOST_ASKS else None
        if secret is None:
            told = "it refused the password" if refused else "it wants a password, and nobody gave one"
            raise self._error(Code.PROXY_AUTH, f"{told} for {self._proxy.user}")
        self._around.vault.put(self._around.target, self._purpose, secret)
        secret.wipe()

    async def _answer(self) -> Secret | None:
        self._asked += 1
        request = SecretRequest(
            SecretKind.PASSWORD,
            f"the proxy {self._proxy.place}",
            self._proxy.user,
            attempt=self._asked,
            is_target=False,
        )
        with self._progress.person():
            if self._around.gate is not None:
                await self._around.gate.take()
            return await self._around.interaction.secret(request)

    # --- failures ---

    def unreachable(self, told: str) -> ConnectError:
        return self._error(Code.PROXY_UNREACHABLE, told)

    def _error(self, code: Code, told: str) -> ConnectError:
        evidence = {
            "proxy": str(self._proxy),
            "address": self._hop.address,
            "port": self._hop.port,
            "reason": told,
        }
        return ConnectError(code, evidence=evidence)
