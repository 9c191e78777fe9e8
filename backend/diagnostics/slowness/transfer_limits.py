"""What makes bulk data slow: of all that could, the one whose arithmetic fits what was measured. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from backend.dataclass import dataclass
from backend.diagnostics.slowness.report import Limit, LimitKind
from backend.diagnostics.slowness.values import Load, Measurements, Transfer, Way
from backend.diagnostics.slowness.words import rate_text, share_text, size_text, time_text
from backend.errors import Advice

FINE = 40e6
"""Bytes a second with which nobody is unhappy."""
_FINE_LINE = 30e6
"""The same of a line that carries no more, which is what most have paid for."""
LOSSY = 0.01
"""Share of segments that had to be sent again, from which on a path loses too much."""
_ENOUGH_SEGMENTS = 100
_ENOUGH_AGAIN = 3
"""One or two may be sent again for nothing, as when a machine is busy."""
_GAPS = 0.03
"""Share of segments that came after a gap: each lost one has several behind it."""
_BUSY = 0.75
_BUSY_BETWEEN = 0.85
"""Of both ends together, where each waits for the other by turns."""
_STOLEN = 0.1
_CIPHER_SHARE = 0.2
"""Of what a processor encrypts by itself, from which on the cipher is what takes the time."""
_WINDOW_FITS = (0.45, 1.2)
"""A rate that is this much of window over round trip is the window's."""
_BELOW_WINDOW = 0.45
_EVEN = 0.6
_ROUNDS_TO_GO = 8
"""Round trips after which a transfer over a long path has got going, and its rate is the path's."""
_UNEXPLAINED = 10e6
_MATHIS = 1.22
"""Of the rate that loss allows TCP: MSS / RTT × 1.22 / √p (Mathis et al. 1997)."""
_DISK_SHARE = 0.75
_VERBS = {Way.DOWN: "Downloads", Way.UP: "Uploads"}


@dataclass(frozen=True, slots=True)
class Case:
    """One direction, with what is known about it."""

    seen: Measurements
    way: Way
    best: Transfer
    load: Load

    @property
    def weight(self) -> float:
        return FINE / max(self.best.rate, 1.0)

    @property
    def stops(self) -> str:
        """`Uploads stop at 3.3 MB/s`."""
        return f"{_VERBS[self.way]} stop at {rate_text(self.best.rate)}"

    @property
    def allows(self) -> float | None:
        """What window and round trip allow."""
        trip, window = self.seen.round_trip, self.best.window
        return window / trip if window and trip else None

    @property
    def sent_again(self) -> tuple[int | None, int | None]:
        """Segments that the sender had to send again, and all that it sent."""
        load = self.load
        if self.way is Way.DOWN:
            return load.retransmitted, load.segments_out
        return load.own_retransmitted, load.own_segments_out

    @property
    def loss(self) -> float | None:
        """Share of the sender's segments that were sent again."""
        again, sent = self.sent_again
        return None if again is None or sent is None or sent < _ENOUGH_SEGMENTS else again / sent

    @property
    def gaps(self) -> float | None:
        """Share of our segments that reached the host after a gap: a sign of loss where our own socket is not known."""
        late, came = self.load.out_of_order, self.load.segments_in
        return None if late is None or came is None or came < _ENOUGH_SEGMENTS else late / came

    @property
    def server_cpu(self) -> float | None:
        """Share of the time in which the host's SSH process ran or wanted to."""
        ran, waited = self.load.server_running, self.load.server_waiting
        return None if ran is None else ran + (waited or 0.0)


def transfer_limits(seen: Measurements) -> Iterator[Limit]:
    """For each direction the limit that fits; and the disk, which uploads meet at the end."""
    for way in Way:
        best = seen.best(way)
        if best is None:
            continue
        case = Case(seen, way, best, seen.loads.get(way, Load()))
        if (lossy := _loss(case)) is not None:
            yield lossy
        elif best.rate < FINE:
            yield from (limit for limit in (_first(case),) if limit is not None)
    yield from _disk(seen)


def _first(case: Case) -> Limit | None:
    for fits in _RULES:
        if (limit := fits(case)) is not None:
            return limit
    return None


def _loss(case: Case) -> Limit | None:
    if case.way is Way.UP and (case.server_cpu or 0.0) >= _BUSY and not case.gaps:
        return None  # it acknowledges late for want of a processor, and what is sent again had arrived
    share, gaps = case.loss, case.gaps
    way = case.way.value
    again, sent = case.sent_again
    if share is not None and share >= LOSSY and (again or 0) >= _ENOUGH_AGAIN:
        arithmetic = f"{again} of {sent} segments were sent again: {share_text(share)}{_mathis(case, share)}."
        told, confidence = f"{share_text(share)} of the packets are lost on the way {way}", 0.9
    elif share is None and case.way is Way.UP and gaps is not None and gaps >= _GAPS:
        late, came = case.load.out_of_order, case.load.segments_in
        arithmetic = f"{late} of {came} segments reached the host after a gap: {share_text(gaps)}."
        told, confidence, share = "packets are lost on the way up", 0.6, gaps
    else:
        return None
    return Limit(
        LimitKind.LOSS,
        f"{case.stops}: {told}.",
        arithmetic,
        weight=max(case.weight, 100 * share),
        confidence=confidence,
        remedies=(
            Advice(
                "See where packets are lost: Wi-Fi, a mobile network, a bad cable, an overfull line.",
                "mtr -rwc 100 ADDRESS",
            ),
            Advice("For the administrator: congestion control `bbr` on the host bears loss better than `cubic`."),
            Advice("fairlead get and put go on where they stopped when the link breaks."),
        ),
    )


def _mathis(case: Case, share: float) -> str:
    socket = case.seen.before.socket
    trip = case.load.rtt or case.seen.round_trip
    if socket is None or socket.mss is None or not trip:
        return ""
    bound = socket.mss / trip * _MATHIS / math.sqrt(share)
    return (
        f"; TCP then gets about {socket.mss} B / {time_text(trip)} × 1.22 / √{share:.3f} = {rate_text(bound)}"
        if bound < 4 * case.best.rate
        else ""
    )


def _cpu(case: Case) -> Limit | None:
    """The cipher, or the processors at either end."""
    here, there = case.best.cpu_here, case.server_cpu
    if max(here or 0.0, there or 0.0) < _BUSY and (here or 0.0) + (there or 0.0) < _BUSY_BETWEEN:
        return None
    speed, cipher = case.seen.cipher_speed, case.seen.cipher
    share = case.best.rate / speed if speed else None
    slow_cipher = _is_slow(cipher) and share is not None and share >= _CIPHER_SHARE
    if not slow_cipher and (busy := _host_busy(case)) is not None:
        return busy
    where = {(True, False): "here", (False, True): "there"}.get(
        ((here or 0.0) >= _BUSY, (there or 0.0) >= _BUSY), "on both ends"
    )
    used = ", ".join(
        f"{share_text(min(1.0, value))} of a processor {place}"
        for place, value in (("here", here), (f"on {case.seen.host}", there))
        if value is not None
    )
    if slow_cipher or (_is_slow(cipher) and where != "here"):
        per = "" if speed is None else f"; {cipher} by itself makes {rate_text(speed)} on this machine"
        return Limit(
            LimitKind.CIPHER,
            f"{case.stops}: {cipher} takes all that a processor has, {where}.",
            f"{rate_text(case.best.rate)} take {used}{per}.",
            weight=case.weight,
            confidence=0.85,
            remedies=_cipher_remedies(case.seen),
        )
    kind = LimitKind.CPU_HERE if where == "here" else LimitKind.CPU_THERE
    which = {"here": "this machine's processor", "there": f"the processor of {case.seen.host}"}.get(
        where, "the processors of both ends"
    )
    return Limit(
        kind,
        f"{case.stops}: {which} can do no more.",
        f"{rate_text(case.best.rate)} take {used}.",
        weight=case.weight,
        confidence=0.75,
        remedies=(Advice("Compress less, and run fewer other programs at the same time."),),
    )


def _host_busy(case: Case) -> Limit | None:
    """Its SSH process wants a processor and gets none."""
    waited, stolen = case.load.server_waiting or 0.0, case.load.stolen or 0.0
    if waited < 0.35 and stolen < _STOLEN:
        return None
    by = f" ({share_text(stolen)} is taken by other guests of the same machine)" if stolen >= _STOLEN else ""
    before = case.seen.before
    load = "" if before.load is None else f" Load {before.load:.1f} on {before.cores or '?'} processors."
    return Limit(
        LimitKind.HOST_BUSY,
        f"{case.stops}: {case.seen.host} is busy, and its SSH server waits for a processor{by}.",
        f"While the bytes went, it waited {share_text(waited)} of the time and ran "
        f"{share_text(case.load.server_running or 0.0)}.{load}",
        weight=case.weight,
        confidence=0.8,
        remedies=(
            Advice("See what keeps it busy.", f"fairlead run {case.seen.host} -- ps aux --sort=-%cpu"),
            Advice("For the administrator: a limit on processor time (cgroup, container) may be set too low for sshd."),
        ),
    )


def _is_slow(cipher: str) -> bool:
    """Whether others are known to be quicker on common processors (AES-GCM, in hardware)."""
    return bool(cipher) and "gcm" not in cipher


def _cipher_remedies(seen: Measurements) -> tuple[Advice, ...]:
    return (
        Advice(
            "Allow AES-GCM for this host: the `Ciphers` line of your ssh configuration names others only, or first.",
            f"ssh -G {seen.host} | grep -i ^ciphers",
        ),
        Advice(
            "For the administrator: `Ciphers +aes128-gcm@openssh.com` in sshd_config, where the host does not offer it."
        ),
    )


def _window(case: Case) -> Limit | None:
    allows, trip, window = case.allows, case.seen.round_trip, case.best.window
    if allows is None or trip is None or window is None or trip < 0.002:
        return None
    fit = case.best.rate / allows
    if not _WINDOW_FITS[0] <= fit <= _WINDOW_FITS[1]:
        return None
    whose = f"{case.seen.host} lets" if case.way is Way.UP else "this program lets"
    return Limit(
        LimitKind.WINDOW,
        f"{case.stops}: a window of {size_text(window)} over a round trip of {time_text(trip)} allows "
        f"{size_text(window)} / {trip:.2g} s = {rate_text(allows)}.",
        f"{whose} {size_text(window)} be under way in one channel; measured {rate_text(case.best.rate)}, "
        f"{share_text(fit)} of what that allows.",
        weight=case.weight,
        confidence=0.95 if 0.6 <= fit <= 1.2 else 0.7,
        remedies=(
            Advice(
                "`fairlead put` and `get` spread large files over several channels, each with a window of its own; "
                "ssh, scp and sftp use one."
            ),
            Advice("Copy many files in one command: up to 16 are under way at once.", _copying(case)),
            Advice("Where you can, go a shorter way: the window cannot be made larger from this side."),
        ),
    )


def _copying(case: Case) -> str:
    host = case.seen.host
    return f"fairlead put FILES… {host}:" if case.way is Way.UP else f"fairlead get {host}:FILES… ."


def _rate(case: Case) -> Limit | None:
    """A steady ceiling that nothing else explains: the path carries no more."""
    allows, trip = case.allows, case.seen.round_trip
    if allows is not None and case.best.rate > _BELOW_WINDOW * allows:
        return None
    if case.best.rate >= _FINE_LINE or case.best.evenness < _EVEN or case.best.seconds < _ROUNDS_TO_GO * (trip or 0.0):
        return None
    known = [
        "the window would allow " + rate_text(allows) if allows is not None else "",
        "no packets are lost" if case.loss is not None and case.loss < LOSSY else "",
        _idle(case),
    ]
    facts = ", ".join(fact for fact in known if fact)
    waits = ""
    if case.load.rtt is not None and trip is not None and case.load.rtt > 3 * trip + 0.05:
        waits = f" While they run, a round trip takes {time_text(case.load.rtt)} instead of {time_text(trip)}."
    return Limit(
        LimitKind.RATE,
        f"{case.stops}, steadily: the network on the way carries no more.{waits}",
        f"{facts[:1].upper()}{facts[1:]}: so the line, or somebody who shapes it, is the limit."
        if facts
        else "Nothing else was measured that would explain it.",
        weight=case.weight,
        confidence=min(0.9, 0.4 + 0.15 * sum(map(bool, known)) + (0.05 if case.best.evenness > 0.8 else 0.0)),
        remedies=(
            Advice("Compression helps with text: `Compression yes` for this host in your ssh configuration."),
            Advice("Send only what differs.", f"fairlead sync DIRECTORY/ {case.seen.host}:DIRECTORY/"),
            Advice("Ask who runs the line, the VPN or the firewall for its limit."),
        ),
    )


def _idle(case: Case) -> str:
    shares = ((case.best.cpu_here, "here"), (case.server_cpu, "there"))
    told = [f"{share_text(share)} {where}" for share, where in shares if share is not None]
    return f"the processors are idle ({', '.join(told)})" if told else ""


def _unexplained(case: Case) -> Limit | None:
    if case.best.rate >= _UNEXPLAINED:
        return None
    unknown = [
        name
        for name, value in (
            ("loss", case.loss),
            ("the host's processor", case.server_cpu),
            ("the window", case.allows),
        )
        if value is None
    ]
    missing = f" Not known: {', '.join(unknown)}." if unknown else ""
    return Limit(
        LimitKind.UNEXPLAINED,
        f"{case.stops}, and nothing that was measured says why.",
        f"The flow was uneven: its slower half had {share_text(case.best.evenness)} of the faster one's rate.{missing}",
        weight=case.weight,
        confidence=0.2,
        remedies=(Advice("Measure again at another time: others may be using the same line now."),),
    )


_RULES: tuple[Callable[[Case], Limit | None], ...] = (_cpu, _window, _rate, _unexplained)


def _disk(seen: Measurements) -> Iterator[Limit]:
    disk, best = seen.disk, seen.best(Way.UP)
    if disk is None or disk.write >= FINE or (best is not None and disk.write >= _DISK_SHARE * best.rate):
        return
    network = "was not measured" if best is None else f"brings {rate_text(best.rate)}"
    waits = seen.before.pressure.get("io")
    pressure = "" if waits is None else f" Something there waits for disks {waits:.0f} % of the time."
    yield Limit(
        LimitKind.DISK,
        f"Uploads stop at {rate_text(disk.write)}: the disk of {seen.host} writes no more.",
        f"{size_text(disk.bytes)} written with fsync into the home directory: {rate_text(disk.write)}; "
        f"the network {network}.{pressure}",
        weight=FINE / max(disk.write, 1.0),
        confidence=0.9 if best is not None else 0.6,
        remedies=(
            Advice(
                "Upload to another file system of the host, where it has one.", f"fairlead run {seen.host} -- df -h"
            ),
            Advice("See who writes there.", f"fairlead run {seen.host} -- iostat -x 1 3"),
        ),
    )
