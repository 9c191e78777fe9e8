"""Commands that go on until somebody stops them: to be stopped is their good end, not a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def until_stopped(has_begun: Callable[[], bool]) -> Iterator[None]:
    """Leave the block quietly when it is cancelled, as a signal does; what comes after it is told and done then.

    Where it had not begun, it was interrupted like any other work: CancelledError goes on.
    """
    try:
        yield
    except asyncio.CancelledError:
        if not has_begun():
            raise
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
