"""What is measured to find out why a host is slow: frozen values, without a verdict. Times in seconds, rates in bytes a
second; None is what could not be measured, and `missing` says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from enum import StrEnum
from typing import Any

from backend.dataclass import dataclass


class Step(StrEnum):
    """What is measured, in this order."""

    LOGIN = "login"
    ROUND_TRIP = "round_trip"
    COMMANDS = "commands"
    LOGIN_FILES = "login_files"
    LOOKUP = "lookup"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    STREAMS = "streams"
    """Both ways once more, through commands."""
    DISK = "disk"
    CIPHER = "cipher"


class StepStatus(StrEnum):
    """How a step goes."""

    RUNNING = "running"
    DONE = "done"
    MISSING = "missing"
    """It could not be measured; the text says why."""
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class Progress:
    """A step has begun, moved on or ended."""

    step: Step
    status: StepStatus
    text: str = ""
    """What was found, or how far it is, on one line."""


class Way(StrEnum):
    """Where bulk data goes, as a person sees it."""

    DOWN = "down"
    UP = "up"


class Lane(StrEnum):
    """What carries a measured transfer."""

    SFTP = "sftp"
    EXEC = "exec"
    """A command's standard input or output."""


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """One phase of one hop's handshake."""

    hop: str
    phase: str
    """As `backend.connection.connector.Phase` has it."""
    seconds: float
    """Without the time that a person took."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Bytes that were sent for their speed alone; nothing of it touched the host's disk."""

    way: Way
    lane: Lane
    bytes: int
    seconds: float
    rate: float
    """Over the steady part of it."""
    evenness: float = 1.0
    """The slower half's rate against the faster one's: 1 for a steady flow."""
    window: int | None = None
    """Bytes that may be under way in the channel before the receiver must ask for more (RFC 4254 §5.2)."""
    cpu_here: float | None = None
    """Share of the time in which this program's loop ran, or waited for a processor."""


@dataclass(frozen=True, slots=True)
class Socket:
    """The server's own TCP socket of our connection, as `ss -ti` tells it (tcp_info of tcp(7))."""

    rtt: float | None = None
    """Smoothed."""
    rttvar: float | None = None
    min_rtt: float | None = None
    retransmitted: int | None = None
    """Segments, since the connection began, without those that had arrived after all (D-SACK, RFC 2883)."""
    segments_out: int | None = None
    segments_in: int | None = None
    """With data."""
    out_of_order: int | None = None
    """Segments that arrived after a gap."""
    lost: int | None = None
    congestion_window: int | None = None
    """Segments."""
    mss: int | None = None
    """Bytes of one segment."""
    path_mtu: int | None = None
    delivery_rate: float | None = None
    busy: float | None = None
    receiver_limited: float | None = None
    """Share of the busy time in which the receiver's window held it back."""
    sender_limited: float | None = None
    """Share of the busy time in which its own send buffer did."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The server at one moment: our socket, the process that serves us, the machine."""

    up: float | None = None
    """Seconds since it was started."""
    connection: str = ""
    """Addresses and ports of the connection, as the server sees them (`SSH_CONNECTION`)."""
    socket: Socket | None = None
    server_ran: float | None = None
    """Processor seconds of the server's process of our connection."""
    server_waited: float | None = None
    """Seconds for which it could have run and got no processor."""
    busy: float | None = None
    """Processor seconds of the machine, over all of its processors, since it was started."""
    idle: float | None = None
    """Waiting for disks included."""
    stolen: float | None = None
    """Seconds that the hypervisor gave to others."""
    cores: int | None = None
    load: float | None = None
    """Of the last minute."""
    pressure: Mapping[str, float] = field(default_factory=dict)
    """Per cent of the last ten seconds in which something waited: `cpu`, `io`, `memory` (PSI)."""


@dataclass(frozen=True, slots=True)
class Load:
    """What the host did while bytes went one way: the difference of two snapshots."""

    server_running: float | None = None
    """Share of the time in which the server's process ran; 1 is all of it."""
    server_waiting: float | None = None
    """Share of the time in which it waited for a processor."""
    idle: float | None = None
    """Share of all processors' time."""
    stolen: float | None = None
    retransmitted: int | None = None
    segments_out: int | None = None
    out_of_order: int | None = None
    segments_in: int | None = None
    own_retransmitted: int | None = None
    """By this machine."""
    own_segments_out: int | None = None
    rtt: float | None = None
    """The server's smoothed round trip in the middle of it."""


@dataclass(frozen=True, slots=True)
class LoginFiles:
    """What the account's shell does before it runs anything, by the host's own clock (10 ms)."""

    shell: str
    command: float | None = None
    """From the start of the process to the first line of a command: `.bashrc`, `.zshenv`, sshrc."""
    interactive: float | None = None
    """A login shell at a terminal reads more: profile and all."""
    bare: float | None = None
    """The same shell told to read nothing."""


@dataclass(frozen=True, slots=True)
class DiskSpeed:
    """A private file in the home directory, written with fsync and removed."""

    bytes: int
    write: float
    read: float | None = None
    """Past the page cache; None where the system cannot read so."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """All that was measured over one connection of its own."""

    host: str
    route: str = "direct"
    cipher: str = ""
    server: str = ""
    compression: bool = False
    phases: tuple[PhaseTime, ...] = ()
    first_command: float | None = None
    """The first command of the connection: what PAM, motd and login files do once is in it."""
    pings: tuple[float, ...] = ()
    channel_open: float | None = None
    """Median."""
    commands: tuple[float, ...] = ()
    """`true`, again and again."""
    login_files: LoginFiles | None = None
    lookup: float | None = None
    """The host looking up the name of our address, as it may at a login."""
    transfers: tuple[Transfer, ...] = ()
    loads: Mapping[Way, Load] = field(default_factory=dict)
    before: Snapshot = Snapshot()
    """The host before any bulk data."""
    disk: DiskSpeed | None = None
    cipher_speed: float | None = None
    """What one processor of this machine encrypts with the connection's cipher."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """By step: why it was not measured."""

    @property
    def round_trip(self) -> float | None:
        """The middle ping."""
        return middle(self.pings)

    @property
    def command(self) -> float | None:
        """The middle command."""
        return middle(self.commands)

    @property
    def login(self) -> float | None:
        """All phases of all hops."""
        return sum(one.seconds for one in self.phases) if self.phases else None

    @property
    def client_address(self) -> str:
        """Our address as the host sees it; empty where it does not say."""
        return next(iter(self.before.connection.split()), "")

    @property
    def last_hop(self) -> str:
        """The host's own name among the hops."""
        return self.phases[-1].hop if self.phases else self.host

    def best(self, way: Way) -> Transfer | None:
        """The fastest transfer in that direction."""
        return max((one for one in self.transfers if one.way is way), key=lambda one: one.rate, default=None)

    def to_json(self) -> dict[str, Any]:
        """`measurements` of the documented output."""
        told: dict[str, Any] = rounded(asdict(self))
        told["loads"] = {way.value: rounded(asdict(load)) for way, load in self.loads.items()}
        told["round_trip"], told["command"], told["login"] = map(rounded, (self.round_trip, self.command, self.login))
        return told


def middle(values: tuple[float, ...]) -> float | None:
    """The median; None of nothing."""
    if not values:
        return None
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


def rounded(value: Any) -> Any:
    """Numbers with as many digits as were measured, through lists and tables."""
    if isinstance(value, float):
        return round(value, 6) if abs(value) < 1000 else round(value)
    if isinstance(value, dict):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
