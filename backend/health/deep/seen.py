"""What is known beside the host's own words when it is judged."""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.diagnostics.clock_offset import Offset
from backend.health.deep.certificates import Certificate
from backend.health.deep.values import DeepCheck


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known beside the host's own words."""

    now: float
    """Seconds since 1970, by our clock."""
    offset: Offset | None = None
    latency: float | None = None
    """Seconds of one round trip."""
    certificates: tuple[Certificate, ...] = ()
    """The person's own that may be used there."""
    host_key: str = ""
    """Fingerprint of the key that the host has shown."""
    previous: DeepCheck | None = None
