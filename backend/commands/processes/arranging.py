"""Putting processes in order: by what they take, by who they are, or as the tree that they form. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from backend.commands.processes.model import Process, ProcessTable, Row
from backend.text import show_bytes


class Order(StrEnum):
    """What a table is sorted by."""

    CPU = "cpu"
    """Busiest first."""
    MEMORY = "memory"
    """Largest first."""
    TIME = "time"
    """Most processor used first."""
    AGE = "age"
    """Youngest first."""
    PID = "pid"
    USER = "user"
    NAME = "name"


_KEYS: Mapping[Order, Callable[[Row], object]] = {
    Order.CPU: lambda row: (-row.cpu, row.process.pid),
    Order.MEMORY: lambda row: (-row.process.resident, row.process.pid),
    Order.TIME: lambda row: (-row.process.cpu_seconds, row.process.pid),
    Order.AGE: lambda row: (float("inf") if row.process.age is None else row.process.age, row.process.pid),
    Order.PID: lambda row: row.process.pid,
    Order.USER: lambda row: (row.process.user, row.process.pid),
    Order.NAME: lambda row: (row.process.name.lower(), row.process.pid),
}


def rows_of(table: ProcessTable, before: ProcessTable | None = None) -> list[Row]:
    """A row for each process. With the table `before`, its processor time is that of the time between the two."""
    known = {} if before is None else before.by_pid()
    seconds = 0.0 if before is None else (table.at - before.at).total_seconds()
    return [Row(process, _cpu(process, known.get(process.pid), seconds)) for process in table.processes]


def _cpu(process: Process, before: Process | None, seconds: float) -> float:
    if before is None or before.start != process.start or seconds <= 0:
        return process.cpu
    return max(0.0, 100 * (process.cpu_seconds - before.cpu_seconds) / seconds)


def matching(rows: Iterable[Row], *, words: str = "", user: str | None = None) -> list[Row]:
    """Those of `user` in whose line every one of `words` stands: PID, account or command."""
    wanted = words.lower().split()
    return [
        row for row in rows if (user is None or row.process.user == user) and (not wanted or _has(row.process, wanted))
    ]


def _has(process: Process, wanted: list[str]) -> bool:
    line = f"{process.pid} {process.user} {show_bytes(process.command)}".lower()
    return all(word in line for word in wanted)


def in_order(rows: Iterable[Row], order: Order, *, reverse: bool = False) -> list[Row]:
    """Sorted; what is equal, by PID."""
    return sorted(rows, key=_KEYS[order], reverse=reverse)  # type: ignore[arg-type]  # keys of one order compare


def as_tree(rows: Iterable[Row], order: Order = Order.PID) -> list[Row]:
    """Each one below its parent, siblings in order. One whose parent is not among `rows` begins a tree of its own."""
    sorted_rows = in_order(rows, order)
    present = {row.process.pid for row in sorted_rows}
    children: dict[int, list[Row]] = {}
    roots: list[Row] = []
    for row in sorted_rows:
        parent = row.process.parent
        (children.setdefault(parent, []) if parent in present and parent != row.process.pid else roots).append(row)
    arranged: list[Row] = []
    seen: set[int] = set()
    for start in (*roots, *sorted_rows):  # the second time for rings, which only a lie can make
        waiting = [(start, 0)]
        while waiting:
            row, depth = waiting.pop()
            if row.process.pid in seen:
                continue
            seen.add(row.process.pid)
            arranged.append(Row(row.process, row.cpu, depth))
            waiting += [(child, depth + 1) for child in reversed(children.get(row.process.pid, ()))]
    return arranged
