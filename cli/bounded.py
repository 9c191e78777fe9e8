"""Writing where nobody may be reading: a pipe that is full must not hold the program."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TextIO

_PIECE = 128
"""Characters at a time: at most 512 bytes in UTF-8, which a pipe that is writable takes whole (PIPE_BUF, pipe(7))."""


def write_bounded(out: TextIO, text: str, seconds: float) -> bool:
    """Write `text` to `out` as far as it is taken within `seconds`; whether all of it was.

    Nobody may be listening any more; the work goes on all the same, so an error counts as not taken.
    """
    deadline = time.monotonic() + seconds
    with contextlib.suppress(OSError, ValueError):
        for start in range(0, len(text), _PIECE):
            if not _takes(out, deadline - time.monotonic()):
                return False
            out.write(text[start : start + _PIECE])
            out.flush()
        return True
    return False


def _takes(out: TextIO, seconds: float) -> bool:
    """Whether a write would not block within `seconds`; what has no file descriptor never blocks."""
    try:
        fd = out.fileno()
    except (OSError, ValueError):
        return not out.closed
    return bool(select.select([], [fd], [], max(0.0, seconds))[1])
