"""Health as JSON lines: one record for each value, with host, time and unit, to be appended and filtered. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from backend.health.deep.values import DeepCheck
from backend.health.live import LiveLook
from backend.health.values import SshHealth

Record = dict[str, Any]


def json_lines(
    healths: Sequence[SshHealth], looks: Sequence[LiveLook], checks: Sequence[DeepCheck], now: datetime
) -> str:
    """`{"at", "host", "name", "value", "unit"}` a line, `code` with a look that failed, `level` with a reading."""
    found = [record for one in healths for record in _of_history(one)]
    found += [record for look in looks for record in _of_look(look)]
    records = [{"at": _iso(now), **record} for record in found]
    records += [{"at": _iso(check.at), **record} for check in checks for record in _of_check(check)]
    return "".join(json.dumps(record) + "\n" for record in records)


def _of_history(one: SshHealth) -> Iterator[Record]:
    if not one.known:
        return
    values = (
        ("ssh.healthy", float(one.healthy), "boolean"),
        ("ssh.consecutive_failures", one.consecutive_failures, "count"),
        ("ssh.success_ratio", one.success_rate, "ratio"),
        ("ssh.successes", one.successes, "count"),
        ("ssh.failures", one.failures, "count"),
        ("ssh.losses", one.losses, "count"),
        ("ssh.reconnects", one.reconnects, "count"),
        ("ssh.round_trip", one.latency, "s"),
    )
    for name, value, unit in values:
        if value is not None:
            yield _record(one.host, name, value, unit)


def _of_look(look: LiveLook) -> Iterator[Record]:
    failed = {} if look.error is None else {"code": look.error.code.value}
    yield {**_record(look.host, "look.success", float(look.error is None), "boolean"), **failed}
    if look.round_trip is not None:
        yield _record(look.host, "look.round_trip", look.round_trip, "s")
    if look.connect_seconds is not None:
        yield _record(look.host, "look.connect", look.connect_seconds, "s")
    for phase, seconds in look.phases:
        yield _record(look.host, f"look.phase.{phase}", seconds, "s")


def _of_check(check: DeepCheck) -> Iterator[Record]:
    """A value of null could not be read."""
    for one in check.readings:
        value = None if one.value is None else round(one.value, 6)
        told = {"host": check.host, "name": one.name, "value": value, "unit": one.unit}
        yield {**told, "level": one.level.value}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _record(host: str, name: str, value: float, unit: str) -> Record:
    return {"host": host, "name": name, "value": round(value, 6), "unit": unit}
