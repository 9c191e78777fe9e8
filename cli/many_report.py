"""What a run on many hosts tells: its progress in a line, its groups for people, its hosts and groups as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from backend.commands.many.grouping import Alike
from backend.commands.many.picking import fold
from backend.commands.many.run import GroupRun, HostRun
from backend.commands.many.values import Counts
from backend.connection.connector import StdStream
from backend.errors import FairleadError
from backend.text import clean_line
from cli.output import stream_fields
from cli.statuses import Status, status_of, status_of_exit
from cli.units import counted, seconds_text


def progress_line(counts: Counts) -> str:
    """`12 of 100 hosts over, 8 at work, 2 failed`"""
    failed = f", {counts.failed:,} failed" if counts.failed else ""
    return f"{counts.over:,} of {counted(counts.hosts, 'host')} over, {counts.under_way:,} at work{failed}"


def summary(run: GroupRun) -> str:
    """`100 hosts in 2.1 s: 97 ended with 0, 2 failed, 1 not run`"""
    counts = run.counts
    parts = [f"{counts.succeeded:,} ended with 0"]
    parts += [f"{counts.failed:,} failed"] if counts.failed else []
    parts += [f"{counts.not_run:,} not run"] if counts.not_run else []
    return f"{counted(counts.hosts, 'host')} in {seconds_text(run.seconds or 0.0)}: {', '.join(parts)}"


def report(groups: Iterable[Alike]) -> bytes:
    """The groups, each under a line that names its hosts and how the command ended there."""
    return b"".join(_section(alike) for alike in groups)


def _section(alike: Alike) -> bytes:
    names = clean_line(fold(alike.hosts))
    parts = [f"--- {names} ({counted(len(alike.hosts), 'host')}): {alike.end}\n".encode(), _whole_lines(alike.out)]
    parts += [b"stderr: " + line for line in _whole_lines(alike.err).splitlines(keepends=True)]
    if alike.truncated:
        parts.append("… there was more, which was compared but is not kept: see --save-in\n".encode())
    if alike.error is not None:
        parts.append(f"{clean_line(alike.error.message)}\n".encode())
        parts += [f"  - {_step(item.text, item.command)}\n".encode() for item in alike.error.advice[:2]]
    return b"".join(parts)


def _step(text: str, command: str | None) -> str:
    return clean_line(f"{text}  {command}" if command else text)


def _whole_lines(text: bytes) -> bytes:
    return text + b"\n" if text and not text.endswith(b"\n") else text


def difference_lines(first: Alike, second: Alike, lines: Sequence[str], *, complete: bool) -> str:
    """How the second group differs from the first, as `diff -u` shows it."""
    head = f"--- {clean_line(fold(first.hosts))}\n+++ {clean_line(fold(second.hosts))}\n"
    tail = "" if complete else "… only the beginning of what was said was compared\n"
    return head + "".join(f"{line}\n" for line in lines) + tail


def host_json(host: HostRun, error: FairleadError | None = None) -> dict[str, Any]:
    """One host that is over: as `run --json`, with its state. `error` tells more of its failure than its own does."""
    error = error or host.error
    exit_report = host.outcome.exit if host.outcome is not None else None
    answer: dict[str, Any] = {
        "host": host.host,
        "state": host.state.value,
        "exit_status": exit_report.status if exit_report else None,
        "signal": exit_report.signal if exit_report else None,
        **stream_fields(host.kept.of(StdStream.OUT), "stdout"),
        **stream_fields(host.kept.of(StdStream.ERR), "stderr"),
        "seconds": round(host.outcome.seconds, 3) if host.outcome is not None else None,
        "truncated": host.kept.truncated,
    }
    return answer if error is None else {**answer, "error": error.to_json()}


def run_json(run: GroupRun, groups: Iterable[Alike]) -> dict[str, Any]:
    """The whole run: counts, and whose output is the same."""
    counts = run.counts
    return {
        "hosts": counts.hosts,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "not_run": counts.not_run,
        "seconds": round(run.seconds or 0.0, 3),
        "groups": [
            {
                "hosts": list(alike.hosts),
                "end": alike.end,
                **stream_fields(alike.out, "stdout"),
                **stream_fields(alike.err, "stderr"),
                "truncated": alike.truncated,
            }
            for alike in groups
        ],
    }


def status_of_run(run: GroupRun) -> int:
    """0 where the command ended with 0 on all hosts, else the largest status of a host, as `clush -S` has it."""
    return max((_status(host) for host in run.hosts), default=Status.OK)


def _status(host: HostRun) -> int:
    if host.error is not None:
        return status_of(host.error)
    report_ = host.outcome.exit if host.outcome is not None else None
    return Status.OK if report_ is None else status_of_exit(report_)
