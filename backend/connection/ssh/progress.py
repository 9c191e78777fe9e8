"""Where one hop's connection stands: phases told to the observer with their time, and a limit for each wait.

The time a person takes to answer belongs to nobody: it is neither counted nor limited.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from backend.clock import Clock
from backend.connection.connector import Observer, Phase, PhaseFailed, PhasePassed, PhaseStarted
from backend.connection.target import Hop
from backend.errors import FairleadError


class HopProgress:
    """The phases of `hop`. A phase that was passed once is not told again when the hop is connected anew after a
    host-key decision."""

    def __init__(self, hop: Hop, clock: Clock, observer: Observer | None) -> None:
        self._hop = hop
        self._clock = clock
        self._observer = observer
        self._passed: set[Phase] = set()
        self._started: set[Phase] = set()
        self._since = clock.monotonic()
        self._asking = 0
        self._limit: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.phase = Phase.NAME
        """The phase under way, or the last one."""
        self.expired: asyncio.Future[Phase] = asyncio.get_running_loop().create_future()
        """Completes with the phase whose limit was reached."""

    def enter(self, phase: Phase, limit: float | None = None) -> None:
        """`phase` begins; `limit` in seconds bounds it, None leaves the limit that runs."""
        self.phase = phase
        if phase not in self._started:
            self._started.add(phase)
            self._since = self._clock.monotonic()
            if self._observer is not None:
                self._observer(PhaseStarted(self._hop, phase))
        if limit is not None:
            self.limit(limit)

    def passed(self, phase: Phase, evidence: Mapping[str, str]) -> None:
        """`phase` ended well."""
        if phase in self._passed:
            return
        self._passed.add(phase)
        if self._observer is not None:
            self._observer(PhasePassed(self._hop, phase, self._seconds(), dict(evidence)))

    def failed(self, error: FairleadError) -> None:
        """The phase under way ended badly, and the hop with it."""
        self.stop()
        if self._observer is not None:
            self._observer(PhaseFailed(self._hop, self.phase, self._seconds(), error))

    def limit(self, seconds: float) -> None:
        """From now on at most `seconds` until the next limit is set."""
        self._limit = seconds
        self._arm()

    def stop(self) -> None:
        """No limit runs any more."""
        self._limit = None
        self._disarm()

    @contextmanager
    def person(self, *, renew: bool = True) -> Iterator[None]:
        """While a person is asked, time stands still; the limit starts anew afterwards, or else goes on. So it does for
        all else that is not the far end's to answer for."""
        left = self._left()
        asked_at = self._clock.monotonic()
        self._asking += 1
        self._disarm()
        try:
            yield
        finally:
            self._asking -= 1
            self._since += self._clock.monotonic() - max(asked_at, self._since)
            self._arm(None if renew else left)

    def _arm(self, left: float | None = None) -> None:
        """`left` in seconds, in place of the whole limit."""
        self._disarm()
        if self._limit is not None and not self._asking:
            seconds = self._limit if left is None else left
            self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _left(self) -> float | None:
        """Seconds of the limit that runs; None where none does."""
        return None if self._timer is None else max(0.0, self._timer.when() - asyncio.get_running_loop().time())

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        if not self.expired.done():
            self.expired.set_result(self.phase)

    def _seconds(self) -> float:
        return max(0.0, self._clock.monotonic() - self._since)
