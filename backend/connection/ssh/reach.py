"""How the outermost hop is reached by its way: directly, through a proxy, by a program, over Tailscale or Cloudflare.

What comes out is always a carrier for asyncssh, and a way to explain a failure that the way itself has caused.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from backend.connection import tailscale
from backend.connection.connector import Phase
from backend.connection.interaction import has_person
from backend.connection.ssh.carriers import Carrier, ProgramCarrier, StreamCarrier
from backend.connection.ssh.command import CarryingProgram, ending
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.surroundings import Bounded, LimitReached, Surroundings
from backend.connection.ssh.transport import TcpFailed, dial, endpoint, resolve, resolver_down, tcp_error, tcp_timeout
from backend.connection.target import Family, Hop
from backend.connection.ways import Cloudflare, Direct, Proxy, ProxyCommand, Tailscale
from backend.errors import AuthError, Code, ConnectError, FairleadError, HostKeyError
from backend.patterns import pattern
from backend.text import clean_line

if TYPE_CHECKING:
    from backend.connection.ssh.proxy import ProxyDoor

BROWSER_LIMIT = 600.0
"""Seconds that a person has to log in with a browser, once a program has asked for it."""
HEAD_START = 0.3
"""Seconds that an address in a tailnet has to answer before the tailscale program is asked what is wrong."""
_LOGIN_PAGE = pattern(r"https://\S+/cdn-cgi/access/\S+")
"""Where cloudflared sends people: a page of Cloudflare Access for command lines."""


class Reach:
    """Reaches `hop` by its way, phase by phase: name, then TCP or what stands for it."""

    def __init__(
        self,
        hop: Hop,
        around: Surroundings,
        *,
        progress: HopProgress,
        bounded: Bounded,
        identified: Callable[[str], None],
    ) -> None:
        self._hop = hop
        self._around = around
        self._progress = progress
        self._bounded = bounded
        self._identified = identified
        self._door: ProxyDoor | None = None
        self._program: CarryingProgram | None = None
        self._command = ""
        self._login_page = ""
        self.address = endpoint(hop.address, hop.port)
        """Numeric where it was looked up here."""

    async def carrier(self) -> Carrier:
        """What carries the connection, the banner's phase begun. Raises ConnectError, or what `bounded` raises."""
        match self._hop.way:
            case Direct():
                return await self._direct(self._hop)
            case Proxy() as proxy:
                return await self._through(proxy)
            case ProxyCommand(command):
                shell = os.environ.get("SHELL") or "/bin/sh"
                return await self._by_program((shell, "-c", f"exec {command}"), command)
            case Tailscale(address):
                return await self._over_tailscale(address)
            case Cloudflare(hostname):
                return await self._over_cloudflare(hostname)

    # --- tcp and proxies -----------------------------------------------------------------------------------------

    async def _direct(self, hop: Hop) -> Carrier:
        self._progress.enter(Phase.NAME, hop.timeouts.connect)
        addresses = await self._bounded(resolve(hop))
        self._progress.passed(Phase.NAME, {"addresses": ", ".join(item.text for item in addresses)})
        self._progress.enter(Phase.TCP)
        try:
            sock, address = await self._bounded(dial(addresses, source=hop.source_address))
        except TcpFailed as error:
            raise tcp_error(hop, error.failures) from error
        self.address = address.text
        self._reached({"address": address.text, "family": address.family_name})
        return await StreamCarrier.over_socket(sock, self._identified)

    async def _through(self, proxy: Proxy) -> Carrier:
        from backend.connection.ssh.proxy import ProxyDoor

        self._door = ProxyDoor(proxy, self._hop, self._around, progress=self._progress, bounded=self._bounded)
        stream, address = await self._door.open()
        self._reached({"address": self.address, "proxy": str(proxy), "proxy_address": address})
        return stream.carrier(self._identified)

    def _reached(self, evidence: dict[str, str]) -> None:
        self._progress.passed(Phase.TCP, evidence)
        self._progress.enter(Phase.BANNER, self._hop.timeouts.first_byte)

    # --- programs ------------------------------------------------------------------------------------------------

    async def _by_program(self, command: Sequence[str], shown: str) -> Carrier:
        """`command` reaches the host by itself, so what it takes counts towards the server's first word."""
        hop, self._command = self._hop, clean_line(shown)
        self._progress.enter(Phase.NAME)
        self._progress.passed(Phase.NAME, {"looked_up_by": "the program"})
        self._progress.enter(Phase.TCP)
        try:
            self._program, sock = await CarryingProgram.start(
                command, name=f"{hop.name}, proxy command", heard=self._heard
            )
        except OSError as error:
            raise self._program_error(Code.PROXY_COMMAND_MISSING, error.strerror or str(error)) from error
        self._progress.passed(Phase.TCP, {"program": self._command})
        self._progress.enter(Phase.BANNER, hop.timeouts.connect + hop.timeouts.first_byte)
        return await ProgramCarrier.over_program(self._program, sock, self._identified)

    async def _over_cloudflare(self, hostname: str) -> Carrier:
        program = await asyncio.to_thread(shutil.which, "cloudflared")
        if program is None:
            raise ConnectError(Code.CLOUDFLARED_MISSING, evidence={"address": hostname}, host=self._hop.name)
        return await self._by_program(
            (program, "access", "ssh", "--hostname", hostname), f"cloudflared access ssh --hostname {hostname}"
        )

    def _heard(self, line: str) -> None:
        """A line of the program's stderr: cloudflared may send the person to a browser, and wait."""
        page = _LOGIN_PAGE.search(line)
        if page is None or self._progress.phase is not Phase.BANNER:
            return
        self._login_page = page[0]
        if not has_person(self._around.interaction):
            if self._program is not None:
                self._program.hang_up()
            return
        self._progress.limit(BROWSER_LIMIT)
        told = "Cloudflare Access wants a login. Open this page in a browser; the connection goes on by itself:"
        self._around.interaction.announce(self._hop.name, f"{told}\n{page[0]}")

    # --- Tailscale -----------------------------------------------------------------------------------------------

    async def _over_tailscale(self, address: str) -> Carrier:
        """TCP to the address; not waited for where Tailscale is at fault, or has to carry it itself."""
        place = _at(self._hop, address)
        direct = asyncio.ensure_future(self._direct(place))
        try:
            status = await self._slow(direct, address)
            if direct.done() and not direct.cancelled() and direct.exception() is None:
                return direct.result()
            problem = tailscale.problem(status, address) if status is not None else None
            if problem is not None and (problem.code is not Code.TAILSCALE_PEER_OFFLINE or _failed(direct)):
                raise problem
            if problem is None and status is not None and not status.kernel:
                await _drop(direct)
                return await self._by_tailscale(address)
            return await self._explained_by(direct, status, address)
        finally:
            await _drop(direct)

    async def _slow(self, direct: asyncio.Future[Carrier], address: str) -> tailscale.Status | None:
        """What the program says, once the address has failed or is slow; None where it answered or nobody can say."""
        await asyncio.wait({direct}, timeout=HEAD_START)
        if direct.done() and not _failed(direct):
            return None
        program = await asyncio.to_thread(tailscale.find_program)
        if program is None:
            return None
        asking = asyncio.ensure_future(tailscale.ask(program, address))
        try:
            waited: set[asyncio.Future[Any]] = {asking} if direct.done() else {asking, direct}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if direct.done() and not _failed(direct):
                return None
            return await asking
        finally:
            await _drop(asking)

    async def _by_tailscale(self, address: str) -> Carrier:
        program = await asyncio.to_thread(tailscale.find_program)
        assert program is not None
        port = str(self._hop.port)
        return await self._by_program((program, "nc", address, port), f"tailscale nc {address} {port}")

    async def _explained_by(
        self, direct: asyncio.Future[Carrier], status: tailscale.Status | None, address: str
    ) -> Carrier:
        """TCP's own end, told with what is known of Tailscale."""
        try:
            return await direct
        except LimitReached:
            error = tcp_timeout(_at(self._hop, address), self._hop.timeouts.connect)
        except ConnectError as failure:
            error = failure
        if status is None:
            told = {**error.evidence, "address": address, "reason": error.message}
            raise ConnectError(Code.TAILSCALE_MISSING, evidence=told) from error
        if problem := tailscale.problem(status, address):
            raise problem from error
        peer = f"{status.peer.name} is online" if status.peer else "it does not know this machine"
        raise ConnectError(error.code, evidence={**error.evidence, "tailscale": f"running; {peer}"}) from error

    # --- failures ------------------------------------------------------------------------------------------------

    def timed_out(self, phase: Phase) -> ConnectError:
        """Name or TCP took too long."""
        limit = self._hop.timeouts.connect
        if self._door is not None:
            return self._door.unreachable(f"no answer within {limit:g} s")
        if phase is Phase.NAME:
            told = f"the resolver did not answer within {limit:g} s"
            return resolver_down(self._hop, told)
        return tcp_timeout(self._hop, limit)

    def overdue(self, error: FairleadError) -> FairleadError:
        """`error`, which says that a limit was reached, with what the program that still runs has said."""
        if self._login_page:
            told = f"nobody has logged in at {self._login_page}"
            return self._program_error(Code.CLOUDFLARE_LOGIN, told)
        if self._program is not None:
            seen = {"command": self._command, "said": self._program.said or "nothing"}
            error.evidence = MappingProxyType({**error.evidence, **seen})
        return error

    async def explained(self, error: FairleadError) -> FairleadError:
        """`error`, or what the program that carries the connection has to do with it."""
        program = self._program
        if program is None or isinstance(error, (AuthError, HostKeyError)) or error.code is Code.KEX_NO_MATCH:
            return error
        status = await program.last_words()
        if status is None or self._login_page:
            return self.overdue(error)
        if isinstance(self._hop.way, Cloudflare):
            return self._program_error(Code.CLOUDFLARE_FAILED, ending(status), error.evidence)
        code = Code.PROXY_COMMAND_MISSING if status in {126, 127} else Code.PROXY_COMMAND_FAILED
        return self._program_error(code, ending(status), error.evidence)

    def _program_error(self, code: Code, reason: str, seen: Mapping[str, str] | None = None) -> ConnectError:
        evidence: dict[str, object] = {"command": self._command, "reason": reason}
        evidence["said"] = (self._program.said if self._program is not None else "") or "nothing"
        if seen and "banner" in seen:
            evidence["wrote"] = seen["banner"]
        if isinstance(self._hop.way, Cloudflare):
            evidence["address"] = self._hop.way.hostname
            evidence["service_token"] = "set" if os.environ.get("TUNNEL_SERVICE_TOKEN_ID") else "not set"
        return ConnectError(code, evidence=evidence, host=self._hop.name)


def _at(hop: Hop, address: str) -> Hop:
    """`hop` at its address in the tailnet, which has an interface of its own."""
    return replace(hop, address=address, family=Family.ANY, source_address="")


def _failed(work: asyncio.Future[Any]) -> bool:
    return work.done() and (work.cancelled() or work.exception() is not None)


async def _drop(work: asyncio.Future[Any]) -> None:
    """End what is not needed any more; a carrier that it made after all is let go of."""
    if work.done():
        _failed(work)
        return
    work.cancel()
    await asyncio.wait({work})
    if not _failed(work) and isinstance(carrier := work.result(), Carrier):
        carrier.discard()
