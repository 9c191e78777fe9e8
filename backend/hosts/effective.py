"""What is in force for one host, value by value, with the layer and the place it comes from. Pure.

From weak to strong: what ssh does by itself, ~/.ssh/config, `[defaults]`, the profile, the host's entry, the
environment, the flags.
"""

from __future__ import annotations

from collections.abc import Iterator

from backend.connection.target import Hop, Target
from backend.hosts.entries import Overrides
from backend.hosts.names import Spec
from backend.hosts.own import foreign_options
from backend.settings.layers import options_of
from backend.settings.model import HostSettings, Layer, Origin, Settings
from backend.settings.show import SettingRow, json_value, leaves

_FLAGS = {
    "user": ("user", "--user", ""),
    "port": ("port", "--port", ""),
    "jump": ("jump", "--jump", ""),
    "identity_files": ("identity_files", "--identity", ""),
    "known_hosts": ("known_hosts", "--known-hosts", "FAIRLEAD_KNOWN_HOSTS"),
    "host_key": ("host_key_policy", "--host-key", "FAIRLEAD_HOST_KEY"),
}
"""The override that stands for a key, its flag and its variable."""


def effective_rows(
    target: Target, settings: Settings, *, flags: Overrides, environment: Overrides
) -> tuple[SettingRow, ...]:
    """Every value in force for `target`, which was resolved with these layers."""
    host = settings.hosts.get(target.name)
    return tuple(
        SettingRow(key, value, _origin(key, target, settings, host, (flags, environment)))
        for key, value in {**_written(settings, host), **_resolved(target)}.items()
    )


def _written(settings: Settings, host: HostSettings | None) -> dict[str, object]:
    """What the layers of `config.toml` say together."""
    if host is None:
        return dict(leaves("", foreign_options(settings)))
    own = {key: value for key, value in leaves("", host) if "." not in key}
    return {**own, **dict(leaves("", options_of(host, settings))), **dict(leaves("extra", host.extra))}


def _resolved(target: Target) -> dict[str, object]:
    """What the connection will really use."""
    hop = target.host
    values: dict[str, object] = {
        "address": hop.address,
        "user": hop.user,
        "port": hop.port,
        "identity_files": hop.identity_files,
        "known_hosts": (*hop.known_hosts.user, *hop.known_hosts.system),
        **_limits(hop),
    }
    if target.jumps:
        values["jump"] = ",".join(str(Spec(one.address, one.user, one.port)) for one in target.jumps)
    values["production"] = target.production
    return {key: json_value(value) for key, value in values.items()}


def _origin(
    key: str, target: Target, settings: Settings, host: HostSettings | None, overrides: tuple[Overrides, Overrides]
) -> Origin:
    if key in _FLAGS:
        field, flag, variable = _FLAGS[key]
        if getattr(overrides[0], field):
            return Origin(Layer.FLAG, flag)
        if getattr(overrides[1], field):
            return Origin(Layer.ENVIRONMENT, variable)
    for table, layer in _tables(target.name, host):
        found = settings.origins.get(f"{table}.{key}")
        if found is not None:
            return Origin(layer, found.where)
    return Origin(Layer.DEFAULT) if _is_default(key, target.host) else Origin(Layer.SSH, target.host.source)


def _tables(name: str, host: HostSettings | None) -> Iterator[tuple[str, Layer]]:
    if host is not None:
        yield f"hosts.{name}", Layer.FILE
        if host.profile is not None:
            yield f"profiles.{host.profile}", Layer.PROFILE
    yield "defaults", Layer.FILE


def _is_default(key: str, hop: Hop) -> bool:
    """Whether the value is what this program does by itself."""
    if key == "identity_files":
        return not hop.identities_named
    plain = Hop(hop.name, hop.address, hop.port, hop.user)
    return key in _limits(plain) and _limits(plain)[key] == _limits(hop)[key]


def _limits(hop: Hop) -> dict[str, object]:
    return {
        **dict(leaves("keepalive", hop.keepalive)),
        **dict(leaves("timeouts", hop.timeouts)),
        "idle_close": hop.idle_close,
        "identities_only": hop.identities_only,
        "host_key": hop.host_key_policy,
        "production": False,
    }
