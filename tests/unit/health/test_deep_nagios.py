"""Deep checks as a plugin tells them, and as metrics."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backend.health.deep.nagios import with_deep
from backend.health.deep.thresholds import Thresholds
from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.exports import add_deep_metrics
from backend.health.nagios import NagiosState, Verdict, report
from backend.metrics.registry import Registry
from backend.metrics.render import prometheus_text
from tests.unit.metrics.exposition import read_exposition

AT = datetime(2026, 3, 2, tzinfo=UTC)
FULL = Reading("disk./srv/a b.used_ratio", 0.93, "ratio", Level.WARN, "/srv/a b is 93 % full.")
LOW = Reading("memory.available_ratio", 0.02, "ratio", Level.CRITICAL, "2 % of memory available.")
SILENT = Reading("disk./.used_ratio", None, "ratio", Level.UNKNOWN, "df did not answer in time.")
LACKING = Reading("units.failed", None, "", Level.UNKNOWN, "The host has no systemd.", is_optional=True)
FINE = Reading("uptime", 86400.5, "seconds", Level.OK, "Up for 24 h.")


def check(*readings: Reading) -> DeepCheck:
    return DeepCheck("web|1", AT, 0.25, readings)


@pytest.mark.parametrize(
    ("before", "readings", "state"),
    [
        (NagiosState.OK, (FINE, LACKING), NagiosState.OK),
        (NagiosState.OK, (FINE, SILENT), NagiosState.UNKNOWN),
        (NagiosState.OK, (FINE, FULL, SILENT), NagiosState.WARNING),
        (NagiosState.OK, (LOW, FULL), NagiosState.CRITICAL),
        (NagiosState.CRITICAL, (FULL,), NagiosState.CRITICAL),
        (NagiosState.WARNING, (SILENT, FINE), NagiosState.WARNING),
    ],
)
def test_the_worse_of_both_counts(before: NagiosState, readings: tuple[Reading, ...], state: NagiosState) -> None:
    assert with_deep(Verdict("web|1", before, "round trip 9 ms"), check(*readings), Thresholds()).state is state


def test_the_line_tells_the_worst_first_and_the_data_have_their_limits() -> None:
    verdict = with_deep(
        Verdict("web|1", NagiosState.OK, "round trip 9 ms"), check(FULL, LOW, SILENT, FINE), Thresholds()
    )
    state, text = report([verdict])
    line, _, data = text.partition(" | ")
    assert state is NagiosState.CRITICAL
    told = "2 % of memory available; /srv/a b is 93 % full; df did not answer in time; round trip 9 ms"
    assert line == f"SSH CRITICAL - web/1: {told}"
    assert "'web/1 disk./srv/a b.used_ratio'=0.93;0.9;0.97;0;1" in data
    assert "'web/1 memory.available_ratio'=0.02;0.1:;0.04:;0;1" in data
    assert "'web/1 uptime'=86400.5s;;" in data
    assert "disk./.used_ratio'" not in data, "what is not known is no number"


def test_metrics_tell_values_and_levels() -> None:
    registry = Registry()
    add_deep_metrics(registry, [check(FULL, LOW, SILENT, LACKING, FINE)])
    families = read_exposition(prometheus_text(registry))
    values = {
        dict(labels)["reading"]: value for (_, labels), value in families["fairlead_health_reading"].samples.items()
    }
    levels = families["fairlead_health_reading_level"].samples.items()
    assert values == {"disk./srv/a b.used_ratio": 0.93, "memory.available_ratio": 0.02, "uptime": 86400.5}
    assert {dict(labels)["reading"]: value for (_, labels), value in levels} == {
        "disk./srv/a b.used_ratio": 2.0,
        "memory.available_ratio": 3.0,
        "disk./.used_ratio": 1.0,
        "uptime": 0.0,
    }
