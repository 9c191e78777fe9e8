"""A callback after a moment that comes for certain.

Textual's one-shot timers are skipped when the machine is too busy to look at them before they are due; what must not
get lost, such as the last lines of an output, cannot hang on one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump


def soon(pump: MessagePump, seconds: float, callback: Callable[[], object]) -> None:
    """Call `callback` in the turn of `pump`, `seconds` from now or a little later; not at all once it is closed."""
    loop = asyncio.get_running_loop()
    loop.call_later(max(0.0, seconds), lambda: pump.call_later(callback))
