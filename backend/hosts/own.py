"""Own entries: what `config.toml` and the flags lay over a hop. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from backend.connection.target import Algorithms, Hop, HostKeyPolicy, KnownHostsFiles, Workplace
from backend.hosts.entries import HostEntry, HostSource, Overrides
from backend.settings.layers import filled_in, options_of
from backend.settings.model import AlgorithmOptions, CommandOptions, HealthOptions, HostOptions, Settings

T = TypeVar("T")

_POLICY_AND_LIMITS = ("host_key", "keepalive", "timeouts", "idle_close")


def entry_of(name: str, settings: Settings) -> HostEntry:
    """The line of the host list for an own entry."""
    host, options = settings.hosts[name], own_options(name, settings)
    return HostEntry(
        name,
        HostSource.OWN,
        where=settings.origin(f"hosts.{name}").where,
        address=host.address or host.ssh_host or host.tailscale or host.cloudflare or "",
        user=options.user or "",
        port=options.port,
        group=host.group,
        tags=host.tags,
        production=bool(options.production),
        note=host.note,
    )


def own_options(name: str, settings: Settings) -> HostOptions:
    """The options of an own entry: its own, then its profile's, then the defaults."""
    return options_of(settings.hosts[name], settings)


def foreign_options(settings: Settings) -> HostOptions:
    """What the defaults say about a host that is not an own entry: policy and limits only; who and where it is stays
    with the ssh configuration."""
    return HostOptions(**{name: getattr(settings.defaults, name) for name in _POLICY_AND_LIMITS})


def command_tables(name: str, settings: Settings) -> list[tuple[str, CommandOptions]]:
    """What holds for commands on a host, nearest first: its entry's, its profile's, its group's, the defaults'."""
    entry = settings.hosts.get(name)
    found: list[tuple[str, CommandOptions | None]] = []
    if entry is not None:
        found.append((f"[hosts.{name}]", entry.commands))
        if entry.profile is not None and entry.profile in settings.profiles:
            found.append((f"[profiles.{entry.profile}]", settings.profiles[entry.profile].commands))
        if entry.group in settings.groups:
            found.append((f"[groups.{entry.group}]", settings.groups[entry.group].commands))
    found.append(("[defaults]", settings.defaults.commands))
    return [(where, options) for where, options in found if options is not None]


def health_of(name: str, settings: Settings) -> HealthOptions:
    """How a host is to be looked after: its entry, its profile, the defaults; for limits `[health]` as well."""
    entry = settings.hosts.get(name)
    options = settings.defaults if entry is None else options_of(entry, settings)
    weakest = HealthOptions(interval=settings.health.interval, thresholds=settings.health.thresholds)
    return weakest if options.health is None else filled_in(options.health, weakest)


def workplace_of(options: HostOptions) -> Workplace:
    """What the options set up for work on the host itself."""
    return Workplace(
        options.directory, options.env or {}, options.roots or {}, options.checks or {}, options.modules or ()
    )


def laid_over(hop: Hop, options: HostOptions, home: Path) -> Hop:
    """`hop` with what an own entry says beyond address, user, port and jump hosts, which went into the question."""
    if options.identity_files is not None:
        hop = with_keys(hop, options.identity_files, home)
    if options.identities_only is not None:
        hop = replace(hop, identities_only=options.identities_only)
    if options.agent is False:
        hop = replace(hop, agent_socket=None)
    if options.password is False:
        hop = replace(hop, auth_methods=tuple(method for method in hop.auth_methods if method != "password"))
    hop = replace(
        hop, keepalive=_with(hop.keepalive, options.keepalive), timeouts=_with(hop.timeouts, options.timeouts)
    )
    if options.algorithms is not None:
        hop = replace(hop, algorithms=agreed_on(hop.algorithms, options.algorithms))
    if options.idle_close is not None:
        hop = replace(hop, idle_close=options.idle_close)
    return checked_by(hop, options.host_key, options.known_hosts, home)


def agreed_on(configured: Algorithms, own: AlgorithmOptions) -> Algorithms:
    """The lists of ssh's configuration with an own entry's laid over: `+NAME` is added to a list that is there, and
    anything else takes its place."""
    return Algorithms(
        kex=_added(configured.kex, own.kex),
        ciphers=_added(configured.ciphers, own.ciphers),
        macs=_added(configured.macs, own.macs),
        host_keys=_added(configured.host_keys, own.host_keys),
    )


def _added(configured: str | None, own: str | None) -> str | None:
    if own is None or configured is None:
        return configured if own is None else own
    return f"{configured},{own[1:]}" if own.startswith("+") and configured[:1] not in "-^" else own


def overridden(hop: Hop, overrides: Overrides, home: Path, *, is_target: bool) -> Hop:
    """`hop` with the flags: how keys are checked holds for every hop, the key files for the target alone."""
    if is_target and overrides.identity_files:
        hop = with_keys(hop, overrides.identity_files, home)
    return checked_by(hop, overrides.host_key_policy, overrides.known_hosts, home)


def with_keys(hop: Hop, keys: tuple[Path, ...], home: Path) -> Hop:
    """`hop` with these key files before those that were named elsewhere; OpenSSH's usual ones are left out, as with
    `ssh -i`."""
    named = hop.identity_files if hop.identities_named else ()
    files = tuple(dict.fromkeys((*(_at_home(key, home) for key in keys), *named)))
    return replace(hop, identity_files=files, identities_named=True)


def checked_by(hop: Hop, policy: HostKeyPolicy | None, known_hosts: Path | None, home: Path) -> Hop:
    """`hop` with its host key looked up in `known_hosts` alone, and with `policy`, where they are given."""
    if known_hosts is not None:
        files = KnownHostsFiles((_at_home(known_hosts, home),), hash_names=hop.known_hosts.hash_names)
        hop = replace(hop, known_hosts=files)
    return replace(hop, host_key_policy=policy) if policy is not None else hop


def _with(values: T, options: Any) -> T:
    """`values` (Keepalive or Timeouts) with what the options set."""
    if options is None:
        return values
    given = {item.name: getattr(options, item.name) for item in dataclasses.fields(options)}
    return replace(values, **{name: value for name, value in given.items() if value is not None})  # type: ignore[type-var]


def _at_home(path: Path, home: Path) -> Path:
    """`path` with a leading `~` replaced."""
    return home.joinpath(*path.parts[1:]) if path.parts and path.parts[0] == "~" else path
