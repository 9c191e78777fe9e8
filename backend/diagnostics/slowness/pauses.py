"""Where a login waits for longer than its round trips take. Pure."""

from __future__ import annotations

from backend.diagnostics.slowness.values import Measurements, PhaseTime

SESSION = "session"
"""The first command of a connection, where it takes longer than the others: PAM sessions, motd."""
_TRIPS = {"name": 0.0, "tcp": 1.0, "banner": 1.0, "kex": 3.0, "host_key": 1.0, "auth": 4.0}
"""Round trips that each phase takes, at most (RFC 4253 §7, RFC 4252)."""


def excess(seen: Measurements) -> tuple[PhaseTime, ...]:
    """Every phase with the seconds that its round trips do not explain, in order."""
    trip = seen.round_trip or 0.0
    waits = [
        PhaseTime(one.hop, one.phase, max(0.0, one.seconds - _TRIPS.get(one.phase, 2.0) * trip)) for one in seen.phases
    ]
    if seen.first_command is not None and (usual := seen.command) is not None:
        waits.append(PhaseTime(seen.last_hop, SESSION, max(0.0, seen.first_command - usual)))
    return tuple(waits)
