"""Jobs as lines and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from backend.commands.jobs.model import OPEN, Job, JobState, Usage
from backend.sizes import size_text
from backend.text import clean_line, show_bytes
from cli.columns import in_columns
from cli.listing import name_json
from cli.units import counted, seconds_text

_WORDS = {
    JobState.STARTING: "is starting",
    JobState.RUNNING: "runs",
    JobState.REBOOTED: "ended when the host was restarted",
    JobState.VANISHED: "vanished: killed from outside, without a status",
    JobState.UNREADABLE: "cannot be read: its directory on the host is damaged",
    JobState.UNCONFIRMED: "perhaps started: the connection was lost meanwhile",
    JobState.NOT_STARTED: "was never started",
}
_ROUGH = {JobState.STARTING: "running", JobState.RUNNING: "running", JobState.ENDED: "ended"}
"""The states that scripts tell apart; all others are `lost`."""


def state_words(job: Job) -> str:
    """How it stands, as the rest of a sentence."""
    if job.state is JobState.RUNNING and not job.keeper:
        return "runs, but its keeper was killed: how it ends will not be known"
    if job.state is not JobState.ENDED:
        return _WORDS[job.state]
    by = f" (SIG{job.signal})" if job.signal else ""
    return f"ended with {job.status}{by}" if job.status is not None else "ended, and its status cannot be read"


def short_state(job: Job) -> str:
    """How it stands, in a word or two."""
    if job.state is JobState.ENDED:
        return f"ended {job.status if job.status is not None else '?'}"
    return job.state.value


def job_table(jobs: Sequence[Job], now: datetime, *, several: bool) -> list[str]:
    """A line for each: ID, host where there are several, state, age, memory, processor, what it is."""
    return in_columns([_cells(job, now, several=several) for job in jobs])


def _cells(job: Job, now: datetime, *, several: bool) -> tuple[str, ...]:
    use = job.usage
    memory, cpu = ("-", "-") if use is None else (size_text(use.resident), seconds_text(use.cpu))
    took = "-" if job.running_for is None else seconds_text(job.running_for)
    host = (clean_line(job.host),) if several else ()
    title = clean_line(job.name) or show_bytes(job.command[:200])
    return (job.id, *host, short_state(job), took, memory, cpu, f"{title}{_stale(job, now)}")


def _stale(job: Job, now: datetime) -> str:
    """When it was looked at, where that is long ago and it may stand otherwise now."""
    if job.state not in OPEN or job.seen is None or (now - job.seen).total_seconds() < 60:
        return ""
    return f"  (not looked at since {job.seen.astimezone():%Y-%m-%d %H:%M})"


def describe_job(job: Job, now: datetime) -> list[str]:
    """All about one job; the first line says how it stands."""
    lines = [f"{state_words(job)}{_stale(job, now)}"]
    facts = [
        ("id", job.id),
        ("host", clean_line(job.host)),
        ("name", clean_line(job.name)),
        ("command", _command(job)),
        ("directory", show_bytes(job.cwd)),
        ("variables", ", ".join(map(clean_line, job.variables))),
        ("started", _moment(job.started)),
        ("ended", _moment(job.ended)),
        ("took" if job.ended else "for", "" if job.running_for is None else seconds_text(job.running_for)),
        ("process", str(job.pid or "")),
        *(_usage_facts(job.usage) if job.usage is not None else ()),
        ("stdout", "" if job.out_size is None else f"{job.out_size:,} bytes"),
        ("stderr", "" if job.err_size is None else f"{job.err_size:,} bytes"),
        ("kept in", show_bytes(job.directory)),
        ("risk", job.risk),
    ]
    return lines + [f"{name:<10} {value}" for name, value in facts if value]


def _command(job: Job) -> str:
    more = job.command_size - len(job.command)
    return show_bytes(job.command) + (f"… ({more:,} more bytes)" if more > 0 else "")


def _usage_facts(usage: Usage) -> tuple[tuple[str, str], ...]:
    shared = "" if usage.proportional is None else f", {size_text(usage.proportional)} with shared memory divided (PSS)"
    return (
        ("memory", f"{size_text(usage.resident)} in {counted(usage.processes, 'process', 'processes')}{shared}"),
        ("peak", f"at most {size_text(usage.peak)}"),
        ("processor", seconds_text(usage.cpu)),
    )


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def job_json(job: Job) -> dict[str, Any]:
    """Everything. `state` is `running`, `ended` or `lost`; `fate` says it more exactly. Times in seconds since 1970."""
    return {
        "host": job.host,
        "id": job.id,
        "name": clean_line(job.name) or None,
        **name_json(job.command, "command"),
        "command_bytes": job.command_size,
        **name_json(job.cwd, "cwd"),
        "variables": list(job.variables),
        "state": _ROUGH.get(job.state, "lost"),
        "fate": job.state.value,
        "exit_status": job.status,
        "signal": job.signal,
        "pid": job.pid,
        "started": _seconds(job.started),
        "ended": _seconds(job.ended),
        "seconds": job.running_for,
        "keeper": job.keeper,
        **name_json(job.directory + b"/out" if job.directory else b"", "log"),
        "stdout_bytes": job.out_size,
        "stderr_bytes": job.err_size,
        "memory": usage_json(job.usage),
        "looked": _seconds(job.seen),
        "risk": job.risk or None,
    }


def usage_json(use: Usage | None) -> dict[str, Any] | None:
    """Bytes and seconds of all its processes; None where none of them runs."""
    if use is None:
        return None
    return {
        "processes": use.processes,
        "rss": use.resident,
        "peak": use.peak,
        "pss": use.proportional,
        "cpu_seconds": use.cpu,
    }


def describe_usage(job: Job) -> list[str]:
    """What it takes; where it does not run, how it stands."""
    if job.usage is None:
        return [state_words(job)]
    return [f"{name:<10} {value}" for name, value in _usage_facts(job.usage)]


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
