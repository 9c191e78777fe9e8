"""How far a transfer is: counters that only the lanes change, and the snapshot that people see."""

from __future__ import annotations

import math
from collections.abc import Callable

from backend.clock import Clock
from backend.files.model import FileProgress, Lane, TransferProgress
from backend.text import show_bytes

REPORT_EVERY = 0.1
"""Seconds between two reports at least."""
_SLICE = 0.25
_MEMORY = 3.0


class Rate:
    """Bytes a second, smoothed over about three seconds, from the first bytes on: the wait for them does not count."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._bytes = 0
        self.value: float | None = None

    def add(self, size: int, now: float) -> None:
        if self._since is None:
            self._since = now
            return
        self._bytes += size
        elapsed = now - self._since
        if elapsed < _SLICE:
            return
        rate = self._bytes / elapsed
        weight = 1 - math.exp(-elapsed / _MEMORY)
        self.value = rate if self.value is None else self.value + weight * (rate - self.value)
        self._since, self._bytes = now, 0


class Meter:
    """The counters of one transfer. Bytes in `bytes_done` may go down when a file has to start again."""

    def __init__(self, clock: Clock, report: Callable[[], None]) -> None:
        """`report` is called when something changed, at most ten times a second."""
        self._clock = clock
        self._report = report
        self._rate = Rate()
        self._reported = -math.inf
        self.scanned = False
        """Whether the totals are complete."""
        self.files_found = self.bytes_found = 0
        self.files_done = self.bytes_done = 0
        self.sent_bytes = self.resumed_bytes = 0
        self.left_behind: dict[bytes | None, int] = {}
        """Bytes of items that were interrupted, which the next attempt will prove; shown as done meanwhile."""
        self.moved = 0
        """Bytes that have arrived, never taken back: as long as this grows, a lossy link is worth going on with."""
        self.bytes_dropped = 0
        """Of what was found: skipped or failed, so nothing to wait for."""
        self.skipped = self.failed = self.verified = self.restarts = 0
        self._current = b""
        self._lane: Lane | None = None
        self.large: dict[bytes, FileProgress] = {}
        """Large files under way, by their paths."""

    def sent(self, size: int) -> None:
        """Content went over the link."""
        self.sent_bytes += size
        self.copied(size)

    def copied(self, size: int) -> None:
        """Content moved, over the link or within the host."""
        self._rate.add(size, self._clock.monotonic())
        self.touch()

    def going(self, path: bytes, lane: Lane) -> None:
        """`path` is on its way now."""
        self._current, self._lane = path, lane

    def touch(self) -> None:
        """Something changed: report, unless that was done just now."""
        now = self._clock.monotonic()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self._report()

    def idle(self) -> None:
        """Nothing moves (paused, reconnecting): the rate is not known and what follows is measured anew."""
        self._rate = Rate()

    def snapshot(self) -> TransferProgress:
        left = None
        rate = self._rate.value
        done = self.bytes_done + sum(self.left_behind.values())
        if self.scanned and rate:
            left = max(0, self.bytes_found - self.bytes_dropped - done) / rate
        return TransferProgress(
            files_total=self.files_found if self.scanned else None,
            files_done=self.files_done,
            bytes_total=self.bytes_found if self.scanned else None,
            bytes_done=done,
            sent_bytes=self.sent_bytes,
            resumed_bytes=self.resumed_bytes,
            skipped=self.skipped,
            failed=self.failed,
            verified=self.verified,
            rate=rate,
            seconds_left=left,
            current=show_bytes(self._current),
            lane=self._lane,
            restarts=self.restarts,
        )
