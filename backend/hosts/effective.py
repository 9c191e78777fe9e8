"""What is in force for one host, value by value, with the layer and the place it comes from. Pure.

From weak to strong: what ssh does by itself, ~/.ssh/config, `[defaults]`, the profile, the host's entry, the
environment, the flags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backend.connection.target import Hop, Target
from backend.dataclass import dataclass
from backend.hosts.entries import Overrides
from backend.hosts.names import Spec, read_spec
from backend.hosts.own import foreign_options
from backend.settings.layers import options_of
from backend.settings.model import HostSettings, Layer, Origin, Settings
from backend.settings.show import SettingRow, json_value, leaves

_KEYWORDS = {
    "address": "hostname",
    "user": "user",
    "port": "port",
    "jump": "proxyjump",
    "identity_files": "identityfile",
    "known_hosts": "userknownhostsfile",
    "identities_only": "identitiesonly",
    "host_key": "stricthostkeychecking",
    "keepalive.interval": "serveraliveinterval",
    "keepalive.misses": "serveralivecountmax",
    "timeouts.connect": "connecttimeout",
}
"""The keyword of ssh_config(5) that stands for a key."""
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
    target: Target, settings: Settings, *, flags: Overrides, environment: Overrides, ssh: Mapping[str, str]
) -> tuple[SettingRow, ...]:
    """Every value in force for `target`, which was resolved with these layers; `ssh` says where the ssh configuration
    has its values (`OptionSource.places`)."""
    spec = Spec(target.name) if target.name in settings.hosts else read_spec(target.name)
    host = settings.hosts.get(spec.host)
    layers = _Layers(target, spec, settings, host, flags, environment, ssh)
    values = {**_written(settings, host), **_resolved(target)}
    return tuple(SettingRow(key, value, layers.origin(key)) for key, value in values.items())


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


@dataclass(frozen=True, slots=True)
class _Layers:
    """What may say something about a value."""

    target: Target
    spec: Spec
    """The host as it was asked for."""
    settings: Settings
    host: HostSettings | None
    flags: Overrides
    environment: Overrides
    ssh: Mapping[str, str]

    def origin(self, key: str) -> Origin:
        """The strongest that says something about `key`."""
        return self._asked_for(key) or self._own(key) or self._of_ssh(key) or Origin(Layer.DEFAULT)

    def _asked_for(self, key: str) -> Origin | None:
        if key not in _FLAGS:
            return None
        field, flag, variable = _FLAGS[key]
        if getattr(self.flags, field):
            return Origin(Layer.FLAG, flag)
        if getattr(self.environment, field):
            return Origin(Layer.ENVIRONMENT, variable)
        typed = key in {"user", "port"} and getattr(self.spec, key)
        return Origin(Layer.FLAG, self.target.name) if typed else None

    def _own(self, key: str) -> Origin | None:
        for table, layer in _tables(self.spec.host, self.host):
            if (found := self.settings.origins.get(f"{table}.{key}")) is not None:
                return Origin(layer, found.where)
        return None

    def _of_ssh(self, key: str) -> Origin | None:
        where = self.ssh.get(_KEYWORDS.get(key, ""))
        return None if where is None or _is_usual(key, self.target.host) else Origin(Layer.SSH, where)


def _tables(name: str, host: HostSettings | None) -> Iterator[tuple[str, Layer]]:
    if host is not None:
        yield f"hosts.{name}", Layer.FILE
        if host.profile is not None:
            yield f"profiles.{host.profile}", Layer.PROFILE
    yield "defaults", Layer.FILE


def _is_usual(key: str, hop: Hop) -> bool:
    """Whether the limit is what this program does by itself, whatever ssh was told."""
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
