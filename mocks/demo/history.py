"""How reaching the demo's hosts has gone in the last weeks: made from a seed, the same every time.

The simulated world has no past of its own; this is what `fairlead health` and the Connections screen show of one.
"""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Iterator

from backend.dataclass import dataclass
from backend.health.keeper import Past
from backend.health.records import HOUR, HourRow, add, add_hours
from backend.health.tally import DAY, Addition
from mocks.host import SimulatedHost
from mocks.world import World

_WEEKS = 4
_RECENT = 60
"""Single round trips, one each quarter of a minute, before the demo began."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a host is used, and what goes wrong there."""

    logins_a_day: int = 4
    hours_a_day: int = 9
    troubles: tuple[tuple[float, str, str], ...] = ()
    """Failed attempts: days ago, code, jump host at fault. They come before the logins of their day."""
    losses: tuple[tuple[float, str], ...] = ()
    """Lost connections: days ago and code."""
    last_used: float = 0.15
    """Days ago."""
    behind: str = ""
    """The jump host on the way to it, whose round trip counts as well."""


HABITS: dict[str, Habit] = {
    "web-1": Habit(logins_a_day=6, troubles=((1.1, "TCP_TIMEOUT", ""),)),
    "db-2": Habit(
        logins_a_day=2, hours_a_day=3, troubles=((9.3, "JUMP_FAILED", "bastion"),), last_used=1.9, behind="bastion"
    ),
    "bastion": Habit(logins_a_day=3, hours_a_day=4, troubles=((9.3, "TCP_REFUSED", ""), (20.4, "BANNER_CLOSED", ""))),
    "edge-3": Habit(logins_a_day=1, hours_a_day=2, troubles=((5.9, "HOST_KEY_CHANGED", ""),) * 3, last_used=6.2),
    "gpu-7": Habit(
        logins_a_day=5,
        hours_a_day=14,
        troubles=((3.2, "TCP_TIMEOUT", ""), (3.2, "TCP_TIMEOUT", ""), (11.5, "NAME_NOT_FOUND", "")),
        losses=tuple((days + 0.4, "CONNECTION_LOST") for days in range(1, 25, 3)),
        behind="bastion",
    ),
    "mirror-au": Habit(
        logins_a_day=1,
        hours_a_day=2,
        troubles=((2.3, "TCP_TIMEOUT", ""), (8.3, "TCP_TIMEOUT", ""), (15.2, "AUTH_TIMEOUT", "")),
        losses=((4.4, "KEEPALIVE_LOST"), (12.6, "KEEPALIVE_LOST"), (17.5, "KEEPALIVE_LOST")),
        last_used=0.9,
    ),
    "cluster": Habit(logins_a_day=2, troubles=((6.7, "AUTH_DENIED", ""),), losses=((13.5, "KEEPALIVE_LOST"),)),
}


Way = tuple[SimulatedHost, ...]
"""A host, then the jump host before it."""


def demo_past(world: World) -> Past:
    """What writes the past of `world`'s hosts into an empty store."""

    def write(connection: sqlite3.Connection, now: float) -> None:
        for host in world:
            habit = HABITS.get(host.name)
            if habit is not None:
                way = (host, *([world[habit.behind]] if habit.behind else []))
                add(connection, host.name, _past_of(way, habit, now), now)
                add_hours(connection, host.name, _hours_of(way, habit, now))

    return write


def _past_of(way: Way, habit: Habit, now: float) -> Addition:
    past = Addition()
    for at, what, code, hop in sorted(_happened(habit, now)):
        if what == "login":
            past.succeeded(at)
        elif what == "failure":
            past.failed(at, code, hop)
        else:
            past.lost(at, code)
            past.reconnects += 1
    past.connected = float(habit.hours_a_day * HOUR * 7 * _WEEKS)
    chance = random.Random(f"{way[0].name}: recent")
    for number in range(_RECENT if habit.last_used < 0.5 else 0):
        past.measured(now - 15.0 * (_RECENT - number), _round_trip(way, chance, 0.0))
    return past


def _happened(habit: Habit, now: float) -> Iterator[tuple[float, str, str, str]]:
    yield from ((now - days * DAY, "failure", code, hop) for days, code, hop in habit.troubles)
    yield from ((now - days * DAY, "loss", code, "") for days, code in habit.losses)
    for day in range(7 * _WEEKS):
        for login in range(habit.logins_a_day):
            ago = day + habit.last_used + 0.3 * login / habit.logins_a_day
            if ago >= habit.last_used:
                yield (now - ago * DAY, "login", "", "")


def _hours_of(way: Way, habit: Habit, now: float) -> Iterator[HourRow]:
    chance = random.Random(f"{way[0].name}: hours")
    first = int(habit.last_used * 24) + 4
    for ago in range(first, 24 * 7 * _WEEKS):
        hour = int(now // HOUR) - ago
        if (hour + 16) % 24 < habit.hours_a_day:
            busy = 0.5 + 0.5 * math.sin(2 * math.pi * (hour % 24) / 24)
            low, middle, high = sorted(_round_trip(way, chance, busy) for _ in range(3))
            yield hour, 240, low, middle, high


def _round_trip(way: Way, chance: random.Random, busy: float) -> float:
    networks = [host.network for host in way]
    return sum(one.round_trip + one.jitter * (busy + chance.expovariate(2.0)) for one in networks) + 0.0004
