"""Health histories and live checks as metrics for Prometheus. The totals come from the history, so they only grow."""

from __future__ import annotations

from collections.abc import Iterable

from backend.health.values import SshHealth
from backend.metrics.registry import Registry

_HOST = ("host",)


def health_metrics(healths: Iterable[SshHealth]) -> Registry:
    """What is known about each host, as a registry of its own."""
    registry = Registry()
    healthy = registry.gauge("fairlead_ssh_healthy", "1 while fewer than three attempts in a row have failed.", _HOST)
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
    for one in healths:
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
