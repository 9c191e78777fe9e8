"""Three kinds of hosts behind one seam, each set up alike: simulated, simulated over real SSH, and OpenSSH's sshd.

A `Rig` is what a contract test needs of a host: who connects, where to, a directory to work in, and a way to cut the
link. What a test sees of it is the same for all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.clock import SystemClock
from backend.connection.connector import Connector, PhaseEvent
from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    SecretRequest,
)
from backend.connection.target import Hop, KnownHostsFiles, Target, Timeouts
from backend.connection.vault import Secret, Vault
from backend.files.model import NameTaken, TakenAnswer
from mocks.connector import SimulatedConnector
from mocks.host import HostKey, Question, SimulatedHost, User
from mocks.relay import Relay
from mocks.server import HostServer
from mocks.world import World

PASSWORD = "correct horse"
CODE = "246810"
TIERS = ("simulated", "served", "sshd")
_KEY = HostKey("the key of the contract tests")


@dataclass
class Person:
    """Answers from lists, and remembers what was asked."""

    secrets: list[str] = field(default_factory=list)
    answers: list[tuple[str, ...]] = field(default_factory=list)
    decision: HostKeyDecision = HostKeyDecision.REFUSE
    asked: list[SecretRequest] = field(default_factory=list)
    challenges: list[Challenge] = field(default_factory=list)
    questions: list[HostKeyQuestion] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)

    async def secret(self, request: SecretRequest) -> Secret | None:
        self.asked.append(request)
        return Secret(self.secrets.pop(0)) if self.secrets else None

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        self.challenges.append(challenge)
        return tuple(Secret(text) for text in self.answers.pop(0)) if self.answers else None

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        self.questions.append(question)
        return self.decision

    async def confirm(self, question: Confirmation) -> bool:
        return False

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        return None

    def announce(self, host: str, text: str) -> None:
        self.announced.append(text)


@dataclass
class Rig:
    """One host, ready to be connected to."""

    tier: str
    connector: Connector
    target: Target
    """Logs in with a key; the host key is known."""
    host_key: str
    """The host's public key line."""
    work: bytes
    """An empty directory on the host."""
    echo: tuple[str, int]
    """A port, seen from the host, that sends back what it gets."""
    cut: Callable[[], None]
    """Break the link as a pulled cable does."""
    forbidden: bytes
    """A file that may not be written."""
    directory: Path
    """Of this machine, for the test's own files."""
    phases: list[PhaseEvent] = field(default_factory=list)
    silence: Callable[[], None] | None = None
    """Let packets vanish; None where the tier cannot."""

    @property
    def hop(self) -> Hop:
        return self.target.host

    def as_target(self, **changes: object) -> Target:
        """The target with its hop changed."""
        return Target(self.target.name, (replace(self.hop, **changes),))  # type: ignore[arg-type]

    def with_known_hosts(self, text: str) -> Target:
        """The target with a known_hosts file of this content; `{name}` stands for the host's name in it."""
        name = self.hop.address if self.hop.port == 22 else f"[{self.hop.address}]:{self.hop.port}"
        path = self.directory / "known_hosts_of_test"
        path.write_text(text.replace("{name}", name))
        return self.as_target(known_hosts=KnownHostsFiles(user=(path,)))

    @property
    def known_hosts_of_test(self) -> Path:
        return self.directory / "known_hosts_of_test"


@asynccontextmanager
async def rig_of(tier: str, directory: Path) -> AsyncIterator[Rig]:
    """A rig of one of `TIERS`. Skips where the machine has no OpenSSH server."""
    makers = {"simulated": _simulated, "served": _served, "sshd": _sshd}
    async with makers[tier](directory) as rig:
        yield rig


def contract_host() -> SimulatedHost:
    """The simulated host of the contract tests."""
    questions = (Question("Password: ", PASSWORD), Question("Code: ", CODE, echo=True))
    users = (
        User("tester", 1000, password=PASSWORD, keys=(_KEY.public_line,), groups=(("sudo", 27),)),
        User("coded", 1001, challenge=(questions,)),
    )
    host = SimulatedHost("server", users=users)
    host.add_directories(b"/home/tester/work", host.actor("tester"))
    host.add_text("/etc/forbidden", "root's\n")
    return host


def write_key(directory: Path) -> Path:
    """The key that the rigs let in, as a file with its public half beside it."""
    path = directory / "contract_ed25519"
    path.touch(mode=0o600)
    path.write_bytes(_KEY.openssh)
    path.with_name(path.name + ".pub").write_text(_KEY.public_line + " contract\n")
    return path


@asynccontextmanager
async def _simulated(directory: Path) -> AsyncIterator[Rig]:
    host = contract_host()
    world, clock = World([host]), SystemClock()
    connector = SimulatedConnector(world, vault=Vault(), clock=clock)
    rig = _rig("simulated", connector, host, directory, "server", 22, host.cut_links)

    def silence() -> None:
        host.faults.drops = True

    rig.silence = silence
    yield rig


@asynccontextmanager
async def _served(directory: Path) -> AsyncIterator[Rig]:
    host = contract_host()
    async with HostServer(host) as server, Relay("127.0.0.1", server.port) as relay:
        rig = _rig("served", _real_connector(), host, directory, relay.host, relay.port, relay.cut)
        rig.silence = relay.black_hole
        yield rig
        relay.heal()


@asynccontextmanager
async def _sshd(directory: Path) -> AsyncIterator[Rig]:
    from tests.support.openssh import sshd

    key = write_key(directory)
    own_state = f"SetEnv XDG_STATE_HOME={directory}/their-state"
    lines = ("PasswordAuthentication yes", "AcceptEnv FAIRLEAD_*", "PrintMotd no", "PrintLastLog no", own_state)
    with sshd(directory / "sshd", *lines) as server:
        server.authorize(key)
        work = directory / "work"
        work.mkdir()
        echo = await asyncio.start_server(_echo, "127.0.0.1", 0)
        async with echo, Relay("127.0.0.1", server.port) as relay:
            public = server.host_keys[0].with_name(server.host_keys[0].name + ".pub").read_text()
            hop = hop_of(directory, key, public, relay.host, relay.port, server.user)
            yield Rig(
                tier="sshd",
                connector=_real_connector(),
                target=Target("server", (hop,)),
                host_key=" ".join(public.split()[:2]),
                work=bytes(work),
                echo=("127.0.0.1", int(echo.sockets[0].getsockname()[1])),
                cut=relay.cut,
                # Closed to writers by the kernel, even to root.
                forbidden=b"/proc/sys/kernel/osrelease",
                directory=directory,
                silence=relay.black_hole,
            )
            relay.heal()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def _real_connector() -> Connector:
    from backend.connection.ssh.connector import SshConnector

    return SshConnector(vault=Vault(), clock=SystemClock())


def _rig(
    tier: str,
    connector: Connector,
    host: SimulatedHost,
    directory: Path,
    address: str,
    port: int,
    cut: Callable[[], None],
) -> Rig:
    public = host.host_key.public_line
    hop = hop_of(directory, write_key(directory), public, address, port, "tester")
    return Rig(
        tier=tier,
        connector=connector,
        target=Target("server", (hop,)),
        host_key=public,
        work=b"/home/tester/work",
        echo=("127.0.0.1", 7),
        cut=cut,
        forbidden=b"/etc/forbidden",
        directory=directory,
    )


def hop_of(directory: Path, key: Path, public: str, address: str, port: int, user: str) -> Hop:
    known = directory / "known_hosts"
    name = address if port == 22 else f"[{address}]:{port}"
    known.write_text(f"{name} {' '.join(public.split()[:2])}\n")
    return Hop(
        "server",
        address,
        port,
        user,
        identity_files=(key,),
        identities_named=True,
        known_hosts=KnownHostsFiles(user=(known,)),
        timeouts=Timeouts(connect=5, first_byte=5, key_exchange=10, login=10, channel=10, close=2),
    )
