"""Runs command lines in turn, several times, and prints medians and their ratios. Whole processes, as users wait."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took."""

    seconds: float
    processor: float
    """CPU seconds, user and system."""
    memory: float
    """Peak resident MB."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One of those compared: a command line and what to do before each run."""

    name: str
    command: Sequence[str]
    prepare: Callable[[], object] = lambda: None
    stdin: str = os.devnull
    env: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of the table."""

    work: str
    ours: Contender
    theirs: Contender
    """The one that the aim names."""
    aim: str
    others: Sequence[Contender] = ()
    """Further ones, run in the same turns; each has a row of its own."""


def run_once(contender: Contender, log: Path) -> Cost:
    """One run; raises RuntimeError with its output where it fails."""
    contender.prepare()
    environment = {**os.environ, **(contender.env or {})}
    with log.open("w+b") as output, Path(contender.stdin).open("rb") as stdin:
        begin = time.perf_counter()
        process = subprocess.Popen(contender.command, stdin=stdin, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{contender.name}: status {process.returncode}: {output.read(2000)!r}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compare(comparison: Comparison, log: Path, runs: int) -> str:
    """Run all of them in turn, once to warm up and then `runs` times; lines of the Markdown table."""
    peers = (comparison.theirs, *comparison.others)
    everyone = (comparison.ours, *peers)
    costs: dict[str, list[Cost]] = {contender.name: [] for contender in everyone}
    for turn in range(runs + 1):
        for contender in everyone:
            cost = run_once(contender, log)
            if turn:
                costs[contender.name].append(cost)
    ours = costs[comparison.ours.name]
    rows = []
    for peer in peers:
        theirs = costs[peer.name]
        ratio = statistics.median(a.seconds / b.seconds for a, b in zip(ours, theirs, strict=True))
        aim = comparison.aim if peer is comparison.theirs else ""
        rows.append(
            f"| {comparison.work} | {_median(ours)} | {peer.name}: {_median(theirs)} | **{ratio:.2f}** | {aim} |"
        )
    return "\n".join(rows)


def _median(costs: Sequence[Cost]) -> str:
    seconds = statistics.median(cost.seconds for cost in costs)
    processor = statistics.median(cost.processor for cost in costs)
    memory = max(cost.memory for cost in costs)
    return f"{seconds:.2f} s ({processor:.2f} CPU, {memory:.0f} MB)"


HEADER = "| work | fairlead | peer | ratio | aim |\n|---|---|---|---|---|"
