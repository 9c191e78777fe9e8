"""One hop's way to a simulated host, phase by phase: name, TCP, banner, key exchange, host key, login.

The client's half of the login is the real one (`backend.connection.ssh.login`), asked here by a simulated server; so
people are asked the same things in the same order, and failures have the same codes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

import asyncssh

from backend.clock import Clock
from backend.connection.connector import Gate, Observer, Phase
from backend.connection.interaction import Interaction
from backend.connection.ssh.errors import hop_not_reached, no_match
from backend.connection.ssh.keys import DeferredKey, KeyNotOpened
from backend.connection.ssh.login import Login
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.words import at_hop
from backend.connection.target import Hop
from backend.connection.vault import Vault
from backend.connection.ways import Tailscale
from backend.dataclass import dataclass
from backend.errors import Code, ConnectError, FairleadError
from backend.text import clean_line, clean_text
from mocks.host import SimulatedHost, User
from mocks.trust import check, key_of
from mocks.ways import check_way
from mocks.wire import Wire
from mocks.world import World

KEX: Final = "mlkem768x25519-sha256"
CIPHER: Final = "aes128-gcm@openssh.com"
MAC: Final = "implicit"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a hop is connected with."""

    world: World
    target: str
    vault: Vault
    clock: Clock
    interaction: Interaction
    observer: Observer | None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A hop that is reached."""

    hop: Hop
    host: SimulatedHost
    user: User
    wire: Wire
    method: str
    detail: str
    login_repeats: bool


class Handshake:
    """Connects `hop`, directly or through `through`."""

    def __init__(self, hop: Hop, through: LoggedIn | None, around: Surroundings, *, is_target: bool) -> None:
        self._hop = hop
        self._through = through
        self._is_target = is_target
        self._around = around
        self._clock = around.clock
        self._progress = HopProgress(hop, around.clock, around.observer)
        self._wire: Wire | None = None

    async def run(self) -> LoggedIn:
        """Raises a located ConnectError, HostKeyError or AuthError; leaves no wire behind when it fails."""
        try:
            host = await self._reach()
            await self._greet(host)
            await self._exchange_keys(host)
            return await self._log_in(host)
        except FairleadError as error:
            told = at_hop(error, self._hop, self._around.target)
            self._progress.failed(told)
            self._drop()
            if self._around.gate is not None:
                self._around.gate.release()
            raise told from error.__cause__
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.end()

    # --- name and tcp ----------------------------------------------------------------------------------------

    async def _reach(self) -> SimulatedHost:
        hop, progress = self._hop, self._progress
        progress.enter(Phase.NAME)
        if self._through is None:
            check_way(hop, self._around.world)
        host = self._around.world.find(hop.address)
        if self._through is not None:
            progress.passed(Phase.NAME, {"looked_up_by": self._through.hop.name})
        elif host is None or host.faults.no_name:
            evidence = {"address": hop.address, "reason": "Name or service not known"}
            raise ConnectError(Code.NAME_NOT_FOUND, evidence=evidence)
        else:
            progress.passed(Phase.NAME, {"addresses": f"{host.address}:{hop.port}"})
        progress.enter(Phase.TCP)
        host = await self._dial(host)
        self._wire = Wire(host, self._clock, self._through.wire if self._through else None)
        await self._pause(1)
        evidence = {"address": f"{host.address}:{hop.port}"}
        progress.passed(
            Phase.TCP, evidence | ({"through": self._through.hop.name} if self._through else {"family": "IPv4"})
        )
        return host

    async def _dial(self, host: SimulatedHost | None) -> SimulatedHost:
        """The host, if it takes the connection."""
        if self._through is not None:
            return await self._dial_through(self._through, host)
        assert host is not None
        if host.faults.drops or host.private:
            await self._clock.sleep(self._hop.timeouts.connect)
            raise self._tcp_error(Code.TCP_TIMEOUT, seconds=f"{self._hop.timeouts.connect:g}")
        closed = host.firewalled and not isinstance(self._hop.way, Tailscale)
        if host.faults.refuses or host.port != self._hop.port or closed:
            await self._clock.sleep(host.network.round_trip)
            raise self._tcp_error(Code.TCP_REFUSED)
        return host

    async def _dial_through(self, through: LoggedIn, host: SimulatedHost | None) -> SimulatedHost:
        await through.wire.trip()
        if through.host.faults.no_forwarding:
            evidence = {"address": self._hop.address, "port": self._hop.port}
            raise ConnectError(Code.FORWARD_PROHIBITED, evidence=evidence, hop=through.hop.name)
        if host is None or host.faults.no_name:
            raise hop_not_reached(through.hop, self._hop, "Name or service not known")
        if host.faults.drops:
            await self._clock.sleep(self._hop.timeouts.connect)
            raise hop_not_reached(through.hop, self._hop, f"no answer within {self._hop.timeouts.connect:g} s")
        if host.faults.refuses or host.port != self._hop.port:
            raise hop_not_reached(through.hop, self._hop, "Connection refused")
        return host

    def _tcp_error(self, code: Code, **more: str) -> ConnectError:
        return ConnectError(code, evidence={"address": self._hop.address, "port": self._hop.port, **more})

    # --- banner, key exchange, host key ----------------------------------------------------------------------

    async def _greet(self, host: SimulatedHost) -> None:
        self._progress.enter(Phase.BANNER)
        limit, faults = self._hop.timeouts.first_byte, host.faults
        if faults.silent or faults.drops:
            await self._clock.sleep(limit)
            raise self._tcp_error(Code.BANNER_SILENT, seconds=f"{limit:g}")
        await self._pause(0.5)
        if faults.closes:
            raise self._tcp_error(Code.BANNER_CLOSED)
        if faults.not_ssh:
            first = faults.not_ssh.splitlines()[0].decode("utf-8", "replace")
            raise self._tcp_error(Code.BANNER_NOT_SSH, banner=clean_line(first))
        self._progress.passed(Phase.BANNER, {"banner": host.machine.banner.removeprefix("SSH-2.0-")})

    async def _exchange_keys(self, host: SimulatedHost) -> None:
        self._progress.enter(Phase.KEX)
        await self._pause(2)
        if host.faults.kex_mismatch:
            raise no_match(self._hop, "key exchange", host.faults.kex_mismatch, f"{KEX},curve25519-sha256")
        self._progress.passed(Phase.KEX, {"kex": KEX, "cipher": CIPHER, "mac": MAC})
        self._progress.enter(Phase.HOST_KEY)
        key = key_of(host)
        where = await check(self._hop, key, self._around.interaction, self._progress, self._around.gate)
        evidence = {"algorithm": key.algorithm, "fingerprint": key.fingerprint, "known": where}
        self._progress.passed(Phase.HOST_KEY, evidence)

    async def _pause(self, trips: float) -> None:
        assert self._wire is not None
        await self._wire.wait(self._wire.round_trip * trips)

    # --- login -----------------------------------------------------------------------------------------------

    async def _log_in(self, host: SimulatedHost) -> LoggedIn:
        self._progress.enter(Phase.AUTH)
        if self._around.gate is not None:
            with self._progress.person():
                await self._around.gate.take()
        if host.banner:
            self._around.interaction.announce(self._hop.name, clean_text(host.banner))
        login = Login(
            self._hop,
            target=self._around.target,
            vault=self._around.vault,
            interaction=self._around.interaction,
            person=self._progress.person,
            is_target=self._is_target,
            admit=self._around.gate.admit if self._around.gate is not None else None,
        )
        try:
            user = await _Server(host, self._hop, login, self._pause, self._clock).admit()
            login.succeeded()
        finally:
            login.close()
        evidence = {"method": login.method, "key": login.detail, **login.evidence}
        self._progress.passed(Phase.AUTH, {name: value for name, value in evidence.items() if value})
        assert self._wire is not None
        if self._around.gate is not None and not self._is_target:
            self._around.gate.release()
        return LoggedIn(self._hop, host, user, self._wire, login.method, login.detail, login.repeats)


class _Server:
    """The server's half of a login."""

    def __init__(
        self, host: SimulatedHost, hop: Hop, login: Login, pause: Callable[[float], Awaitable[None]], clock: Clock
    ) -> None:
        self._host = host
        self._hop = hop
        self._login = login
        self._pause = pause
        self._clock = clock
        # As OpenSSH does: an account that does not exist looks like one with a password that nobody knows.
        self._user = host.users.get(hop.user) or User(hop.user, 65534, password="")
        self._known = hop.user in host.users
        self._failures = 0
        self._looked_up = False

    async def admit(self) -> User:
        """The account that was logged in to. Raises AuthError."""
        methods = self._user.methods
        await self._step()
        if self._known and not methods:
            return self._user
        self._login.answered(methods)
        tries = {
            "publickey": self._try_key,
            "keyboard-interactive": self._try_challenge,
            "password": self._try_password,
        }
        for method in self._hop.auth_methods:
            if method in methods and method in tries:
                while (admitted := await tries[method]()) is not None:
                    if admitted:
                        return self._user
                    self._refuse(methods)
        raise self._login.failure()

    def _refuse(self, methods: tuple[str, ...]) -> None:
        self._login.answered(methods)
        self._failures += 1
        if self._failures >= self._host.faults.max_auth_tries:
            self._too_many()

    def _too_many(self) -> NoReturn:
        raise self._login.too_many("Too many authentication failures")

    async def _step(self) -> None:
        """One answer of the server, within the limit for it."""
        slow, limit = self._host.faults.slow_login, self._hop.timeouts.login
        slow += 0.0 if self._looked_up else self._host.faults.slow_lookup
        self._looked_up = True
        await self._clock.sleep(min(slow, limit) if slow else 0)
        if slow > limit:
            raise self._login.timed_out()
        await self._pause(1)

    async def _try_key(self) -> bool | None:
        pairs = await self._login.next_key()
        if not pairs:
            return None
        accepted = {line.split()[1] for line in self._user.keys if " " in line}
        for pair in pairs:
            await self._step()
            if b64encode(pair.public_data).decode() in accepted:
                return await _signs(pair)
        return False

    async def _try_password(self) -> bool | None:
        given = await self._login.password()
        if given is None:
            return None
        await self._step()
        return self._known and given == self._user.password

    async def _try_challenge(self) -> bool | None:
        if not await self._login.may_challenge():
            return None
        right = True
        for questions in self._user.challenge:
            prompts = [(question.text, question.echo) for question in questions]
            answers = await self._login.challenge("", "", prompts)
            if answers is None:
                return None
            await self._step()
            right = right and list(answers) == [question.answer for question in questions]
        return right


async def _signs(pair: asyncssh.SSHKeyPair) -> bool:
    """Whether the private half can be opened; asks for its passphrase."""
    try:
        if isinstance(pair, DeferredKey):
            await pair.sign_async(b"the session")
    except KeyNotOpened:
        return False
    return True
