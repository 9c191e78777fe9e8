"""Health as a monitoring plugin tells it: a status, one line for people, performance data. Pure.

https://www.monitoring-plugins.org/doc/guidelines.html
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from backend.dataclass import dataclass
from backend.health.blame import Blame, blame
from backend.health.live import LiveLook
from backend.health.values import HEALTHY_BELOW, SshHealth
from backend.text import clean_line


class NagiosState(IntEnum):
    """The plugin's exit status."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_SEVERITY = (NagiosState.OK, NagiosState.UNKNOWN, NagiosState.WARNING, NagiosState.CRITICAL)


@dataclass(frozen=True, slots=True)
class Limits:
    """Round trips in seconds from which on a look is no longer right; None for never."""

    warning: float | None = 0.4
    critical: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One host's part."""

    host: str
    state: NagiosState
    text: str
    data: tuple[str, ...] = ()
    """Name, `=`, value with unit and limits, ready to be printed."""


def judge(health: SshHealth, live: LiveLook | None, limits: Limits) -> Verdict:
    """What to say about one host: of a look at it where there was one, else of its history."""
    return _of_history(health) if live is None else _of_look(health, live, limits)


def report(verdicts: Sequence[Verdict]) -> tuple[NagiosState, str]:
    """The exit status and what to print: a line, and one more for each host where there are several."""
    if not verdicts:
        return NagiosState.UNKNOWN, "SSH UNKNOWN - no host has a history yet"
    worst = max((one.state for one in verdicts), key=_SEVERITY.index)
    data = " ".join(item for one in verdicts for item in one.data)
    tail = f" | {data}" if data else ""
    if len(verdicts) == 1:
        return worst, f"SSH {worst.name} - {_plain(verdicts[0].host)}: {_plain(verdicts[0].text)}{tail}"
    bad = [one for one in verdicts if one.state is not NagiosState.OK]
    names = ", ".join(_plain(one.host) for one in bad)
    head = f"{len(bad)} of {len(verdicts)} hosts: {names}" if bad else f"{len(verdicts)} hosts"
    lines = [f"{_plain(one.host)}: {one.state.name} - {_plain(one.text)}" for one in verdicts]
    return worst, "\n".join([f"SSH {worst.name} - {head}{tail}", *lines])


def unknown(text: str) -> str:
    """What to print where nothing could be looked at."""
    return f"SSH UNKNOWN - {_plain(text)}"


def severer(one: NagiosState, other: NagiosState) -> NagiosState:
    """The worse of both, as a person would see it: critical, warning, unknown, ok."""
    return max((one, other), key=_SEVERITY.index)


def _of_look(health: SshHealth, live: LiveLook, limits: Limits) -> Verdict:
    if live.error is not None:
        ours = blame(live.error.code, live.error.category) is not Blame.HOST
        state = NagiosState.UNKNOWN if ours else NagiosState.CRITICAL
        return Verdict(health.host, state, f"{live.error.code}: {live.error.message}")
    assert live.round_trip is not None
    said = [f"round trip {live.round_trip * 1000:.0f} ms"]
    data = [_datum(health.host, "rtt", live.round_trip, limits)]
    if live.connect_seconds is not None:
        said.append(f"connected in {live.connect_seconds:.2f} s")
        data.append(_datum(health.host, "connect", live.connect_seconds, Limits(None, None)))
    state = NagiosState.OK
    if limits.critical is not None and live.round_trip > limits.critical:
        state = NagiosState.CRITICAL
    elif limits.warning is not None and live.round_trip > limits.warning:
        state = NagiosState.WARNING
    return Verdict(health.host, state, ", ".join(said), tuple(data))


def _of_history(health: SshHealth) -> Verdict:
    if not health.known:
        return Verdict(health.host, NagiosState.UNKNOWN, "never connected to")
    failed = health.consecutive_failures
    state = NagiosState.OK
    if failed:
        state = NagiosState.WARNING if health.healthy else NagiosState.CRITICAL
    rate = health.success_rate
    said = [f"{'' if health.reached else 'never reached, '}{failed} failed in a row"]
    said = said if failed else ["the last attempt succeeded"]
    data = [f"'{label(health.host)} failed'={failed};0;{HEALTHY_BELOW - 1 if health.reached else 0};0"]
    if rate is not None:
        said.append(f"{rate:.1%} of attempts")
        data.append(f"'{label(health.host)} success'={rate * 100:.1f}%;;;0;100")
    return Verdict(health.host, state, ", ".join(said), tuple(data))


def _datum(host: str, what: str, seconds: float, limits: Limits) -> str:
    warning, critical = ("" if one is None else f"{one:g}" for one in (limits.warning, limits.critical))
    return f"'{label(host)} {what}'={seconds:.4f}s;{warning};{critical};0"


def label(host: str) -> str:
    return _plain(host).replace("'", "''").replace("=", "_")


def _plain(text: str) -> str:
    """On one line, without the sign that begins performance data."""
    return clean_line(text).replace("|", "/")
