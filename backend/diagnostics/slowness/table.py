"""The measurements as rows for people: what, how much, and how long a bar it deserves. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from backend.dataclass import dataclass
from backend.diagnostics.slowness.report import LimitKind
from backend.diagnostics.slowness.values import Lane, Measurements, Step, Transfer, Way
from backend.diagnostics.slowness.words import coarse_text, rate_text, share_text, time_text
from backend.text import clean_line

_KINDS = {
    LimitKind.LOOKUP_HERE: "looking up the name here",
    LimitKind.TCP: "the host accepts connections late",
    LimitKind.BANNER: "the host is silent at first",
    LimitKind.KEX: "agreeing on the keys",
    LimitKind.LOOKUP_THERE: "the host looks up our name at the login",
    LimitKind.LOGIN: "the login itself",
    LimitKind.SESSION: "opening the session",
    LimitKind.LOGIN_FILES: "login files",
    LimitKind.COMMANDS: "starting programs there",
    LimitKind.DISTANCE: "the distance",
    LimitKind.WINDOW: "window and distance",
    LimitKind.RATE: "the line carries no more",
    LimitKind.LOSS: "lost packets",
    LimitKind.QUEUE: "a queue on the way",
    LimitKind.DISK: "the disk there",
    LimitKind.CIPHER: "the cipher",
    LimitKind.CPU_HERE: "the processor here",
    LimitKind.CPU_THERE: "the processor there",
    LimitKind.HOST_BUSY: "the host is busy",
    LimitKind.UNEXPLAINED: "nothing that was measured",
}

BUSY = 0.5
"""Share of a processor from which on it is worth a word."""
_ENOUGH_SEGMENTS = 100
_WAYS = {Way.DOWN: "download", Way.UP: "upload"}
_LANES = {Lane.SFTP: "SFTP", Lane.EXEC: "command"}
_STEPS = {
    Step.ROUND_TRIP: "round trip",
    Step.COMMANDS: "commands",
    Step.LOGIN_FILES: "login files",
    Step.LOOKUP: "name lookup",
    Step.DOWNLOAD: "download",
    Step.UPLOAD: "upload",
    Step.STREAMS: "through commands",
    Step.DISK: "disk",
    Step.CIPHER: "cipher",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    group: str
    """`login`, `steps`, `bulk` or `missing`: bars of one group are to the same scale."""
    label: str
    value: str
    size: float = 0.0
    """What the bar shows: seconds, or bytes a second."""
    note: str = ""


def limit_word(kind: LimitKind) -> str:
    """What a limit is called, in a few words."""
    return _KINDS[kind]


def step_word(step: Step) -> str:
    """What a step is called."""
    return "login" if step is Step.LOGIN else _STEPS[step]


def table(seen: Measurements) -> tuple[Row, ...]:
    """All that was measured, in the order in which it happens to a person; at the end what was not."""
    return (*_login(seen), *_steps(seen), *_bulk(seen), *_missing(seen))


def _login(seen: Measurements) -> Iterator[Row]:
    hops = list(dict.fromkeys(one.hop for one in seen.phases))
    for one in seen.phases:
        before = f"{clean_line(one.hop)}: " if len(hops) > 1 else ""
        yield Row("login", f"{before}{one.phase.replace('_', ' ')}", time_text(one.seconds), one.seconds)
    if seen.first_command is not None:
        yield Row("login", "first command", time_text(seen.first_command), seen.first_command)


def _steps(seen: Measurements) -> Iterator[Row]:
    files = seen.login_files
    coarse = ("login files", "terminal shell", "bare shell")
    figures = (
        ("round trip", seen.round_trip, f"the middle of {len(seen.pings)}"),
        ("open a channel", seen.channel_open, ""),
        ("command", seen.command, f"the middle of {len(seen.commands)}"),
        ("login files", files.command if files else None, "before each command"),
        ("terminal shell", files.interactive if files else None, "with its profile"),
        ("bare shell", files.bare if files else None, "reading nothing"),
        ("name lookup", seen.lookup, "of our address, on the host"),
    )
    for label, seconds, note in figures:
        if seconds is not None:
            told = coarse_text(seconds) if label in coarse else time_text(seconds)
            yield Row("steps", label, told, seconds, note)


def _bulk(seen: Measurements) -> Iterator[Row]:
    for one in seen.transfers:
        yield Row("bulk", f"{_WAYS[one.way]}, {_LANES[one.lane]}", rate_text(one.rate), one.rate, _busy(seen, one))
    if seen.disk is not None:
        yield Row("bulk", "disk, writing", rate_text(seen.disk.write), seen.disk.write, "with fsync")
    if seen.disk is not None and seen.disk.read is not None:
        yield Row("bulk", "disk, reading", rate_text(seen.disk.read), seen.disk.read)


def _busy(seen: Measurements, transfer: Transfer) -> str:
    here, load = transfer.cpu_here or 0.0, seen.loads.get(transfer.way)
    parts = [f"processor here {share_text(min(1.0, here))}"] if here >= BUSY else []
    if transfer.lane is Lane.SFTP and load is not None:
        there = (load.server_running or 0.0) + (load.server_waiting or 0.0)
        parts += [f"processor there {share_text(min(1.0, there))}"] if there >= BUSY else []
        again, sent = load.retransmitted or 0, load.segments_out or 0
        if transfer.way is Way.DOWN and again and sent >= _ENOUGH_SEGMENTS:
            parts.append(f"{share_text(again / sent)} sent again")
    return ", ".join(parts)


def _missing(seen: Measurements) -> Iterator[Row]:
    for step, why in seen.missing.items():
        if step == Step.ROUND_TRIP and seen.round_trip is not None:
            continue  # some came back before the link was lost: they are told
        yield Row("missing", _STEPS.get(Step(step), step), "not known", note=clean_line(why))
