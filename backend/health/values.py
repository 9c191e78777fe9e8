"""What is known about how well a host is reached: frozen values for screens, the command line and exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backend.clock import iso
from backend.dataclass import dataclass

HEALTHY_BELOW = 3
"""Failed attempts in a row from which on a host that was reached before does not count as healthy."""
WINDOW_DAYS = 30
"""Days over which the success rate and the kinds of failure are told."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The last time that a host was not reached, or was lost."""

    at: datetime
    code: str
    """Of the catalogue; a newer Fairlead may have written one that this one does not know."""
    hop: str = ""
    """The jump host at fault, where it was not the host itself."""


@dataclass(frozen=True, slots=True)
class FailureKind:
    """How often something went wrong within the window."""

    code: str
    count: int


@dataclass(frozen=True, slots=True)
class LatencySample:
    """One round trip."""

    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class LatencyHour:
    """The round trips of one hour, in seconds."""

    hour: datetime
    """Its beginning, UTC."""
    count: int
    low: float
    middle: float
    """The median; where several programs wrote about an hour that was summed up before, the mean of their medians."""
    high: float


@dataclass(frozen=True, slots=True)
class SshHealth:
    """How reaching a host has gone. What a person declined or this machine lacked is not counted."""

    host: str
    since: datetime | None = None
    """When the history begins; None when there is none."""
    successes: int = 0
    """Logins, of all time."""
    failures: int = 0
    """Attempts that did not come to a login, of all time."""
    consecutive_failures: int = 0
    losses: int = 0
    """Connections that were lost while in use."""
    reconnects: int = 0
    """Lost connections that were restored."""
    expiries: int = 0
    """Sessions that the server ended on purpose."""
    connected_seconds: float = 0.0
    last_success: datetime | None = None
    last_failure: Failure | None = None
    """The last failed attempt or loss, whichever came later."""
    window_successes: int = 0
    """Of the last `WINDOW_DAYS` days, as the two that follow."""
    window_failures: int = 0
    kinds: tuple[FailureKind, ...] = ()
    """Failures and losses, the most frequent first."""
    recent: tuple[LatencySample, ...] = ()
    """The last round trips, oldest first; some hours at most."""
    hours: tuple[LatencyHour, ...] = ()
    """Some weeks, oldest first; hours without a connection are missing."""

    @property
    def known(self) -> bool:
        """Whether anything was ever seen of it."""
        return self.since is not None

    @property
    def reached(self) -> bool:
        """Whether a login ever got through, as far back as the history goes."""
        return self.successes > 0

    @property
    def healthy(self) -> bool:
        """False after three failures in a row, and after the first one where no login ever got through."""
        return not self.consecutive_failures or (self.reached and self.consecutive_failures < HEALTHY_BELOW)

    @property
    def state(self) -> str:
        """How it is, in a few words."""
        if not self.known:
            return "unknown"
        words = "healthy" if self.healthy else "unhealthy" if self.reached else "never reached"
        return f"{words}, {self.consecutive_failures} failed in a row" if self.consecutive_failures else words

    @property
    def success_rate(self) -> float | None:
        """Logins among the attempts of the window, 0 to 1; None without an attempt."""
        attempts = self.window_successes + self.window_failures
        return self.window_successes / attempts if attempts else None

    @property
    def latency(self) -> float | None:
        """The newest round trip in seconds."""
        return self.recent[-1].seconds if self.recent else None

    def to_json(self) -> dict[str, Any]:
        """One element of `hosts` in the output of `fairlead health --json`."""
        rate, last = self.success_rate, self.last_failure
        return {
            "host": self.host,
            "known": self.known,
            "healthy": self.healthy if self.known else None,
            "since": _iso(self.since),
            "successes": self.successes,
            "failures": self.failures,
            "consecutive_failures": self.consecutive_failures,
            "success_rate": None if rate is None else round(rate, 4),
            "window_days": WINDOW_DAYS,
            "kinds": {kind.code: kind.count for kind in self.kinds},
            "last_success": _iso(self.last_success),
            "last_failure": None if last is None else {"at": _iso(last.at), "code": last.code, "hop": last.hop or None},
            "losses": self.losses,
            "reconnects": self.reconnects,
            "expiries": self.expiries,
            "connected_seconds": round(self.connected_seconds, 1),
            "latency": {
                "recent": [{"at": _iso(one.at), "seconds": round(one.seconds, 6)} for one in self.recent],
                "hours": [_hour_json(one) for one in self.hours],
            },
        }


def _hour_json(hour: LatencyHour) -> dict[str, Any]:
    seconds = {"low": hour.low, "middle": hour.middle, "high": hour.high}
    told = {name: round(value, 6) for name, value in seconds.items()}
    return {"hour": _iso(hour.hour), "count": hour.count, **told}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
