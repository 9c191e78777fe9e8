"""From which values on something is no longer right: defaults, and what the person sets over them. Pure.

A pattern is a reading's name in which `*` stands for anything. Of several that fit, the person's count before the
defaults, and the longest of each. `docs/health.md` has the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from backend.dataclass import dataclass
from backend.health.deep.values import Level

WEEK, DAY = 7 * 86400.0, 86400.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """Limits of one reading; None: never."""

    warn: float | None = None
    critical: float | None = None
    is_floor: bool = False
    """Whether it is bad to be below, as for free memory, rather than to reach or pass it."""

    def judge(self, value: float) -> Level:
        """The level of `value`."""
        if self._is_bad(value, self.critical):
            return Level.CRITICAL
        return Level.WARN if self._is_bad(value, self.warn) else Level.OK

    def _is_bad(self, value: float, limit: float | None) -> bool:
        if limit is None:
            return False
        return value < limit if self.is_floor else value >= limit


DEFAULTS: Mapping[str, Threshold] = {
    "load.per_cpu": Threshold(2.0, 5.0),
    "memory.available_ratio": Threshold(0.10, 0.04, is_floor=True),
    "swap.used_ratio": Threshold(0.60, 0.95),
    "pressure.cpu": Threshold(0.75, None),
    "pressure.io": Threshold(0.40, 0.75),
    "pressure.memory": Threshold(0.10, 0.40),
    "disk.*.used_ratio": Threshold(0.90, 0.97),
    "inodes.*.used_ratio": Threshold(0.90, 0.97),
    "mounts.read_only": Threshold(None, 1.0),
    "units.failed": Threshold(1.0, None),
    "clock.offset": Threshold(5.0, 60.0),
    "conntrack.used_ratio": Threshold(0.80, 0.95),
    "files.used_ratio": Threshold(0.80, 0.95),
    "oom.recent": Threshold(1.0, None),
    "processes.zombies": Threshold(50.0, None),
    "processes.blocked": Threshold(20.0, None),
    "gpu.*.celsius": Threshold(88.0, 95.0),
    "certificate.user.seconds_left": Threshold(WEEK, DAY, is_floor=True),
    "certificate.host.seconds_left": Threshold(WEEK, DAY, is_floor=True),
}
"""`clock.offset` is judged by its size, whichever way, after what cannot be known is taken off."""
_NONE = Threshold()


class Thresholds:
    """What holds for one host."""

    def __init__(self, own: Mapping[str, Sequence[float]] | None = None) -> None:
        """`own`: warn and critical by pattern, the nearest layer having won; one number warns only, none never."""
        self._own = dict(own or {})

    def of(self, name: str) -> Threshold:
        """The limits of the reading `name`."""
        usual = DEFAULTS.get(_best(name, tuple(DEFAULTS)) or "", _NONE)
        pattern = _best(name, tuple(self._own))
        if pattern is None:
            return usual
        limits = [*self._own[pattern], None, None]
        return Threshold(limits[0], limits[1], usual.is_floor)


def _best(name: str, patterns: tuple[str, ...]) -> str | None:
    return max((one for one in patterns if _compiled(one).fullmatch(name)), key=len, default=None)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
