"""The verdict: measurements in, the limit that binds out. Pure.

Every rule says what it would cost (`weight`) where its arithmetic fits; the heaviest is the answer, the others that are
felt follow. What was not measured is said, and no rule guesses from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from backend.diagnostics.slowness.login_limits import login_limits
from backend.diagnostics.slowness.report import Limit, LimitKind, SlowReport
from backend.diagnostics.slowness.transfer_limits import transfer_limits
from backend.diagnostics.slowness.values import Measurements, Step, Way
from backend.diagnostics.slowness.words import rate_text, time_text
from backend.errors import Advice

_FELT = 1.0
_CAUSES = {LimitKind.LOSS, LimitKind.CIPHER, LimitKind.CPU_THERE, LimitKind.HOST_BUSY}
"""They make logins pause as well."""
_PAUSES = {LimitKind.TCP, LimitKind.BANNER, LimitKind.KEX, LimitKind.LOGIN, LimitKind.SESSION, LimitKind.COMMANDS}
_NO_PROCESSOR = {LimitKind.CPU_THERE, LimitKind.HOST_BUSY}
"""They make login files take longer than they would."""
_EXPLAINED = 0.1
_PARTLY_EXPLAINED = 0.15
_QUEUE = 0.1
"""Seconds beyond the shortest round trip that packets wait in somebody's queue."""
_SMALL_SEGMENTS = 1300
_WORDS = {
    Step.ROUND_TRIP: "round trip",
    Step.COMMANDS: "commands",
    Step.LOGIN_FILES: "login files",
    Step.DOWNLOAD: "downloads",
    Step.UPLOAD: "uploads",
    Step.DISK: "disk",
}


def judge(seen: Measurements) -> SlowReport:
    """Why the host is slow, as far as the measurements tell."""
    limits = _settled([*login_limits(seen), *transfer_limits(seen), *_queue(seen)])
    return SlowReport(seen.host, seen, limits, tuple(_notes(seen)), "" if limits else _nothing(seen))


def _settled(found: Iterable[Limit]) -> tuple[Limit, ...]:
    """One of each kind, the heaviest first; what another limit explains, or has in its arithmetic, counts little."""
    limits = list(found)
    causes = _CAUSES & {limit.kind for limit in limits}
    factors = dict.fromkeys(_PAUSES, _EXPLAINED) if causes else {}
    factors |= {LimitKind.LOGIN_FILES: _PARTLY_EXPLAINED} if causes & _NO_PROCESSOR else {}
    limits = [replace(limit, weight=limit.weight * factors.get(limit.kind, 1.0)) for limit in limits]
    if any(limit.kind is LimitKind.WINDOW for limit in limits):  # it has the distance in its sentence
        limits = [replace(one, weight=_FELT) if one.kind is LimitKind.DISTANCE else one for one in limits]
    heaviest: dict[LimitKind, Limit] = {}
    for limit in sorted(limits, key=lambda one: -one.weight):
        if limit.weight >= _FELT:
            heaviest.setdefault(limit.kind, limit)
    return tuple(heaviest.values())


def _queue(seen: Measurements) -> Iterable[Limit]:
    """Packets wait though we send nothing: somebody else fills the line."""
    socket = seen.before.socket
    if socket is None or socket.rtt is None or socket.min_rtt is None:
        return
    waits = socket.rtt - socket.min_rtt
    if waits < _QUEUE or socket.rtt < 4 * socket.min_rtt:
        return
    yield Limit(
        LimitKind.QUEUE,
        f"Packets wait {time_text(waits)} in a queue on the way: somebody fills the line.",
        f"The host sees round trips of {time_text(socket.rtt)} now; the shortest was {time_text(socket.min_rtt)}.",
        weight=waits / _QUEUE,
        confidence=0.6,
        remedies=(
            Advice("See whether something here or there is sending or fetching a lot."),
            Advice("For the administrator of the router: fair queueing (fq_codel, cake) keeps queues short."),
        ),
    )


def _notes(seen: Measurements) -> Iterable[str]:
    socket = seen.before.socket
    if socket is not None and socket.mss is not None and socket.mss < _SMALL_SEGMENTS:
        yield (
            f"Segments carry only {socket.mss} bytes (path MTU {socket.path_mtu or 'unknown'}): "
            "there is a tunnel on the way, or a wrong MTU."
        )
    if socket is not None and (socket.receiver_limited or 0.0) > 0.2:
        yield f"The host's socket waited for our window {100 * (socket.receiver_limited or 0.0):.0f} % of the time."
    for way in Way:
        load, trip = seen.loads.get(way), seen.round_trip
        if load is not None and load.rtt is not None and trip is not None and load.rtt > 4 * trip + 0.2:
            yield f"While data goes {way.value}, a round trip takes {time_text(load.rtt)} instead of {time_text(trip)}."
    if (waits := seen.before.pressure.get("cpu", 0.0)) > 50:
        yield f"Programs of the host wait for a processor {waits:.0f} % of the time."
    if (waits := seen.before.pressure.get("memory", 0.0)) > 10:
        yield f"Programs of the host wait for memory {waits:.0f} % of the time."


def _nothing(seen: Measurements) -> str:
    """What is said where no limit is felt: the numbers, and what is not known."""
    facts = [
        "" if seen.round_trip is None else f"round trip {time_text(seen.round_trip)}",
        "" if seen.login is None else f"login {time_text(seen.login)}",
        "" if seen.command is None else f"a command {time_text(seen.command)}",
        *(
            "" if (best := seen.best(way)) is None else f"{way.value} {rate_text(best.rate)}"
            for way in (Way.DOWN, Way.UP)
        ),
        "" if seen.disk is None else f"disk {rate_text(seen.disk.write)}",
    ]
    numbers = ", ".join(fact for fact in facts if fact) or "nothing was measured"
    unknown = [word for step, word in _WORDS.items() if step.value in seen.missing]
    missing = f" Not known: {', '.join(unknown)}." if unknown else ""
    return f"Nothing stands out: {numbers}.{missing}"
