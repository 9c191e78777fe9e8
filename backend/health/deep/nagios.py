"""Deep checks as a monitoring plugin tells them. Pure.

https://www.monitoring-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

from dataclasses import replace

from backend.health.deep.thresholds import Threshold, Thresholds
from backend.health.deep.values import DeepCheck, Level, Reading
from backend.health.nagios import NagiosState, Verdict, label, severer

_STATES = {
    Level.OK: NagiosState.OK,
    Level.WARN: NagiosState.WARNING,
    Level.CRITICAL: NagiosState.CRITICAL,
    Level.UNKNOWN: NagiosState.UNKNOWN,
}
_UNITS = {"seconds": "s", "bytes": "B", "ratio": "", "celsius": ""}
_NAMED = 4
"""Readings that are told in the line."""


def with_deep(verdict: Verdict, check: DeepCheck, thresholds: Thresholds) -> Verdict:
    """`verdict` of a look at a host, with what a deep check of it has found: the worse of both."""
    told = [one.text.rstrip(".") for one in check.concerns]
    told += [one.text.rstrip(".") for one in check.readings if one.level is Level.UNKNOWN and not one.is_optional]
    more = [f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else []
    data = (_datum(check.host, one, thresholds.of(one.name)) for one in check.readings if one.value is not None)
    return replace(
        verdict,
        state=severer(verdict.state, _STATES[check.level]),
        text="; ".join([*told[:_NAMED], *more, verdict.text]),
        data=(*verdict.data, *data),
    )


def _datum(host: str, one: Reading, limits: Threshold) -> str:
    assert one.value is not None
    warn, critical = (_range(limit, is_floor=limits.is_floor) for limit in (limits.warn, limits.critical))
    ends = ";0;1" if one.unit == "ratio" and one.value <= 1 else ""
    return f"'{label(host)} {label(one.name)}'={one.value:.6g}{_UNITS.get(one.unit, '')};{warn};{critical}{ends}"


def _range(limit: float | None, *, is_floor: bool) -> str:
    """Where no alert is raised, as the guidelines write it: `10` for 0 to 10, `10:` for 10 and more."""
    if limit is None:
        return ""
    return f"{limit:g}:" if is_floor else f"{limit:g}"
