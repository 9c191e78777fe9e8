"""Running the asynchronous part of a command: signals end it in an orderly way, and within a bounded time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from backend import garbage, tty
from backend.errors import Code, Interrupted
from cli.bounded import write_bounded
from cli.statuses import status_of

GRACE = 10.0
"""Seconds that an orderly end may take after a signal; then the process ends at once."""

_LAST_WORDS = 1.0
"""Seconds that stderr may take for them."""
_GIVEN_UP = "fairlead: ended without waiting for the other side; what it still does is not known\n"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def supervise(work: Callable[[], Coroutine[Any, Any, int]], *, grace: float = GRACE) -> int:
    """Run `work` to its end. SIGINT, SIGTERM and SIGHUP cancel it and raise Interrupted; a second one ends at once."""
    stopper = _Stopper(grace)
    try:
        with asyncio.Runner() as runner:
            return runner.run(stopper.watch(work))
    finally:
        stopper.done()


class _Stopper:
    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._received: signal.Signals | None = None
        self._watchdog: threading.Timer | None = None

    async def watch(self, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work())
        collecting = loop.call_later(garbage.SOON, garbage.search)
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop, number, task)
        try:
            return await task
        except asyncio.CancelledError:
            if self._received is None:
                raise
            raise self._interrupted() from None
        except Interrupted as error:
            raise error if self._received is None else self._interrupted(error) from None
        finally:
            collecting.cancel()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals, task: asyncio.Task[int]) -> None:
        if self._received is not None:
            self._give_up()
        self._received = number
        self._watchdog = threading.Timer(self._grace, self._give_up)
        self._watchdog.daemon = True
        self._watchdog.start()
        task.cancel()

    def _interrupted(self, known: Interrupted | None = None) -> Interrupted:
        """The failure to tell about: which signal it was, and what the command knows about its end."""
        assert self._received is not None
        signal_name = {"signal": self._received.name.removeprefix("SIG")}
        if known is None:
            return Interrupted(Code.INTERRUPTED, evidence=signal_name)
        evidence = {**known.evidence, **signal_name}
        return Interrupted(Code.INTERRUPTED, known.message, evidence=evidence, host=known.host, advice=known.advice)

    def _give_up(self) -> None:
        tty.restore_all()
        write_bounded(sys.stderr, _GIVEN_UP, _LAST_WORDS)
        os._exit(status_of(self._interrupted()))

    def done(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
