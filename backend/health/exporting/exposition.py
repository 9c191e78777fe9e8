"""Everything that Prometheus is told, as one text: the histories, a look at the hosts, the program itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from backend import __version__
from backend.health.deep.values import DeepCheck
from backend.health.exports import add_deep_metrics, add_trend_metrics, health_metrics
from backend.health.live import LiveLook
from backend.health.trends.values import Trend
from backend.health.values import SshHealth
from backend.metrics.registry import Registry
from backend.metrics.render import prometheus_text


def exposition(
    healths: Sequence[SshHealth],
    looks: Sequence[LiveLook],
    checks: Sequence[DeepCheck] = (),
    trends: Mapping[str, Sequence[Trend]] | None = None,
    *,
    program: Registry,
    now: datetime,
    trouble: bool,
) -> str:
    """The whole text. `trends` by host. `trouble`: the histories are not kept, so that they may be behind."""
    inside = Registry()
    add_deep_metrics(inside, checks)
    add_trend_metrics(inside, trends or {})
    parts = (_about(now, trouble=trouble), health_metrics(healths), _looks(looks), inside, program)
    return "".join(map(prometheus_text, parts))


def _about(now: datetime, *, trouble: bool) -> Registry:
    registry = Registry()
    registry.gauge("fairlead_build_info", "Always 1; the version is a label.", ("version",)).set(1, __version__)
    registry.gauge("fairlead_export_timestamp_seconds", "When this was written.").set(now.timestamp())
    registry.gauge("fairlead_history_kept", "0 while health histories cannot be written.").set(float(not trouble))
    return registry


def _looks(looks: Sequence[LiveLook]) -> Registry:
    """What the last look at each host found; a host that was not looked at has none of these."""
    registry = Registry()
    up = registry.gauge("fairlead_look_success", "1 if the last look at the host found it well.", ("host",))
    failed = registry.gauge("fairlead_look_failure", "1 with the code of what the last look met.", ("host", "code"))
    trip = registry.gauge("fairlead_look_round_trip_seconds", "Median round trip of the last look.", ("host",))
    connect = registry.gauge("fairlead_look_connect_seconds", "From the look-up to the login.", ("host",))
    phases = registry.gauge("fairlead_look_phase_seconds", "Each phase of connecting.", ("host", "phase"))
    for look in looks:
        up.set(float(look.error is None), look.host)
        if look.error is not None:
            failed.set(1, look.host, look.error.code.value)
        if look.round_trip is not None:
            trip.set(look.round_trip, look.host)
        if look.connect_seconds is not None:
            connect.set(look.connect_seconds, look.host)
        for name, seconds in look.phases:
            phases.set(seconds, look.host, name)
    return registry
