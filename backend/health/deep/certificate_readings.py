"""How long certificates hold, the person's own and the one that the host has shown, as readings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.health.deep.certificates import Certificate, parse_certificate
from backend.health.deep.seen import Seen
from backend.health.deep.thresholds import Threshold, Thresholds
from backend.health.deep.values import Reading
from backend.health.deep.wording import span


def certificate_readings(lines: Sequence[bytes], seen: Seen, thresholds: Thresholds) -> Iterator[Reading]:
    """`lines`: the public certificates that the host keeps; only the one of the key it has shown counts."""
    yield from _expiry("user", "Your certificate", seen.certificates, seen.now, thresholds)
    found = (parse_certificate(line, "host") for line in lines)
    shown = tuple(one for one in found if one is not None and one.is_host)
    used = tuple(one for one in shown if one.fingerprint == seen.host_key)
    yield from _expiry("host", "The host's certificate", used, seen.now, thresholds)


def _expiry(
    whose: str, called: str, certificates: Sequence[Certificate], now: float, thresholds: Thresholds
) -> Iterator[Reading]:
    """The one of them that holds longest: it is enough that one does."""
    if not certificates:
        return
    name = f"certificate.{whose}.seconds_left"
    one = max(certificates, key=lambda each: float("inf") if each.until is None else each.until)
    named = f"{called} ({one.where})" if whose == "user" else called
    if one.until is None or one.life is None:
        return
    left = one.until - now
    text = f"{named} holds for another {span(left)}." if left > 0 else f"{named} ran out {span(-left)} ago."
    yield Reading(name, left, "seconds", _for_its_life(thresholds.of(name), one.life).judge(left), text)


def _for_its_life(usual: Threshold, life: float) -> Threshold:
    """Certificates that are made for a day are not bad for being so: a quarter, and a twentieth, of their life is."""
    warn, critical = usual.warn, usual.critical
    return Threshold(
        None if warn is None else min(warn, life / 4),
        None if critical is None else min(critical, life / 20),
        is_floor=True,
    )
