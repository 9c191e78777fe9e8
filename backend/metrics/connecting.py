"""Metrics of connecting and of staying connected, fed from the bus."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from backend.connection.asked import PersonAsked
from backend.connection.connector import Phase, PhasePassed
from backend.connection.session import LatencyMeasured, PhaseSeen
from backend.connection.state import ATTEMPTING, CONNECTED, SessionChanged, SessionState
from backend.errors import FairleadError
from backend.events import EventBus
from backend.health.blame import Blame, blame
from backend.metrics.registry import Registry

PHASE_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TRIP_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 5.0)
_RESULTS = MappingProxyType({Blame.HOST: "failed", Blame.PERSON: "declined", Blame.HERE: "not_possible"})


class ConnectingMetrics:
    """Listens from its making on. Routes are told by `route_of`, since a session's events do not name them."""

    def __init__(self, registry: Registry, bus: EventBus, route_of: Callable[[str], str]) -> None:
        self._route_of = route_of
        self._handshake: dict[str, dict[str, float]] = {}
        """Seconds by host and route, of the attempt under way."""
        self._lost: set[str] = set()
        host, by_route = ("host",), ("host", "route")
        self._attempts = registry.counter("fairlead_connects_total", "Connection attempts.", (*by_route, "result"))
        self._failures = registry.counter("fairlead_connect_failures_total", "Failed attempts.", (*host, "code"))
        self._seconds = registry.histogram(
            "fairlead_connect_seconds",
            "From the first look-up to the login, without the time a person took.",
            by_route,
            bounds=PHASE_BOUNDS,
        )
        self._phases = registry.histogram(
            "fairlead_connect_phase_seconds", "Each phase of each hop.", (*host, "phase"), bounds=PHASE_BOUNDS
        )
        self._logins = registry.counter("fairlead_logins_total", "Logins, of jump hosts too.", (*host, "method"))
        self._up = registry.gauge("fairlead_session_up", "1 while connected.", by_route)
        self._losses = registry.counter("fairlead_losses_total", "Connections lost while in use.", (*host, "code"))
        self._reconnects = registry.counter("fairlead_reconnects_total", "Lost connections restored.", host)
        self._retries = registry.counter("fairlead_retries_total", "Attempts to restore a connection.", host)
        self._trips = registry.histogram(
            "fairlead_round_trip_seconds", "Answered keepalives.", host, bounds=TRIP_BOUNDS
        )
        self._prompts = registry.counter("fairlead_prompts_total", "Questions to a person.", (*host, "kind", "answer"))
        bus.subscribe(SessionChanged, self._changed)
        bus.subscribe(PhaseSeen, self._seen)
        bus.subscribe(LatencyMeasured, lambda event: self._trips.observe(event.seconds, event.host))
        bus.subscribe(PersonAsked, self._asked)

    def _changed(self, change: SessionChanged) -> None:
        host, route = change.host, self._route_of(change.host)
        if change.new is SessionState.RESOLVING:
            self._handshake[host] = {}
            if host in self._lost:
                self._retries.add(1, host)
        if change.new in CONNECTED and change.old not in CONNECTED:
            self._connected(host, route)
        elif change.old in CONNECTED and change.new not in CONNECTED:
            self._disconnected(change, route)
        elif change.old in ATTEMPTING and change.error is not None:
            self._attempt_failed(host, route, change.error)
        if change.new in (SessionState.FAILED, SessionState.CLOSED, SessionState.EXPIRED):
            self._lost.discard(host)

    def _connected(self, host: str, route: str) -> None:
        self._attempts.add(1, host, route, "succeeded")
        spent = self._handshake.pop(host, {})
        if (seconds := spent.get(route, spent.get(""))) is not None:
            self._seconds.observe(seconds, host, route)
        self._up.set(1, host, route)
        if host in self._lost:
            self._lost.discard(host)
            self._reconnects.add(1, host)

    def _disconnected(self, change: SessionChanged, route: str) -> None:
        self._up.set(0, change.host, route)
        if change.error is not None:
            self._losses.add(1, change.host, change.error.code.value)
        if change.new is SessionState.RECONNECTING:
            self._lost.add(change.host)

    def _attempt_failed(self, host: str, route: str, error: FairleadError) -> None:
        self._attempts.add(1, host, route, _RESULTS[blame(error.code, error.category)])
        self._failures.add(1, host, error.code.value)

    def _seen(self, event: PhaseSeen) -> None:
        if not isinstance(event.phase, PhasePassed) or event.phase.shared:
            return
        passed = event.phase
        self._phases.observe(passed.seconds, passed.hop.name, passed.phase.value)
        spent = self._handshake.setdefault(event.host, {})
        spent[event.route] = spent.get(event.route, 0.0) + passed.seconds
        if passed.phase is Phase.AUTH:
            self._logins.add(1, passed.hop.name, passed.evidence.get("method", "none"))

    def _asked(self, event: PersonAsked) -> None:
        self._prompts.add(1, event.host, event.kind, "given" if event.answered else "declined")
