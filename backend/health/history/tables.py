"""The history of readings in SQLite. Every function runs in a transaction of the store, in its thread.

All writes add to what is there, so several processes may write about the same host. Checks are summed up host by host,
a quarter of a day at a time, so that no transaction is long.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from backend.dataclass import dataclass
from backend.health.deep.values import DeepCheck
from backend.health.history.packing import Block, Sum, can_be_kept, pack_block, pack_check, unpack_block, unpack_check
from backend.health.history.summing import DAY, HOUR, STRETCH, by_day, by_hour, merged
from backend.health.history.values import (
    CHANGES_DAYS,
    DAY_DAYS,
    HOUR_DAYS,
    MOST_NAMES,
    PIECE_HOURS,
    RAW_HOURS,
    Change,
    Point,
)

PIECE = PIECE_HOURS * HOUR
MOST_NAME = 200
"""Characters of a reading's name."""


@dataclass(slots=True)
class Fresh:
    """What is to be written about one host."""

    checks: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    last: DeepCheck | None = None
    """The newest check."""


def host_id(connection: sqlite3.Connection, host: str) -> int | None:
    """The number of a host that has a history."""
    row = connection.execute("SELECT id FROM health_hosts WHERE name = ?", (host,)).fetchone()
    return None if row is None else int(row[0])


def make_host_id(connection: sqlite3.Connection, host: str) -> int:
    """The number of a host, given to it now where it has none."""
    connection.execute("INSERT OR IGNORE INTO health_hosts (name) VALUES (?)", (host,))
    found = host_id(connection, host)
    assert found is not None
    return found


def write(connection: sqlite3.Connection, host: str, fresh: Fresh) -> int:
    """Add `fresh`; how many readings were left out because the host has had too many different ones."""
    number = make_host_id(connection, host)
    wanted = {name for _, values in fresh.checks for name in values}
    known = _numbers(connection, number, wanted)
    rows, left_out = [], 0
    for at, values in fresh.checks:
        kept = {known[name]: value for name, value in values.items() if name in known and can_be_kept(value)}
        left_out += len(values) - len(kept)
        if kept:
            rows.append((number, at, pack_check(kept)))
    connection.executemany("INSERT OR REPLACE INTO health_checks VALUES (?, ?, ?)", rows)
    connection.executemany(
        "INSERT INTO health_changes VALUES (?, ?, ?, ?, ?, ?)",
        [(number, one.at, one.name, one.old, one.new, one.text) for one in fresh.changes],
    )
    if fresh.last is not None:
        told = json.dumps(fresh.last.to_json(), ensure_ascii=False)
        connection.execute("UPDATE health_hosts SET last = ? WHERE id = ?", (told, number))
    return left_out


def numbers(connection: sqlite3.Connection, host: str) -> dict[str, int]:
    """The numbers of a host's readings, by name."""
    return _numbers(connection, make_host_id(connection, host), ())


def _numbers(connection: sqlite3.Connection, host: int, wanted: Iterable[str]) -> dict[str, int]:
    """As `numbers`; new ones get those that are free, as long as there are any."""
    known = {
        str(name): int(number)
        for name, number in connection.execute("SELECT name, number FROM health_names WHERE host = ?", (host,))
    }
    free = iter(sorted({*range(MOST_NAMES)} - {*known.values()}))
    new = (name for name in sorted(wanted) if name not in known and len(name) <= MOST_NAME)
    given = dict(zip(new, free, strict=False))
    rows = [(host, number, name) for name, number in given.items()]
    connection.executemany("INSERT INTO health_names VALUES (?, ?, ?)", rows)
    return {**known, **given}


def _give_back_numbers(connection: sqlite3.Connection, host: int) -> None:
    """Where a host has no number left: let go of those of readings that nothing is known of any more."""
    (count,) = connection.execute("SELECT count(*) FROM health_names WHERE host = ?", (host,)).fetchone()
    if count < MOST_NAMES:
        return
    used = {number for _, values in _checks(connection, host, "at >= ?", 0.0) for number in values}
    for step in (HOUR, DAY):
        used |= {number for _, block in _blocks(connection, host, step, "block >= ?", 0) for number, _ in block}
    rows = [(host, number) for number in range(MOST_NAMES) if number not in used]
    connection.executemany("DELETE FROM health_names WHERE host = ? AND number = ?", rows)


# --- summing up --------------------------------------------------------------------------------------------------


def due(connection: sqlite3.Connection, now: float) -> tuple[int, ...]:
    """Hosts with checks or hours that are to be summed up, or without a number for another reading."""
    rows = connection.execute(
        "SELECT id FROM health_hosts WHERE EXISTS (SELECT 1 FROM health_checks WHERE host = id AND at < ?)"
        " OR EXISTS (SELECT 1 FROM health_blocks WHERE host = id AND step = ? AND block < ?)"
        " OR (SELECT count(*) FROM health_names WHERE host = id) >= ? ORDER BY id",
        (_raw_limit(now), HOUR, _hours_limit(now), MOST_NAMES),
    )
    return tuple(int(row[0]) for row in rows)


def sum_up(connection: sqlite3.Connection, host: int, now: float) -> None:
    """Replace old checks of a host by hours, and old hours by days; drop what is too old for either."""
    limit = _raw_limit(now)
    old = _checks(connection, host, "at < ?", limit)
    for day, block in by_hour(old).items():
        _add_block(connection, host, HOUR, day, block)
    connection.execute("DELETE FROM health_checks WHERE host = ? AND at < ?", (host, limit))
    first = _hours_limit(now)
    for day, block in tuple(_blocks(connection, host, HOUR, "block < ?", first)):
        stretch, slot = divmod(day, STRETCH)
        days: Block = {(number, slot): one for number, one in by_day(block).items()}
        _add_block(connection, host, DAY, stretch, days)
    connection.execute("DELETE FROM health_blocks WHERE host = ? AND step = ? AND block < ?", (host, HOUR, first))
    _give_back_numbers(connection, host)


def prune(connection: sqlite3.Connection, now: float) -> None:
    """Drop what is too old to be shown, of all hosts."""
    stretch = int(now // DAY - DAY_DAYS) // STRETCH
    connection.execute("DELETE FROM health_blocks WHERE step = ? AND block < ?", (DAY, stretch))
    for table in ("health_changes", "health_deeds"):
        connection.execute(f"DELETE FROM {table} WHERE at < ?", (now - CHANGES_DAYS * DAY,))  # noqa: S608 - our names


def _raw_limit(now: float) -> float:
    return (now - RAW_HOURS * HOUR) // PIECE * PIECE


def _hours_limit(now: float) -> int:
    return int(now // DAY) - HOUR_DAYS


def _add_block(connection: sqlite3.Connection, host: int, step: int, place: int, block: Block) -> None:
    known = dict(_blocks(connection, host, step, "block = ?", place)).get(place, {})
    connection.execute(
        "INSERT OR REPLACE INTO health_blocks VALUES (?, ?, ?, ?)",
        (host, step, place, pack_block(merged(known, block))),
    )


def _checks(
    connection: sqlite3.Connection, host: int, condition: str, value: float
) -> list[tuple[float, dict[int, float]]]:
    """Damaged rows, which nobody should have written, are left out."""
    found = []
    query = f"SELECT at, readings FROM health_checks WHERE host = ? AND {condition} ORDER BY at"  # noqa: S608
    for at, data in connection.execute(query, (host, value)):
        try:
            found.append((float(at), unpack_check(data)))
        except ValueError:
            continue
    return found


def _blocks(
    connection: sqlite3.Connection, host: int, step: int, condition: str, value: int
) -> Iterator[tuple[int, Block]]:
    query = f"SELECT block, sums FROM health_blocks WHERE host = ? AND step = ? AND {condition} ORDER BY block"  # noqa: S608
    for place, data in connection.execute(query, (host, step, value)):
        try:
            yield int(place), unpack_block(data)
        except ValueError:
            continue


# --- reading -----------------------------------------------------------------------------------------------------


def names(connection: sqlite3.Connection, host: str) -> tuple[str, ...]:
    """The readings of which there is something, sorted."""
    query = "SELECT health_names.name FROM health_names JOIN health_hosts ON id = host WHERE health_hosts.name = ?"
    return tuple(sorted(str(row[0]) for row in connection.execute(query, (host,))))


def hosts(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Every host with a history, sorted."""
    return tuple(str(row[0]) for row in connection.execute("SELECT name FROM health_hosts ORDER BY name"))


def last(connection: sqlite3.Connection, host: str) -> str | None:
    """The newest check as JSON."""
    row = connection.execute("SELECT last FROM health_hosts WHERE name = ?", (host,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def series(
    connection: sqlite3.Connection, host: str, wanted: Sequence[str], since: float
) -> dict[str, tuple[Point, ...]]:
    """The points of some readings from `since` on, oldest first; a reading without any is left out."""
    number = host_id(connection, host)
    if number is None:
        return {}
    rows = connection.execute("SELECT number, name FROM health_names WHERE host = ?", (number,))
    known = {int(one): str(name) for one, name in rows if name in wanted}
    points: dict[str, list[Point]] = {name: [] for name in known.values()}
    for one, point in _points(connection, number, since):
        if one in known and point.at >= since:
            points[known[one]].append(point)
    return {name: tuple(sorted(all_, key=lambda one: one.at)) for name, all_ in points.items() if all_}


def _points(connection: sqlite3.Connection, host: int, since: float) -> Iterator[tuple[int, Point]]:
    for step, width in ((DAY, STRETCH), (HOUR, DAY // HOUR)):
        for place, block in _blocks(connection, host, step, "block >= ?", int(since // (step * width))):
            for (number, slot), one in block.items():
                yield number, _point((place * width + slot + 0.5) * step, one)
    for at, values in _checks(connection, host, "at >= ?", since):
        for number, value in values.items():
            yield number, Point(at, value, value, value, 1)


def _point(at: float, one: Sum) -> Point:
    return Point(at, one.low, one.middle, one.high, one.count)


def changes(connection: sqlite3.Connection, host: str, since: float) -> tuple[Change, ...]:
    """Changes of level, oldest first."""
    number = host_id(connection, host)
    query = "SELECT at, name, old, new, text FROM health_changes WHERE host = ? AND at >= ? ORDER BY at, rowid"
    return tuple(Change(*row) for row in connection.execute(query, (number, since)))


def forget(connection: sqlite3.Connection, host: str) -> None:
    """Drop everything about `host`, but for what the recovery did: its caps hold all the same."""
    number = host_id(connection, host)
    if number is None:
        return
    for table in ("health_names", "health_checks", "health_blocks", "health_changes"):
        connection.execute(f"DELETE FROM {table} WHERE host = ?", (number,))  # noqa: S608 - names of our own
    connection.execute("UPDATE health_hosts SET last = NULL WHERE id = ?", (number,))
