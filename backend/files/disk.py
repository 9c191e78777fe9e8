"""The threads in which transfers touch the local disk. What has begun there is waited for before it is let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

THREADS = 4
LEAVE_SECONDS = 5.0
"""How long a cancelled caller waits for its own disk work, so that no file is closed under a thread."""


class Disk:
    """A few threads for blocking file work."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="fairlead-disk")

    async def run(self, work: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """`work` in a thread. When the caller is cancelled, its thread is waited for (bounded) first.

        `undo` then gets what `work` made and nobody will have.
        """
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future], timeout=LEAVE_SECONDS)
            # Its exception is looked at: the cancellation is what counts.
            if future.done() and not future.cancelled() and future.exception() is None and undo is not None:
                undo(future.result())
            raise

    def close(self) -> None:
        """No new work; what runs ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)
