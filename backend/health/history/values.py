"""What the history of a host's readings tells. Times are seconds since 1970."""

from __future__ import annotations

from backend.dataclass import dataclass

RAW_HOURS = 24
"""Hours for which every check is kept as it was; for up to `PIECE_HOURS` more until they are summed up."""
PIECE_HOURS = 6
"""Hours that are summed up together."""
HOUR_DAYS = 35
"""Days for which there is a low, middle and high for each hour."""
DAY_DAYS = 730
"""Days for which there is a low, middle and high for each day."""
CHANGES_DAYS = 90
"""Days for which changes of level and recoveries are kept."""
MOST_NAMES = 255
"""Different names of readings that are kept of one host; further ones are left out, which is said in the log, until
those that were kept are too old."""


@dataclass(frozen=True, slots=True)
class Point:
    """One check, or all checks of an hour or a day."""

    at: float
    """When; for an hour or a day its middle."""
    low: float
    middle: float
    """The median; of a day, that of its hours."""
    high: float
    count: int
    """Checks that it is made of."""


@dataclass(frozen=True, slots=True)
class Change:
    """A level that changed, as it was written down."""

    at: float
    name: str
    old: str
    new: str
    """Values of `Level`; a newer Fairlead may know more of them."""
    text: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that the recovery did, or tried."""

    at: float
    action: str
    """As `restart nginx.service`."""
    outcome: str
    """`done`, `failed`, `refused` or `capped`."""
    text: str
