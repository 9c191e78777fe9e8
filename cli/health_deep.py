"""What `fairlead health --deep` shows of a host: what is not right first, then the table of what was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.container import Container
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.health.deep.values import DeepCheck, Level, Reading

SIGNS = {Level.OK: "✓", Level.WARN: "!", Level.CRITICAL: "✕", Level.UNKNOWN: "?"}


@dataclass(frozen=True, slots=True)
class DeepLook:
    """One look into a host, or why there is none."""

    host: str
    check: DeepCheck | None = None
    error: FairleadError | None = None


async def look_deep(container: Container, host: str) -> DeepLook:
    """Look into `host`. Never raises for what the host does."""
    try:
        return DeepLook(host, check=await container.deep_checks.check(host))
    except FairleadError as error:
        return DeepLook(host, error=error.located(host=host))


def deep_lines(look: DeepLook) -> list[str]:
    """For people, below the host's other lines."""
    if look.check is None:
        assert look.error is not None
        return [f"  inside       ✕ {look.error.code}: {look.error.message}"]
    return list(_lines(look.check))


def _lines(check: DeepCheck) -> Iterator[str]:
    system = f"{check.system}, " if check.system else ""
    again = ", has started anew since the check before" if check.rebooted else ""
    took = f"looked into in {check.seconds:.1f} s"
    yield f"  inside       {SIGNS[check.level]} {check.level.value}: {system}{took}{again}"
    for one in _shown(check.readings):
        yield f"    {SIGNS[one.level]} {one.text}"
    for problem in check.problems:
        yield f"    ? {problem}"


def _shown(readings: Sequence[Reading]) -> Iterator[Reading]:
    """The worst first; numbers that another sentence tells as well, and what hosts may lack, only where not right."""
    wanted = [one for one in readings if one.level is not Level.OK or not _is_detail(one)]
    wanted = [one for one in wanted if not (one.is_optional and one.level is Level.UNKNOWN)]
    order = [Level.CRITICAL, Level.WARN, Level.UNKNOWN, Level.OK]
    yield from sorted(wanted, key=lambda one: order.index(one.level))


def _is_detail(one: Reading) -> bool:
    name = one.name
    return (
        name in ("load.1m", "load.5m", "load.15m", "memory.total_bytes", "latency", "oom.kills")
        or name.endswith((".free_bytes", ".load_ratio"))
        or name.startswith("sockets.")
        or (name.startswith("processes.") and name != "processes.count")
        or (name.startswith("inodes.") and (one.value or 0.0) < 0.5)
    )
