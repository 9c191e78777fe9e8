"""Which of a host's processes belong to a command: read from the host's process table. Pure.

On Linux the table is `/proc/PID/stat` of all processes (proc(5)), elsewhere what ps(1) of POSIX tells. A server starts
each command in a session of its own (setsid(2)); what the command starts stays in it unless it takes pains to leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from backend.connection.connector import Place
from backend.dataclass import dataclass
from backend.text import clean_line, show_bytes

LOOK = b"""echo $PPID $$
if test -r /proc/self/stat; then cat /proc/[0-9]*/stat 2>/dev/null
else ps -A -o pid= -o ppid= -o pgid= -o stat= -o comm=; fi"""
"""A POSIX script that prints the number of the server's process and its own, then the table."""

_STAT = re.compile(
    rb"^(\d+) \((.{0,64}?)\) ([A-Za-z]) (\d+) (-?\d+) (-?\d+)(?: -?\d+){15} (\d+)[ \d-]*$", re.MULTILINE | re.DOTALL
)
_PS = re.compile(rb"^ *(\d+) +(\d+) +(\d+) +([A-Za-z])\S* +(\S.*)$", re.MULTILINE)
_NAMED = 5
"""Processes that are told by number and name."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a host."""

    pid: int
    parent: int
    group: int
    session: int
    """Its session, or its group where the host does not tell."""
    started: int
    """Clock ticks since the host's boot; 0 where the host does not tell."""
    name: bytes


@dataclass(frozen=True, slots=True)
class Table:
    """The processes of a host at one moment, those left out that have ended and wait for their parent."""

    server: int
    """The process of the server which the look came through."""
    looker: int
    """The look itself."""
    processes: tuple[Process, ...]


def read_table(said: bytes) -> Table | None:
    """What `LOOK` printed; None where it is nothing of the kind."""
    first, _, rest = said.partition(b"\n")
    own = re.fullmatch(rb"(\d+) (\d+)\s*", first)
    if own is None:
        return None
    found = [_of_stat(match) for match in _STAT.finditer(rest)] or [_of_ps(match) for match in _PS.finditer(rest)]
    return Table(int(own[1]), int(own[2]), tuple(each for each in found if each is not None)) if found else None


def _of_stat(match: re.Match[bytes]) -> Process | None:
    pid, name, state, parent, group, session, started = match.groups()
    if state in b"ZXx":
        return None
    return Process(int(pid), int(parent), int(group), int(session), int(started), name)


def _of_ps(match: re.Match[bytes]) -> Process | None:
    pid, parent, group, state, name = match.groups()
    return None if state == b"Z" else Process(int(pid), int(parent), int(group), int(group), 0, name)


def leader(table: Table, place: Place) -> Process | None:
    """The first process of the command that has this place among those of the connection; None where that is not sure.

    All that the connection runs has the server's process for its parent. `place` was taken after the look had ended.
    """
    others = [each for each in table.processes if each.parent == table.server and each.pid != table.looker]
    if len(others) != place.before + 1 + place.after or (len(others) > 1 and any(not each.started for each in others)):
        return None
    found = sorted(others, key=lambda each: (each.started, each.pid))[place.before]
    same = [each for each in others if each.started == found.started]
    in_order = len(same) == 1 or max(each.pid for each in same) - min(each.pid for each in same) < _CLOSE
    return found if in_order else None


_CLOSE = 10_000
"""Numbers that are further apart than this have begun anew between them, and say nothing about who was first."""


def kin(table: Table, root: Process, before: Iterable[Process] = ()) -> tuple[Process, ...]:
    """What belongs to the command that began as `root`: its session, where it has one of its own, what descends from
    it, and what of `known`, as an earlier table told, is still there."""
    known = {(each.pid, each.started) for each in (root, *before)}
    found = {
        each.pid
        for each in table.processes
        if (each.session == root.session == root.pid) or (each.pid, each.started) in known
    }
    while more := {each.pid for each in table.processes if each.parent in found} - found:
        found |= more
    return tuple(each for each in table.processes if each.pid in found and each.pid > 1)


def kill_script(signal: str, processes: Iterable[Process]) -> bytes:
    """A POSIX script that signals them, each by its number, and their groups, for what they start meanwhile."""
    members = list(processes)
    pids = {each.pid for each in members}
    groups = sorted({each.group for each in members if each.group in pids})
    alone = sorted(each.pid for each in members if each.group not in groups)
    words = b" ".join([*(b"-%d" % group for group in groups), *(b"%d" % pid for pid in alone)])
    return b"kill -s %s -- %s 2>/dev/null" % (signal.encode(), words)


def named(processes: Iterable[Process]) -> str:
    """`4321 (sleep), 4322 (yes)`: for people, cleaned."""
    members = list(processes)
    told = [f"{each.pid} ({clean_line(show_bytes(each.name))})" for each in members[:_NAMED]]
    return ", ".join(told) + (f" and {len(members) - _NAMED} more" if len(members) > _NAMED else "")
