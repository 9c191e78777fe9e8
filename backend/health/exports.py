"""Health histories and live checks as metrics for Prometheus. The totals come from the history, so they only grow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from backend.health.deep.values import DeepCheck, Level
from backend.health.trends.values import Trend
from backend.health.values import SshHealth
from backend.metrics.registry import Registry

_HOST = ("host",)
_NEVER = datetime.max.replace(tzinfo=UTC)


_LEVELS = {Level.OK: 0.0, Level.UNKNOWN: 1.0, Level.WARN: 2.0, Level.CRITICAL: 3.0}


def add_deep_metrics(registry: Registry, checks: Iterable[DeepCheck]) -> None:
    """What deep checks have read, added to `registry`. What could not be read is not there; its level is."""
    reading = registry.gauge("fairlead_health_reading", "What a deep check has read.", (*_HOST, "reading", "unit"))
    level = registry.gauge("fairlead_health_reading_level", "0 ok, 1 unknown, 2 warn, 3 critical.", (*_HOST, "reading"))
    whole = registry.gauge("fairlead_health_level", "The worst of a host's readings, by the same numbers.", _HOST)
    at = registry.gauge("fairlead_health_checked_timestamp_seconds", "When it was looked into.", _HOST)
    seconds = registry.gauge("fairlead_health_check_seconds", "How long the look took.", _HOST)
    for check in checks:
        whole.set(_LEVELS[check.level], check.host)
        at.set(check.at.timestamp(), check.host)
        seconds.set(check.seconds, check.host)
        for one in check.readings:
            if one.value is not None:
                reading.set(one.value, check.host, one.name, one.unit)
            if not (one.is_optional and one.level is Level.UNKNOWN):
                level.set(_LEVELS[one.level], check.host, one.name)


def add_trend_metrics(registry: Registry, trends: Mapping[str, Sequence[Trend]]) -> None:
    """What the past of hosts leads to, by host, added to `registry`. Of two dates of the same kind the nearer one
    counts; a change without a date has a level only."""
    labels = (*_HOST, "reading", "kind")
    level = registry.gauge("fairlead_trend_level", "What a trend comes to: 0 ok, 2 warn, 3 critical.", labels)
    eta = registry.gauge("fairlead_trend_eta_timestamp_seconds", "When a reading comes to its limit.", labels)
    give = registry.gauge("fairlead_trend_eta_uncertainty_seconds", "Give or take, nine times in ten.", labels)
    for host, found in trends.items():
        for one in sorted(found, key=lambda one: one.eta or _NEVER, reverse=True):
            level.set(_LEVELS[one.level], host, one.metric, one.kind.value)
            if one.eta is not None:
                eta.set(one.eta.timestamp(), host, one.metric, one.kind.value)
            if one.uncertainty is not None:
                give.set(one.uncertainty.total_seconds(), host, one.metric, one.kind.value)


def health_metrics(healths: Iterable[SshHealth]) -> Registry:
    """What is known about each host, as a registry of its own; a host without a history has no values."""
    registry = Registry()
    healthy = registry.gauge(
        "fairlead_ssh_healthy", "0 after three failed attempts in a row, after one if never reached.", _HOST
    )
    attempts = registry.counter("fairlead_ssh_attempts_total", "Connection attempts.", (*_HOST, "result"))
    streak = registry.gauge("fairlead_ssh_consecutive_failures", "Failed attempts in a row.", _HOST)
    rate = registry.gauge("fairlead_ssh_success_ratio", "Logins among the attempts of the last 30 days.", _HOST)
    losses = registry.counter("fairlead_ssh_losses_total", "Connections that were lost while in use.", _HOST)
    reconnects = registry.counter("fairlead_ssh_reconnects_total", "Lost connections that were restored.", _HOST)
    expiries = registry.counter("fairlead_ssh_expiries_total", "Sessions that the server ended on purpose.", _HOST)
    connected = registry.counter("fairlead_ssh_connected_seconds_total", "Time connected.", _HOST)
    succeeded = registry.gauge("fairlead_ssh_last_success_timestamp_seconds", "When the last login was.", _HOST)
    failed = registry.gauge(
        "fairlead_ssh_last_failure_timestamp_seconds", "When the last failure was.", (*_HOST, "code")
    )
    kinds = registry.gauge("fairlead_ssh_failures_30d", "Failures and losses of the last 30 days.", (*_HOST, "code"))
    trips = registry.gauge("fairlead_ssh_round_trip_seconds", "The newest round trip.", _HOST)
    for one in (each for each in healths if each.known):
        healthy.set(float(one.healthy), one.host)
        attempts.add(one.successes, one.host, "success")
        attempts.add(one.failures, one.host, "failure")
        streak.set(one.consecutive_failures, one.host)
        losses.add(one.losses, one.host)
        reconnects.add(one.reconnects, one.host)
        expiries.add(one.expiries, one.host)
        connected.add(one.connected_seconds, one.host)
        for kind in one.kinds:
            kinds.set(kind.count, one.host, kind.code)
        if one.success_rate is not None:
            rate.set(one.success_rate, one.host)
        if one.last_success is not None:
            succeeded.set(one.last_success.timestamp(), one.host)
        if one.last_failure is not None:
            failed.set(one.last_failure.at.timestamp(), one.host, one.last_failure.code)
        if one.latency is not None:
            trips.set(one.latency, one.host)
    return registry
