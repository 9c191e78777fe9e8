"""Reading what the script tells of processes. Pure; whatever a process calls itself, this does not fail on it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from backend.commands.processes.model import Process, ProcessTable
from backend.dataclass import dataclass
from backend.text import clean_line

_STAT = re.compile(rb"s (\d{1,10}) (\d{1,10}) (\S) (\d{1,20}) (\d{1,15}) (\d{1,15})")
_WORDS = re.compile(rb"p +(\d{1,10}) +(\S+) +(.*)")
_OTHER = re.compile(
    rb"o +(\d{1,10}) +(\d{1,10}) +(\S+) +(\d{1,12}) +([\d:.-]{1,20}) +([\d:.-]{1,20})"
    rb" +(\w{3} +\w{3} +\d{1,2} [\d:]{8} \d{4}) +(\S+) +(.*)"
)
_TIME = re.compile(rb"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")


@dataclass(slots=True)
class _Gathered:
    """What was told, by PID."""

    stats: dict[int, re.Match[bytes]] = field(default_factory=dict)
    words: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    head: dict[bytes, bytes] = field(default_factory=dict)
    found: list[Process] = field(default_factory=list)
    odd: int = 0
    complete: bool = False


def read_table(answer: bytes, host: str, at: datetime) -> ProcessTable | None:
    """The table; None where the answer is not whole."""
    gathered = _Gathered()
    for line in answer.split(b"\n"):
        _take(gathered, line)
    if not gathered.complete:
        return None
    gathered.found += _joined(gathered)
    memory = _float(gathered.head.get(b"memory", b""))
    return ProcessTable(
        host,
        at,
        tuple(sorted(gathered.found, key=lambda process: process.pid)),
        int(memory * 1024) or None,
        gathered.odd,
    )


def _take(gathered: _Gathered, line: bytes) -> None:
    if line.startswith(b"s "):
        if match := _STAT.fullmatch(line):
            gathered.stats[int(match[1])] = match
        else:
            gathered.odd += 1
    elif line.startswith(b"p "):
        if match := _WORDS.fullmatch(line):
            gathered.words[int(match[1])] = (clean_line(match[2].decode("utf-8", "replace")), match[3])
        elif b"USER" not in line[:40] and line.strip() != b"p":  # busybox has a heading
            gathered.odd += 1
    elif line.startswith(b"o "):
        if match := _OTHER.fullmatch(line):
            gathered.found.append(_from_ps(match))
        else:
            gathered.odd += 1
    elif line == b"end":
        gathered.complete = True
    else:
        word, _, rest = line.partition(b" ")
        gathered.head.setdefault(word, rest)


def _joined(gathered: _Gathered) -> Iterable[Process]:
    """What /proc and ps(1) tell of the same processes; one that came or went between the two is left out."""
    second = _float(gathered.head.get(b"ticks", b"")) or 100.0
    page = int(_float(gathered.head.get(b"page", b""))) or 4096
    up = _float(gathered.head.get(b"up", b""))
    for pid, (user, command) in gathered.words.items():
        match = gathered.stats.get(pid)
        if match is None:
            continue
        start = int(match[4])
        yield Process(
            pid=pid,
            parent=int(match[2]),
            user=user,
            state=match[3].decode("ascii", "replace"),
            resident=int(match[6]) * page,
            cpu_seconds=int(match[5]) / second,
            age=max(0.0, up - start / second) if up else None,
            start=str(start),
            command=command,
        )


def _from_ps(match: re.Match[bytes]) -> Process:
    return Process(
        pid=int(match[1]),
        parent=int(match[2]),
        user=clean_line(match[8].decode("utf-8", "replace")),
        state=match[3][:1].decode("ascii", "replace"),
        resident=int(match[4]) * 1024,
        cpu_seconds=_seconds(match[5]) or 0.0,
        age=_seconds(match[6]),
        start=re.sub(r" +", "_", match[7].decode("ascii", "replace")),
        command=match[9],
    )


def _seconds(text: bytes) -> float | None:
    """`[[dd-]hh:]mm:ss`, as ps(1) writes times."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def _float(raw: bytes) -> float:
    """Zero for what is no number."""
    text = raw.strip().split(b" ")[0]
    return float(text) if re.fullmatch(rb"\d{1,15}(\.\d{1,9})?", text) else 0.0
