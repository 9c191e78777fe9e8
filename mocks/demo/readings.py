"""What deep checks of the demo's hosts would have read in the last weeks: made from a seed, the same every time.

Disks of web-1 and gpu-7 fill, an application on db-2 leaks memory, the way to mirror-au became slower three days ago.
Each line ends where the simulated host stands now.
"""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping

from backend.health.history import tables
from backend.health.history.packing import Block, Sum, pack_block
from backend.health.history.service import Seed
from backend.health.history.summing import DAY, HOUR
from backend.health.history.tables import Fresh
from backend.health.history.values import PIECE_HOURS, RAW_HOURS
from mocks.demo.history import HABITS
from mocks.host import SimulatedHost
from mocks.world import World

_DAYS = 28
_EVERY = 300.0
"""Seconds between two checks of the last day."""
_LATER = 3.0
"""Days ago from which on the way to mirror-au is slower."""

Course = Callable[[float], float]
"""A reading by how many days ago it was."""


def demo_readings(world: World) -> Seed:
    """What writes the readings of `world`'s hosts into an empty history."""

    def write(connection: sqlite3.Connection, now: float) -> None:
        for host in world:
            _write(connection, world, host, now)

    return write


def _write(connection: sqlite3.Connection, world: World, host: SimulatedHost, now: float) -> None:
    courses, chance = _courses(world, host), random.Random(f"{host.name}: readings")
    piece = PIECE_HOURS * HOUR
    limit = (now - RAW_HOURS * HOUR) // piece * piece
    checks: list[tuple[float, Mapping[str, float]]] = []
    for number in range(int((now - limit) // _EVERY), 0, -1):
        at = now - number * _EVERY
        checks.append((at, dict(_values(courses, chance, at, now))))
    tables.write(connection, host.name, Fresh(checks))
    known = tables.numbers(connection, host.name)
    first_day = int(now // DAY) - _DAYS
    for day in range(first_day, int(limit // DAY) + 1):
        block: Block = {}
        for hour in range(24):
            at = day * DAY + (hour + 0.5) * HOUR
            if at < limit:
                for name, value in _values(courses, chance, at, now):
                    spread = abs(value) * 0.02
                    block[known[name], hour] = Sum(max(0.0, value - spread), value, value + spread, 12)
        if block:
            row = (tables.make_host_id(connection, host.name), HOUR, day, pack_block(block))
            connection.execute("INSERT OR REPLACE INTO health_blocks VALUES (?, ?, ?, ?)", row)


def _values(courses: dict[str, Course], chance: random.Random, at: float, now: float) -> Iterator[tuple[str, float]]:
    ago = (now - at) / DAY
    day = math.sin(2 * math.pi * ((at / DAY) % 1.0 - 0.3))
    for name, course in courses.items():
        value = course(ago)
        if name.startswith(("load.", "pressure.", "sockets.", "latency")):
            value *= max(0.1, 1 + 0.2 * day + chance.gauss(0.0, 0.12))
        elif name == "memory.available_ratio":
            value = min(1.0, max(0.0, value + chance.gauss(0.0, 0.006)))
        elif name.endswith("used_ratio"):
            value = min(1.0, max(0.0, value + chance.gauss(0.0, 0.0008)))
        yield name, value


def _courses(world: World, host: SimulatedHost) -> dict[str, Course]:
    machine, space = host.machine, host.tree.space()
    habit = HABITS.get(host.name)
    way = (host, *([world[habit.behind]] if habit is not None and habit.behind else []))
    used, memory = 1 - space.free / space.total, 1 - machine.memory_used / machine.memory
    courses: dict[str, Course] = {
        "latency": _constant(sum(one.network.round_trip + one.network.jitter / 2 for one in way)),
        "load.5m": _constant(machine.load[1]),
        "load.per_cpu": _constant(machine.load[1] / machine.cores),
        "memory.available_ratio": _constant(memory),
        "disk./.used_ratio": _constant(used),
        "inodes./.used_ratio": _constant(0.11),
        "units.failed": _constant(float(sum(one.active == "failed" for one in host.services))),
        "sockets.tcp": _constant(20.0),
        "processes.count": _constant(100.0),
    }
    for what, share in zip(("cpu", "io", "memory"), machine.pressure, strict=True):
        courses[f"pressure.{what}"] = _constant(share / 100)
    for one in machine.volumes:
        courses[f"disk.{one.mount}.used_ratio"] = _constant(one.used / one.total)
    return courses | _troubles(host.name, used, memory, courses)


def _troubles(host: str, used: float, memory: float, usual: dict[str, Course]) -> dict[str, Course]:
    if host == "web-1":
        return {"disk./.used_ratio": lambda ago: used - 0.0085 * ago}
    if host == "gpu-7":
        data = usual["disk./data.used_ratio"](0.0)
        return {"disk./data.used_ratio": lambda ago: data - 0.006 * ago}
    if host == "db-2":
        return {"memory.available_ratio": lambda ago: memory + 0.009 * ago}
    if host == "mirror-au":
        latency = usual["latency"](0.0)
        return {"latency": lambda ago: latency if ago < _LATER else latency * 0.7}
    return {}


def _constant(value: float) -> Course:
    return lambda ago: value
