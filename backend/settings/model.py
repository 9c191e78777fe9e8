"""What `config.toml` may say, as frozen values with their defaults. Nothing is read or checked here.

The same classes are the file's schema (`backend.settings.check`): a field here is a key there. None means that the
file does not say, so that a weaker layer may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar

from backend.connection.target import HostKeyPolicy
from backend.dataclass import dataclass
from backend.settings.limits import Limits

Port = Annotated[int, Limits(ge=1, le=65535)]
Seconds = Annotated[float, Limits(gt=0, le=86_400)]
Word = Annotated[str, Limits(min_length=1)]


@dataclass(frozen=True, slots=True)
class KeepaliveOptions:
    """`keepalive`: how a silent link is tested."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    interval: Seconds | None = None
    """Seconds of silence before a question is sent."""
    late_after: Seconds | None = None
    """Seconds without an answer after which the link counts as degraded."""
    misses: Annotated[int, Limits(ge=1, le=100)] | None = None
    """Unanswered questions after which it counts as lost."""


@dataclass(frozen=True, slots=True)
class TimeoutOptions:
    """`timeouts`: limits in seconds; none of them runs while a person is asked."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    connect: Seconds | None = None
    first_byte: Seconds | None = None
    key_exchange: Seconds | None = None
    login: Seconds | None = None
    channel: Seconds | None = None
    close: Seconds | None = None


@dataclass(frozen=True, slots=True)
class AlgorithmOptions:
    """`algorithms`: lists as in ssh_config(5). `+NAME` allows one more, `-NAME` leaves one out, `^NAME` goes first;
    without a sign it is the whole list."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    kex: Word | None = None
    """As KexAlgorithms."""
    ciphers: Word | None = None
    """As Ciphers."""
    macs: Word | None = None
    """As MACs."""
    host_keys: Word | None = None
    """As HostKeyAlgorithms."""


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """`commands`: which commands may run. Each is a command with `*` and `?` in its words: `systemctl restart *`."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    allow: tuple[Word, ...] | None = None
    """Nothing but these; without it, all. The nearest list counts: the host's, its profile's, its group's, the
    defaults'."""
    deny: tuple[Word, ...] | None = None
    """Never these; the lists of all four count, and win over every `allow`."""


@dataclass(frozen=True, slots=True)
class HealthOptions:
    """`health`: how a host is looked after."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    watch: bool | None = None
    """Look into it although nobody is connected: the monitor then logs in by itself, with keys that ask nobody."""
    interval: Annotated[float, Limits(ge=10, le=86_400)] | None = None
    """Seconds between two looks."""
    thresholds: Mapping[Word, tuple[float, ...]] | None = None
    """By a reading's name, in which `*` stands for anything: `[warn, critical]`, `[warn]`, or `[]` for never."""
    reconnect: bool | None = None
    """Connect again by itself where a connection in use was ended and the login asks nobody."""
    restart: tuple[Word, ...] | None = None
    """systemd units that are restarted where they have failed, at most twice an hour each."""
    clear_temp: bool | None = None
    """Remove what Fairlead itself has left over where a disk is nearly full."""


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """`[groups.NAME]`: what holds for all hosts of a group."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    commands: CommandOptions | None = None


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How a host is reached: what a host, a profile and `[defaults]` may set alike."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    user: Word | None = None
    port: Port | None = None
    identity_files: tuple[Path, ...] | None = None
    """Key files in the order they are to be tried."""
    identities_only: bool | None = None
    """Offer only keys that are named here, not the agent's others."""
    agent: bool | None = None
    """`false` leaves the SSH agent out."""
    jump: Word | None = None
    """`user@host:port,…`, outermost first; `none` for no jump."""
    proxy: Word | None = None
    """`socks5://user@host:port`, `http://…`, `https://…`, or `environment` for ALL_PROXY; its password is asked for."""
    proxy_command: Word | None = None
    """A command that carries the bytes, as `ProxyCommand` of ssh_config(5)."""
    routes: tuple[Word, ...] | None = None
    """Routes in the order they are tried: direct, tailscale, jump, jump:HOST, proxy, proxy_command, cloudflare."""
    password: bool | None = None
    """`false` never offers a password."""
    host_key: HostKeyPolicy | None = None
    """`strict`, `ask` or `accept-new`."""
    known_hosts: Path | None = None
    """Look for host keys in this file, and in this one only."""
    algorithms: AlgorithmOptions | None = None
    """What else may be agreed on with a legacy device, or what may not."""
    keepalive: KeepaliveOptions | None = None
    timeouts: TimeoutOptions | None = None
    idle_close: Seconds | None = None
    """Seconds without use after which the host is disconnected; without it, never."""
    production: bool | None = None
    """Marked wherever the host is shown, and asks before it is changed."""
    env: Mapping[Word, str] | None = None
    """Variables for commands and shells, and for `$NAME` in paths. The host's process list shows them: no secrets."""
    directory: Word | None = None
    """Where commands, shells and the Files screen begin: absolute, below `~`, or below a root as `scratch:run`."""
    roots: Mapping[Word, Word] | None = None
    """Directories with a name: `scratch` makes `HOST:scratch:data` the path `data` below it."""
    modules: tuple[Word, ...] | None = None
    """Environment modules that commands run with: `["gcc/13", "openmpi"]`; `@NAME` for one of `[module_sets]`."""
    checks: Mapping[Word, Word] | None = None
    """Commands that judge a file before it is saved by `edit`, by patterns of names or paths: `"*.conf" = "nginx -t"`.
    `{}` stands for the file with the new content."""
    commands: CommandOptions | None = None
    """Which commands may run."""
    health: HealthOptions | None = None
    """How it is looked after."""


@dataclass(frozen=True, slots=True)
class HostSettings(HostOptions):
    """`[hosts.NAME]`: one host of one's own."""

    address: Word | None = None
    """A DNS name or an address; the entry's name where it is left out."""
    ssh_host: Word | None = None
    """The alias in ~/.ssh/config that says the rest."""
    tailscale: Word | None = None
    """Its address or MagicDNS name in a tailnet."""
    cloudflare: Word | None = None
    """Its host name in Cloudflare Access, reached by `cloudflared access ssh`."""
    profile: Word | None = None
    """The `[profiles.NAME]` that fills in what this entry leaves open."""
    group: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    """A line for people."""
    forwards: tuple[Word, ...] = ()
    """As ssh's options without the dash: `L 8080:db:5432`, `R 9000:localhost:22`, `D 1080`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What an imported inventory said beyond all this; shown by `hosts show`, read by nothing else."""


class Ascii(StrEnum):
    """Whether signs are drawn with plain ASCII."""

    AUTO = "auto"
    """Where the locale is not UTF-8."""
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class UiSettings:
    """`[ui]`: the workbench's looks."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    theme: Word = "dark"
    """`dark`, `light`, `ansi` (the terminal's own colours), or the name of a Textual theme."""
    ascii: Ascii = Ascii.AUTO


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """`[transfers]`."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    parallel: Annotated[int, Limits(ge=1, le=64)] = 16
    """Files at once, of one transfer."""
    at_once: Annotated[int, Limits(ge=1, le=64)] = 6
    """Transfers at once; further ones wait for their turn."""
    at_once_of_host: Annotated[int, Limits(ge=1, le=64)] = 2
    """The same, for one host."""


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """`[health]`: the monitor."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    live: bool = True
    """Whether the workbench looks into hosts that are connected anyway."""
    interval: Annotated[float, Limits(ge=10, le=86_400)] = 300.0
    """Seconds between two looks into a host, give or take a tenth."""
    at_once: Annotated[int, Limits(ge=1, le=64)] = 8
    """Hosts that are looked into at once."""
    watch: tuple[Word, ...] = ()
    """Hosts, by name or with `*`, that are looked into although nobody is connected."""
    thresholds: Mapping[Word, tuple[float, ...]] = field(default_factory=dict)
    """For all hosts, as a host's own."""


class Layer(StrEnum):
    """Where a value comes from. A profile's values fill in its hosts when they are resolved."""

    DEFAULT = "default"
    SSH = "ssh"
    """What the ssh configuration says, or ssh does by itself."""
    FILE = "file"
    PROFILE = "profile"
    ENVIRONMENT = "environment"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Origin:
    """Which layer set a value."""

    layer: Layer
    where: str = ""
    """`~/.config/fairlead/config.toml:12`, the variable, or the flag; empty for a default."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Everything that `config.toml` can hold."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}

    ui: UiSettings = UiSettings()
    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by action id, comma-separated, in place of the usual ones."""
    transfers: TransferSettings = TransferSettings()
    health: HealthSettings = HealthSettings()
    defaults: HostOptions = HostOptions()
    """Fills in what hosts of one's own leave open; policy and limits apply to all other hosts, too."""
    module_sets: Mapping[str, tuple[Word, ...]] = field(default_factory=dict)
    """Environment modules under a name: `fit = ["gcc/13", "openmpi"]` is `@fit` wherever modules are named."""
    profiles: Mapping[str, HostOptions] = field(default_factory=dict)
    groups: Mapping[str, GroupOptions] = field(default_factory=dict)
    hosts: Mapping[str, HostSettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings(FileSettings):
    """All layers put together."""

    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By dotted key, for every value that is not a default; tables (`hosts.web-1`) have an entry of their own."""

    def origin(self, key: str) -> Origin:
        """Where the value of a dotted key comes from."""
        return self.origins.get(key, Origin(Layer.DEFAULT))
