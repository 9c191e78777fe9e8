"""What a host has told of itself, as plain numbers and cleaned words. Nothing is judged here."""

from __future__ import annotations

from dataclasses import field

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """One file system, by kilobytes or by inodes."""

    device: str
    mount: str
    total: int
    used: int
    available: int
    """What an ordinary user may still take."""

    @property
    def used_ratio(self) -> float:
        """As df(1) tells it: of what an ordinary user may use at all."""
        usable = self.used + max(0, self.available)
        return self.used / usable if usable else 0.0


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount, as the kernel has it."""

    device: str
    mount: str
    kind: str
    options: frozenset[str]


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU, as nvidia-smi tells it; None for what it does not."""

    index: int
    name: str
    used: float | None
    """MiB"""
    total: float | None
    load: float | None
    """Per cent."""
    celsius: float | None


@dataclass(slots=True)
class Told:
    """Everything, filled in line by line. None and empty mean that the host did not say."""

    system: str = ""
    clock: tuple[float, float] | None = None
    """The host's time in seconds since 1970, and its resolution."""
    load: tuple[float, float, float] | None = None
    cpus: int | None = None
    memory: dict[str, int] = field(default_factory=dict)
    """Bytes by the words of /proc/meminfo."""
    pressure: dict[str, float] = field(default_factory=dict)
    """Share of the last minute in which something waited for `cpu`, `io`, `memory`: 0 to 1."""
    uptime: float | None = None
    boot_id: str = ""
    mounts: list[Mount] = field(default_factory=list)
    fstab: dict[str, frozenset[str]] = field(default_factory=dict)
    """Options by mount point."""
    disks: list[Usage] = field(default_factory=list)
    inodes: list[Usage] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    """Parts that may hang and did not: `df`, `df-i`, `df /mnt/nfs`, `units`, `gpu`, `oom`, `tasks`."""
    killed: int = 0
    """Times that df(1) had to be stopped."""
    systemd: bool | None = None
    failed_units: list[str] = field(default_factory=list)
    units_told: bool = False
    sockets: dict[str, int] = field(default_factory=dict)
    """`used`, `tcp`, `time_wait`, `udp`."""
    conntrack: int | None = None
    conntrack_max: int | None = None
    open_files: tuple[int, int] | None = None
    """Handles in use, and how many there may be."""
    oom_kills: int | None = None
    """Since the host started."""
    oom_lines: list[str] = field(default_factory=list)
    tasks: tuple[int, int, int] | None = None
    """Processes, zombies among them, and those that wait for a disk."""
    reboot: bool | None = None
    reboot_for: list[str] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    certificates: list[bytes] = field(default_factory=list)
    """Lines of files of host certificates."""
    skipped_mounts: int = 0
    unread: int = 0
    """Lines of ours that could not be read."""
    cut: bool = False
    """Whether there was more than is looked at."""
    begun: bool = False
    """Whether it is an answer of our script at all."""
    ended: bool = False
    """Whether the script came to its end."""
    vm: dict[str, int] = field(default_factory=dict)
    """What BSD and macOS tell of memory: `pagesize`, `physmem`, `free`, `inactive`, `speculative` (pages)."""
