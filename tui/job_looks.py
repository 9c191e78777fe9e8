"""How a detached job reads on the screen: its state, its line in the list, all about it. Pure."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from backend.commands.jobs.model import OPEN, Job, JobState, Usage
from backend.sizes import size_text
from backend.text import clean_line, show_bytes
from tui.detail.table import TableRow, table
from tui.format import ago_text, bytes_text, duration_text, moment_text
from tui.glyphs import Glyphs
from tui.looks import Look
from tui.widgets.flow import broken

_S = JobState
_FRESH = 60.0
"""Seconds for which a look counts as now."""


def job_look(job: Job, glyphs: Glyphs) -> Look:
    """Its sign, colour and word."""
    if job.state is _S.ENDED:
        if job.status is None:
            return Look("?", "$warning", "ended, ?")
        word = f"SIG{job.signal}" if job.signal else str(job.status)
        return Look(glyphs.passed, "$success", "0") if job.status == 0 else Look(glyphs.failed, "$error", word)
    return {
        _S.STARTING: Look(glyphs.busy, "$warning", "starting"),
        _S.RUNNING: Look(glyphs.ready, "$accent", "running"),
        _S.REBOOTED: Look(glyphs.failed, "$error", "reboot"),
        _S.VANISHED: Look("?", "$warning", "vanished"),
        _S.UNREADABLE: Look(glyphs.attention, "$warning", "unreadable"),
        _S.UNCONFIRMED: Look("?", "$warning", "unconfirmed"),
        _S.NOT_STARTED: Look(glyphs.dash, "$quiet", "not started"),
    }[job.state]


def job_title(job: Job) -> str:
    """Its name, or the command, on one line."""
    return clean_line(job.name) or show_bytes(job.command[:200]) or job.id


def job_line(job: Job, now: datetime, glyphs: Glyphs, width: int) -> Content:
    """`● train.py      running   3 h   22.1 GB   4 h cpu`"""
    shown = job_look(job, glyphs)
    stale = is_stale(job, now)
    memory = "" if job.usage is None else size_text(job.usage.resident)
    cpu = "" if job.usage is None else duration_text(job.usage.cpu)
    took = f"seen {ago_text(job.seen, now)}" if stale and job.seen else _took(job, now)
    numbers = f"{took:>14}" if width < 70 else f"{took:>14}  {memory:>8}  {cpu:>10}"
    right = Content.assemble((f"{shown.word:<11}", shown.style), (numbers, "$quiet"))
    left = Content.assemble((shown.glyph, "$quiet" if stale else shown.style), " ", job_title(job))
    left = left.truncate(max(8, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def is_stale(job: Job, now: datetime) -> bool:
    """Whether it was under way when it was looked at, and that is a while ago."""
    return job.state in OPEN and (job.seen is None or (now - job.seen).total_seconds() > _FRESH)


def elapsed(job: Job, now: datetime) -> float | None:
    """Seconds from its start to its end, or to now: what the host told, and what went by since."""
    if job.running_for is None or job.state not in OPEN or job.seen is None:
        return job.running_for
    return job.running_for + max(0.0, (now - job.seen).total_seconds())


def _took(job: Job, now: datetime) -> str:
    if (seconds := elapsed(job, now)) is not None:
        return duration_text(seconds)
    return "" if job.started is None else ago_text(job.started, now)


def job_story(job: Job, now: datetime, width: int) -> Content:
    """All about one job."""
    more = job.command_size - len(job.command)
    rows: list[TableRow] = [
        ("command", show_bytes(job.command) + (f"… and {more:,} bytes more" if more > 0 else "")),
        ("runs in", show_bytes(job.cwd)),
        ("variables", ", ".join(job.variables)),
        ("started", _when(job.started, now)),
        ("ended", _when(job.ended, now)),
        ("memory", "" if job.usage is None else _memory(job.usage)),
        ("processor", "" if job.usage is None else f"{duration_text(job.usage.cpu)} so far"),
        ("output", "" if job.out_size is None else _sizes(job)),
        ("process", "" if job.pid is None or job.state not in OPEN else str(job.pid)),
        ("looked at", "" if job.seen is None else ago_text(job.seen, now)),
        ("id", job.id),
        ("kept in", show_bytes(job.directory)),
    ]
    meaning = _meaning(job)
    blocks = [table(rows, width), broken(Content.styled(meaning, "$quiet"), width) if meaning else Content("")]
    return Content("\n\n").join([block for block in blocks if block.plain])


def _memory(usage: Usage) -> str:
    many = "1 process" if usage.processes == 1 else f"{usage.processes} processes"
    shared = "" if usage.proportional is None else f" ({size_text(usage.proportional)} PSS)"
    return f"{size_text(usage.resident)}{shared} in {many}, at most {size_text(usage.peak)} so far"


def _sizes(job: Job) -> str:
    return f"{bytes_text(job.out_size or 0)} on stdout, {bytes_text(job.err_size or 0)} on stderr"


def _when(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else f"{moment_text(moment, now)}, {ago_text(moment, now)}"


_MEANING = {
    _S.REBOOTED: "The host was restarted while it ran; how far it came is in its output.",
    _S.VANISHED: "It is gone without a status: somebody or something killed it from outside, its keeper with it (the "
    "kernel does when memory runs out). What it said until then is in its output.",
    _S.UNREADABLE: "There is a directory for it, and what is in it cannot be read.",
    _S.UNCONFIRMED: "The connection was lost while it was started. A look at the host (L) tells whether it runs.",
    _S.NOT_STARTED: "The connection was lost while it was started, and the host knows nothing of it.",
}


def _meaning(job: Job) -> str:
    if job.state is _S.RUNNING and not job.keeper:
        return "The shell that keeps it was killed, and it was not: it goes on, but how it ends will not be known."
    return _MEANING.get(job.state, job.risk)
