"""What ends on a known date: certificates of people, of hosts, and others. Pure."""

from __future__ import annotations

from backend.health.deep.values import Level
from backend.health.trends.values import DAY, HORIZON_DAYS, Trend, TrendKind
from backend.health.trends.words import date_words, length_words, moment, span_of

_CRITICAL_DAYS, _WARN_DAYS = 3.0, 14.0
_LAST_PART = 1 / 4
"""Of its life. One that is renewed every day is no concern while more of it is left."""


def expiry(metric: str, name: str, ends: float, *, now: float, begins: float | None = None) -> Trend | None:
    """That `name` ends soon, or has ended; None while that is more than `HORIZON_DAYS` ahead.

    `begins`: since when it is valid, where that is known; short-lived ones are told in the last quarter of their life.
    """
    left = ends - now
    life = ends - begins if begins is not None and begins < ends else None
    if left > HORIZON_DAYS * DAY or (life is not None and life < HORIZON_DAYS * DAY and left > _LAST_PART * life):
        return None
    when = date_words(ends, now)
    ended = left <= 0
    return Trend(
        kind=TrendKind.EXPIRY,
        metric=metric,
        sentence=f"{name} {'ended' if ended else 'ends'} on {when}, {_distance(left)}",
        reasons=("The date stands in it.", *(() if life is None else (f"It was made for {length_words(life)}.",))),
        level=_level(left, life),
        short=f"{name} {'ended' if ended else 'ends'} {when}",
        eta=moment(ends),
        uncertainty=span_of(0),
        confidence=1.0,
    )


def _distance(left: float) -> str:
    return f"{length_words(-left)} ago" if left <= 0 else f"in {length_words(left)}"


def _level(left: float, life: float | None) -> Level:
    if left <= 0:
        return Level.CRITICAL
    if life is not None and life < HORIZON_DAYS * DAY:
        return Level.WARN
    if left < _CRITICAL_DAYS * DAY:
        return Level.CRITICAL
    return Level.WARN if left < _WARN_DAYS * DAY else Level.OK
