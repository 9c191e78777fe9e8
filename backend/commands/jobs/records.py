"""Reading what the scripts tell of jobs. Pure; whatever the files on the host hold, this does not fail on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from datetime import UTC, datetime
from urllib.parse import quote_from_bytes, unquote_to_bytes

from backend.commands.jobs.model import Job, JobState, Usage, is_id
from backend.dataclass import dataclass

HEAD = 2000
"""Bytes of a command that are noted; the whole of it is in a file of its own."""
_PLAIN = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}~"
_NUMBER = re.compile(rb"[0-9]{1,18}")
_START_LIMIT = 60.0
"""Seconds after which a job without a process counts as one that never came to life."""
_LATEST = 253402300799
"""Seconds since 1970 that a calendar of four-digit years holds."""


def encode(raw: bytes) -> bytes:
    """`raw` on one line, readable where it is plain ASCII (`%` and two digits where not)."""
    return quote_from_bytes(raw, safe=_PLAIN).encode()


def decode(text: bytes) -> bytes:
    """What `encode` has encoded; anything else comes out somehow."""
    return unquote_to_bytes(text)


@dataclass(slots=True)
class Found:
    """What was told of one job."""

    id: str
    about: dict[bytes, bytes] = field(default_factory=dict)
    told: dict[bytes, bytes] = field(default_factory=dict)
    use: tuple[int, ...] = ()


@dataclass(slots=True)
class Told:
    """What a script has told."""

    head: dict[bytes, bytes] = field(default_factory=dict)
    jobs: dict[str, Found] = field(default_factory=dict)
    complete: bool = False
    """Whether it came to its end."""

    @property
    def base(self) -> bytes:
        """The directory of all jobs."""
        return decode(self.head.get(b"base", b"")).removesuffix(b"\n")


def read(answer: bytes) -> Told:
    """What `look` or `start` have told."""
    told = Told()
    current: Found | None = None
    for line in answer.split(b"\n"):
        word, _, rest = line.partition(b" ")
        if word == b"job":
            name = rest.decode("ascii", "replace")
            current = told.jobs.setdefault(name, Found(name)) if is_id(name) else None
        elif word == b"use":
            _note_use(told, rest)
        elif word in (b"rc", b"pid", b"keeper"):
            if current is not None:
                current.told[word] = rest
        elif word == b"|":
            if current is not None:
                name_, _, value = rest.partition(b" ")
                current.about.setdefault(name_, value)
        elif word == b"end":
            told.complete = True
        elif word:
            told.head.setdefault(word, rest)
    return told


def _note_use(told: Told, rest: bytes) -> None:
    name, *numbers = rest.split()
    found = told.jobs.get(name.decode("ascii", "replace")) if len(numbers) == 6 else None
    if found is not None:
        found.use = tuple(_number(number) or 0 for number in numbers)


def _number(raw: bytes) -> int | None:
    return int(raw) if _NUMBER.fullmatch(raw) else None


def _moment(raw: bytes) -> datetime | None:
    seconds = _number(raw)
    return None if seconds is None or seconds > _LATEST else datetime.fromtimestamp(seconds, UTC)


def jobs_of(told: Told, host: str, seen: datetime) -> Iterator[Job]:
    """The jobs, newest first."""
    for job_id in sorted(told.jobs, reverse=True):
        yield _job(told, told.jobs[job_id], host, seen)


def _job(told: Told, found: Found, host: str, seen: datetime) -> Job:
    about, directory = found.about, told.base + b"/" + found.id.encode()
    state = _state(told, found)
    if state is JobState.UNREADABLE:
        return Job(host=host, id=found.id, state=state, directory=directory, seen=seen)
    status, ended = _end(found)
    started, now = _moment(about.get(b"started", b"")), _moment(told.head.get(b"now", b""))
    until = ended or (now if state in {JobState.RUNNING, JobState.STARTING} else None)
    sizes = told.head.get(b"size", b"").split()
    command = decode(about.get(b"command", b""))
    return Job(
        host=host,
        id=found.id,
        state=state,
        name=decode(about.get(b"name", b"")).decode("utf-8", "backslashreplace"),
        command=command,
        command_size=_number(about.get(b"length", b"")) or len(command),
        cwd=decode(about.get(b"cwd", b"")).removesuffix(b"\n"),
        variables=tuple(decode(about.get(b"variables", b"")).decode("utf-8", "backslashreplace").split()),
        started=started,
        ended=ended,
        status=status,
        pid=_number(found.told.get(b"pid", b"")),
        keeper=found.told.get(b"keeper") == b"lives" if state is JobState.RUNNING else True,
        directory=directory,
        usage=_usage(told, found) if state is JobState.RUNNING else None,
        out_size=_number(sizes[0]) if len(sizes) == 2 else None,
        err_size=_number(sizes[1]) if len(sizes) == 2 else None,
        running_for=None if started is None or until is None else max(0.0, (until - started).total_seconds()),
        seen=seen,
        risk=_RISKS.get(told.head.get(b"risk", b""), ""),
    )


_RISKS = {
    b"logind": "this host ends what a person runs when the person logs out (KillUserProcesses of systemd-logind); ask "
    "its administrator for `loginctl enable-linger`"
}


def _end(found: Found) -> tuple[int | None, datetime | None]:
    words = found.told.get(b"rc", b"").split()
    if len(words) != 2:
        return None, None
    status = _number(words[0])
    return (status if status is not None and status <= 255 else None), _moment(words[1])


def _state(told: Told, found: Found) -> JobState:
    """What the signs say; see `JobState`."""
    if found.about.get(b"fairlead-job") != b"1":
        return JobState.UNREADABLE
    if b"rc" in found.told:
        return JobState.ENDED
    boot = told.head.get(b"boot", b"")
    if found.about.get(b"boot", b"") != boot:
        return JobState.REBOOTED
    keeper = found.told.get(b"keeper")
    if keeper == b"lives" or (keeper == b"gone" and found.use):
        return JobState.RUNNING
    if keeper is None and _age(told, found) < _START_LIMIT:
        return JobState.STARTING
    return JobState.VANISHED


def _age(told: Told, found: Found) -> float:
    """Seconds since it was started."""
    now, started = _number(told.head.get(b"now", b"")), _number(found.about.get(b"started", b""))
    return _START_LIMIT if now is None or started is None else float(now - started)


def _usage(told: Told, found: Found) -> Usage | None:
    if not found.use:
        return None
    count, resident, peak, ticks, shares, dark = found.use
    second = _number(told.head.get(b"ticks", b"")) or 100
    proportional = shares * 1024 if shares and not dark else None
    return Usage(count, resident * 1024, peak * 1024, ticks / second, proportional)
