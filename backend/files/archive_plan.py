"""Whether small files go one by one or many in one tar stream, and how many at a time. Pure.

One by one, each file costs a few requests, of which a round trip may be shared by as many files as go at once; in a
stream it costs little more than its bytes, but a command has to be started on the host first.
"""

from __future__ import annotations

from backend.dataclass import dataclass

LARGEST = 256 << 10
"""Bytes of one file that may go in a stream: it is held in memory, and larger ones are worth their requests."""
MOST_FILES = 2000
MOST_BYTES = 16 << 20
"""Of one stream: what is lost with the link at most."""
_LEAST_FILES = 8

_STARTING = 0.04
"""Seconds until a command on the host has begun."""
_STARTING_TRIPS = 4
_FILE_ALONE, _FILE_IN_STREAM = 1.2e-3, 0.4e-3
"""Seconds that one file costs both ends."""
_FILE_TRIPS = 3
_WORTH_IT = 0.8
"""The stream has to be that much quicker, for it is the one with more that can go wrong."""
_PACED_SECONDS = 1.0
"""How much of a rate limit's allowance one stream may take at once."""


@dataclass(frozen=True, slots=True)
class Way:
    """What decides, of one connection and one request."""

    round_trip: float
    """Seconds."""
    at_once: int
    """Files that go one by one at the same time."""
    rate_limit: int | None = None
    """Bytes a second."""


def most_bytes(way: Way) -> int:
    """How many bytes may go in one stream: under a rate limit a stream must not be a burst."""
    if way.rate_limit is None:
        return MOST_BYTES
    return min(MOST_BYTES, int(way.rate_limit * _PACED_SECONDS))


def pays(files: int, way: Way) -> bool:
    """Whether so many small files are quicker in one stream."""
    if files < _LEAST_FILES:
        return False
    alone = files * max(_FILE_ALONE, _FILE_TRIPS * way.round_trip / max(1, way.at_once))
    together = _STARTING + _STARTING_TRIPS * way.round_trip + files * _FILE_IN_STREAM
    return together < _WORTH_IT * alone
