"""Measures how long single callbacks keep the event loop: computing or waiting, but not waiting for a processor.

What the test session left in memory is kept out of garbage collection meanwhile; it would be collected on our time.
On a busy machine a callback can look slow only because something else was running. The kernel counts that time
(`run_delay` of `/proc/thread-self/schedstat`), and it is taken off.
"""

from __future__ import annotations

import asyncio
import asyncio.events
import gc
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")


@dataclass(slots=True)
class LoopReport:
    """What was seen."""

    callbacks: int = 0
    worst: float = 0.0
    """Seconds that the slowest callback kept the loop."""
    culprit: str = ""
    slow: list[tuple[float, str]] = field(default_factory=list)
    """Callbacks over 20 ms."""


@contextmanager
def loop_monitor() -> Iterator[LoopReport]:
    """Watch every callback of the loops of this thread while the block runs."""
    report = LoopReport()
    original = asyncio.events.Handle._run
    schedstat = os.open(_SCHEDSTAT, os.O_RDONLY) if _SCHEDSTAT.exists() else None

    def waited_for_a_processor() -> float:
        if schedstat is None:
            return 0.0
        return int(os.pread(schedstat, 128, 0).split()[1]) / 1e9

    def measured(handle: asyncio.Handle) -> None:
        delay, begin = waited_for_a_processor(), time.perf_counter()
        original(handle)
        seconds = time.perf_counter() - begin
        if asyncio.events.Handle._run is original:
            return  # the block ended within this callback; the rest of it is not the block's
        report.callbacks += 1
        if seconds > 0.02:
            seconds -= waited_for_a_processor() - delay
            if seconds > 0.02:
                report.slow.append((seconds, repr(handle)))
            if seconds > report.worst:
                report.worst, report.culprit = seconds, repr(handle)

    gc.collect()
    gc.freeze()
    asyncio.events.Handle._run = measured  # type: ignore[method-assign, assignment]  # an instrument, taken out below
    try:
        yield report
    finally:
        gc.unfreeze()
        asyncio.events.Handle._run = original  # type: ignore[method-assign]
        if schedstat is not None:
            os.close(schedstat)
