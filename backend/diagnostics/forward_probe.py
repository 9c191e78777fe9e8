"""May connections be passed through a host, as forwards and jumps need it? Asked without disturbing anything there."""

from __future__ import annotations

from backend.clock import Clock
from backend.connection.connector import Link
from backend.errors import Code, FairleadError
from backend.tasks import within

_PORT = 1
"""Of the host's own loopback: nothing listens there, so that a refusal comes at once and shows that it was tried."""


async def forward_problem(link: Link, clock: Clock, *, limit: float) -> FairleadError | None:
    """FORWARD_PROHIBITED where the server forbids it; None where it may be done. Raises LinkLost, TimeoutError."""
    try:
        stream = await within(limit, link.open_stream("127.0.0.1", _PORT), clock)
    except FairleadError as error:
        if error.code is Code.JUMP_FAILED:
            return None
        if error.code is Code.FORWARD_PROHIBITED:
            return error
        raise
    await stream.close()
    return None
