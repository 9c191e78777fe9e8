"""When the workbench in this process has nothing left to do: seen at the event loop, not guessed from the processor.

Textual's own pilot sleeps for a fiftieth of a second until the process has used next to no processor time in it, twice
for each key. That was most of what a test of a screen waited for, and on a busy machine it is no answer either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic, process_time
from typing import Any
from weakref import WeakKeyDictionary

from mocks.clock import idle

SOON = 0.05
"""Seconds: a timer that is due within them belongs to what is under way, as a picture that is drawn with the next
sixtieth of a second; a later one belongs to the clock."""
_TURNS = 3
"""Turns of the loop in a row without work: in the first, what came in from outside is noticed."""
_TIRED = 50
"""Turns in a row after which the loop is left alone for a moment: somebody else may be waiting for it to be idle."""

_GIVEN_UP = 20.0
"""Seconds after which a thread that does not come back is no longer waited for."""

_in_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Future[Any]]] = WeakKeyDictionary()
"""Calls in threads that have not come back, by event loop."""


def watch_threads(loop: asyncio.AbstractEventLoop) -> None:
    """From now on `at_rest` waits for what `loop` has given to threads."""
    calls = _in_threads[loop] = set()
    run: Callable[..., asyncio.Future[Any]] = loop.run_in_executor

    def watched(*arguments: Any) -> asyncio.Future[Any]:
        call = run(*arguments)
        calls.add(call)
        call.add_done_callback(calls.discard)
        return call

    loop.run_in_executor = watched  # type: ignore[method-assign, assignment]


async def at_rest(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Return when the event loop has nothing to do but wait, or after `max_sleep` seconds of work or short timers.

    In place of `textual._wait.wait_for_idle`, whose arguments these are. That others have the processor is no work.
    """
    loop = asyncio.get_running_loop()
    began, worked, slept = monotonic(), process_time(), 0.0
    await asyncio.sleep(min_sleep)
    quiet = turns = 0
    while quiet < _TURNS and process_time() - worked + slept < max_sleep and monotonic() - began < _GIVEN_UP:
        quiet, turns = quiet + 1, turns + 1
        if calls := _in_threads.get(loop):
            await asyncio.wait(calls, timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
            quiet = 0
        elif (due := max(_next_timer(loop), 0.0)) <= SOON:
            await asyncio.sleep(due)
            quiet, slept = 0, slept + due
        else:
            await asyncio.sleep(0.001 if turns % _TIRED == 0 else 0.0)
        if not idle(loop):
            quiet = 0


def _next_timer(loop: asyncio.AbstractEventLoop) -> float:
    """Seconds until the first timer, negative where it is due; infinity without one."""
    timers = getattr(loop, "_scheduled", ())  # asyncio has no public way to ask
    return min((timer.when() - loop.time() for timer in timers if not timer.cancelled()), default=float("inf"))
