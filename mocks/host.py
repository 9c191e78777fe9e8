"""A simulated host: who may log in, its files, what runs on it, how it is reached and what goes wrong.

Configuration and state only. `mocks.shell` runs commands on it, `mocks.connector` reaches it directly, `mocks.server`
serves it over real SSH.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from backend.clock import Clock, SystemClock
from backend.dataclass import dataclass
from backend.errors import FileError
from mocks.content import Content
from mocks.nodes import Device, Directory, File, Link, Node
from mocks.programs import Program, echo
from mocks.tree import ROOT, Actor, Tree

if TYPE_CHECKING:
    from mocks.jobs import Running


class Breakable(Protocol):
    """A live connection to a host."""

    def cut(self) -> None:
        """End it as a pulled cable does."""
        ...


@dataclass(frozen=True, slots=True)
class HostKey:
    """An Ed25519 key made from a seed, the same every time."""

    seed: str

    @property
    def algorithm(self) -> str:
        return "ssh-ed25519"

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.seed.encode()).digest())

    @property
    def openssh(self) -> bytes:
        """The private key in OpenSSH's file format."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

    @property
    def public_line(self) -> str:
        """As it stands in known_hosts and authorized_keys: algorithm and base64."""
        return self.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt of a keyboard-interactive login (RFC 4256) and its right answer."""

    text: str
    answer: str
    echo: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    name: str
    uid: int = 1000
    password: str | None = None
    keys: tuple[str, ...] = ()
    """Public key lines that may log in; a comment after the key is allowed."""
    challenge: tuple[tuple[Question, ...], ...] = ()
    """Rounds of a keyboard-interactive login."""
    groups: tuple[tuple[str, int], ...] = ()
    """Further groups, beside one of the user's own name."""
    home: str = ""
    shell: str = "/bin/bash"

    @property
    def home_path(self) -> bytes:
        return (self.home or ("/root" if self.uid == 0 else f"/home/{self.name}")).encode()

    @property
    def actor(self) -> Actor:
        return Actor(self.uid, frozenset({self.uid, *(gid for _, gid in self.groups)}), gid=self.uid)

    @property
    def methods(self) -> tuple[str, ...]:
        """Ways to log in, in the order in which OpenSSH's server lists them."""
        ways = (
            ("publickey", bool(self.keys)),
            ("password", self.password is not None),
            ("keyboard-interactive", bool(self.challenge)),
        )
        return tuple(name for name, possible in ways if possible)


@dataclass(frozen=True, slots=True)
class Network:
    """The way to a host."""

    round_trip: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Seconds added at most to a round trip."""
    rate: float | None = None
    """Bytes a second each way; None for no limit."""
    loss: float = 0.0
    """Share of its packets that the host's socket counts as sent again."""


@dataclass(slots=True)
class Faults:
    """What goes wrong, until it is changed. All of it may be switched while links are up."""

    no_name: bool = False
    refuses: bool = False
    drops: bool = False
    """Packets vanish: connecting runs into its time limit, live links fall silent."""
    silent: bool = False
    """Accepts TCP and says nothing."""
    not_ssh: bytes = b""
    """What answers in place of an SSH server."""
    closes: bool = False
    """Closes before its identification."""
    kex_mismatch: str = ""
    """The only key exchange that the server offers; none that anybody else has."""
    slow_login: float = 0.0
    """Seconds the server takes over each step of a login."""
    max_auth_tries: int = 6
    refuse_sessions: str = ""
    """Why a shell or command is refused."""
    max_sessions: int = 10
    no_sftp: bool = False
    clock_ahead: float = 0.0
    """Seconds by which its clock is wrong."""
    slow_login_files: float = 0.0
    """Seconds that the login files take."""
    slow_lookup: float = 0.0
    """Seconds that the host takes to look up the name of an address."""
    noisy_login: bytes = b""
    """What the login files print, for programs too."""
    no_forwarding: bool = False
    df_hangs: bool = False
    """As where a network file system is gone."""
    never_active: set[str] = field(default_factory=set)
    """Units that fail again as soon as they are started."""
    cut_after: list[int] = field(default_factory=list)
    """Bytes, over all links, after which every link to the host is cut; then the next number counts, if any."""

    def spend(self, size: int) -> bool:
        """Take `size` bytes from the first number of `cut_after`; whether it is used up by that."""
        if not self.cut_after:
            return False
        self.cut_after[0] -= size
        if self.cut_after[0] >= 0:
            return False
        self.cut_after.pop(0)
        return True


@dataclass(slots=True)
class Process:
    """A line of ps."""

    pid: int
    user: str
    command: str
    cpu: float = 0.0
    memory: float = 0.0
    rss: int = 10_000
    """kB"""
    parent: int = 1
    started: timedelta = timedelta(days=3)
    """How long ago."""


@dataclass(frozen=True, slots=True)
class Service:
    """A systemd unit."""

    name: str
    description: str
    active: str = "active"
    sub: str = "running"
    pid: int = 0
    log: tuple[str, ...] = ()
    """Lines that its journal repeats."""
    every: timedelta = timedelta(seconds=7)
    """How often it writes one."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A line of nvidia-smi."""

    name: str
    memory: int
    """MiB"""
    used: int
    load: int
    """Per cent."""
    temperature: int
    command: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A line of squeue."""

    id: int
    partition: str
    name: str
    user: str
    state: str
    running: timedelta
    nodes: int
    where: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """What makes a host a login node of Slurm and Lmod."""

    partitions: tuple[tuple[str, str, str, int, str], ...]
    """Name, time limit, state, number of nodes, node list."""
    jobs: tuple[Job, ...]
    modules: tuple[str, ...]
    submitted: list[Job] = field(default_factory=list)
    """By sbatch, since the host began."""
    cancelled: set[int] = field(default_factory=set)

    @property
    def all_jobs(self) -> tuple[Job, ...]:
        """In the order in which they were submitted."""
        return (*self.jobs, *self.submitted)


@dataclass(frozen=True, slots=True)
class Volume:
    """A file system beside the one at `/`, of which only its size matters."""

    mount: str
    device: str
    total: int
    """Bytes, as `used`."""
    used: int
    kind: str = "ext4"
    options: str = "rw,relatime"


@dataclass(frozen=True, slots=True)
class Machine:
    """What commands like uname, free and uptime tell."""

    system: str = "Ubuntu 24.04.2 LTS"
    kernel: str = "6.8.0-55-generic"
    cores: int = 4
    memory: int = 8 << 30
    memory_used: int = 3 << 30
    load: tuple[float, float, float] = (0.12, 0.18, 0.15)
    up: timedelta = timedelta(days=41, hours=3, minutes=12)
    banner: str = "SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5"
    disk_rate: float = 420e6
    """Bytes a second that its disk writes."""
    gpus: tuple[Gpu, ...] = ()
    cluster: Cluster | None = None
    volumes: tuple[Volume, ...] = ()
    swap: int = 0
    """Bytes, as `swap_used`."""
    swap_used: int = 0
    pressure: tuple[float, float, float] = (0.6, 0.2, 0.0)
    """Per cent of the last minute in which something waited for a CPU, a disk, memory."""
    oom_kills: int = 0
    reboot_for: tuple[str, ...] = ()
    """Packages that ask for a restart."""


class SimulatedHost:
    """One machine of the simulated world."""

    def __init__(
        self,
        name: str,
        *,
        address: str = "127.0.0.1",
        port: int = 22,
        users: Iterable[User] = (),
        machine: Machine | None = None,
        network: Network | None = None,
        services: Iterable[Service] = (),
        host_key: HostKey | None = None,
        banner: str = "",
        motd: str = "",
        clock: Clock | None = None,
        seed: int = 0,
    ) -> None:
        """`banner` is shown before the login (RFC 4252 §5.4), `motd` at the start of a login shell."""
        self.name = name
        self.address = address
        self.port = port
        self.users = {user.name: user for user in users}
        self.machine = machine or Machine()
        self.network = network or Network()
        self.services = tuple(services)
        self.host_key = host_key or HostKey(f"{name}:{seed}")
        self.banner = banner
        self.motd = motd
        self.clock = clock or SystemClock()
        self.random = random.Random(f"{name}:{seed}")
        self.faults = Faults()
        self.started = self.clock.now()
        self.wires: set[Breakable] = set()
        """Connections that are up."""
        self.programs: dict[int, Program] = {7: echo}
        """What listens on its ports, beside the SSH server."""
        self.sockets: dict[str, Program] = {}
        """What listens on Unix-domain sockets, by path."""
        self.private = False
        """Reached only through another host."""
        self.firewalled = False
        """Refuses whoever does not come through another host or over the tailnet."""
        self.sudo_asks = False
        """Whether sudo asks those who may use it for their password."""
        self.boots = 0
        """How often it was started anew since the world began."""
        self.restarted: list[str] = []
        """Units, each time that one was restarted."""
        self.live_logs: set[Node] = set()
        """Files to which something is always being written."""
        self.environment: dict[str, str] = {"LANG": "C.UTF-8"}
        self.processes: dict[int, Process] = {}
        self.jobs: dict[str, Running] = {}
        """Detached jobs that are under way, by their IDs."""
        self._next_pid = 4200
        self.tree = Tree(now=self.time, host=name)
        self._make_base()

    def time(self) -> float:
        """Seconds since 1970."""
        return self.now().timestamp()

    def now(self) -> datetime:
        """What its own clock shows."""
        return self.clock.now() + timedelta(seconds=self.faults.clock_ahead)

    @property
    def booted(self) -> datetime:
        return self.started - self.machine.up

    def new_pid(self) -> int:
        self._next_pid += 1
        return self._next_pid

    def actor(self, user: str) -> Actor:
        """In whose name `user` acts; an unknown user is nobody."""
        known = self.users.get(user)
        return known.actor if known else Actor(65534, frozenset({65534}), gid=65534)

    def user_name(self, uid: int) -> str:
        """The account's name, or its number."""
        names = {0: "root", 33: "www-data", 65534: "nobody"} | {user.uid: user.name for user in self.users.values()}
        return names.get(uid, str(uid))

    def group_name(self, gid: int) -> str:
        groups = {number: name for user in self.users.values() for name, number in user.groups}
        return groups.get(gid) or self.user_name(gid)

    def group_id(self, name: str) -> int | None:
        """The number of a group; every account has one of its own name."""
        groups = {"root": 0, "www-data": 33, **{user.name: user.uid for user in self.users.values()}}
        groups |= {group: number for user in self.users.values() for group, number in user.groups}
        return groups.get(name)

    # --- filling it ------------------------------------------------------------------------------------------

    def add(self, path: str, node: Node, *, owner: str = "root", age: timedelta = timedelta(days=3)) -> Node:
        """Put `node` at `path`, with the directories before it, as if `owner` had done so `age` ago."""
        raw = path.encode()
        actor = self.actor(owner) if owner != "root" else ROOT
        self.add_directories(raw.rpartition(b"/")[0] or b"/", actor, age)
        place = self.tree.find(raw, follow=False)
        node.uid, node.gid = actor.uid, actor.uid
        node.modified = self.time() - age.total_seconds()
        place.parent.entries[place.name] = node
        return node

    def add_text(
        self,
        path: str,
        text: str | bytes,
        *,
        owner: str = "root",
        mode: int = 0o644,
        age: timedelta = timedelta(days=3),
    ) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.add(path, File(mode, content=Content(data)), owner=owner, age=age)

    def add_link(self, path: str, points_to: str, *, owner: str = "root", age: timedelta = timedelta(days=3)) -> None:
        self.add(path, Link(0o777, target=points_to.encode()), owner=owner, age=age)

    def add_directories(self, path: bytes, actor: Actor = ROOT, age: timedelta = timedelta(days=3)) -> None:
        """`mkdir -p`."""
        parts = [part for part in path.split(b"/") if part]
        for depth in range(len(parts)):
            place = self.tree.find(b"/" + b"/".join(parts[: depth + 1]))
            if place.node is None:
                stamp = self.time() - age.total_seconds()
                place.parent.entries[place.name] = Directory(0o755, actor.uid, actor.uid, stamp)

    def _make_base(self) -> None:
        for path in (b"/bin", b"/etc", b"/home", b"/opt", b"/srv", b"/tmp", b"/usr/bin", b"/var/log", b"/var/tmp"):
            self.add_directories(path, age=timedelta(days=200))
        for path in (b"/tmp", b"/var/tmp"):
            self.tree.set_attributes(path, mode=0o1777)
        self.add("/dev/null", Device(0o666))
        self.add("/dev/zero", Device(0o666, fill=lambda _offset, size: bytes(size)))
        self.add_text("/etc/hostname", f"{self.name}\n", age=timedelta(days=200))
        pretty = self.machine.system
        self.add_text("/etc/os-release", f'PRETTY_NAME="{pretty}"\nID={pretty.split()[0].lower()}\n')
        for user in self.users.values():
            self._make_home(user)

    def _make_home(self, user: User) -> None:
        self.add_directories(user.home_path, user.actor, timedelta(days=120))
        home = user.home_path.decode()
        if user.uid == 0:
            self.tree.set_attributes(user.home_path, mode=0o700)
        self.add_text(f"{home}/.bashrc", "# ~/.bashrc\nalias ll='ls -l'\n", owner=user.name, age=timedelta(days=120))
        self.add_text(f"{home}/.profile", "# ~/.profile\n", owner=user.name, age=timedelta(days=120))

    # --- troubling it ----------------------------------------------------------------------------------------

    def cut_links(self) -> None:
        """End every live link as a pulled cable does, noticed at once."""
        for wire in tuple(self.wires):
            wire.cut()

    def fill_disk(self, free: int = 0) -> None:
        """Leave `free` bytes on the disk."""
        self.tree.fill_to(free)

    def home_of(self, user: str) -> bytes:
        """The home directory; `/` where it is missing."""
        known = self.users.get(user)
        try:
            return self.tree.find(known.home_path).path if known else b"/"
        except FileError:
            return b"/"
