"""From where an interrupted file may go on: a pure plan over what the journal and the disk say.

The plan names candidates only. A prefix is trusted when it has been proven equal on both ends, by hash or by reading
blocks again; that is the lanes' work.
"""

from __future__ import annotations

from enum import Enum

from backend.dataclass import dataclass

RESUMABLE = 1 << 20
"""Bytes from which a file is journalled; smaller ones are sent again whole."""

END = 65536
"""Bytes of each end of a source that go into its fingerprint."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a source looked like when its copy began."""

    size: int
    modified: float
    """Seconds since 1970."""
    ends: bytes
    """SHA-256 of the first and the last 64 KiB."""


@dataclass(frozen=True, slots=True)
class PartialRecord:
    """What the journal knows about an unfinished file."""

    source: Fingerprint
    mark: int
    """Bytes from the start that are certain: on the disk here (GET), acknowledged by the server (PUT)."""


class Restart(Enum):
    """Why a file begins at zero although something was there."""

    SOURCE_CHANGED = "the source has changed since: started again"
    NO_RECORD = "an unfinished copy was there of which nothing is known: started again"
    NOT_OURS = "an unfinished copy was there that this account has not made: it was removed, and all was sent"
    UNPROVEN = "what was there could not be proven equal: started again"


@dataclass(frozen=True, slots=True)
class ResumePlan:
    """Where to try to go on."""

    candidates: tuple[int, ...] = ()
    """Lengths of prefix worth proving, longest first; empty means from the start."""
    restart: Restart | None = None
    """Why, when there are none although something was there."""

    @property
    def why_from_start(self) -> str:
        """What to tell when it begins at zero although something was there."""
        return (self.restart or Restart.UNPROVEN).value


def plan_resume(
    source: Fingerprint,
    record: PartialRecord | None,
    partial_size: int | None,
    *,
    in_order: bool = True,
    flight: int = 0,
) -> ResumePlan:
    """What may be kept of a partial file of `partial_size` bytes (None when there is none).

    `in_order`: the partial was written without gaps, so its size is a candidate. Otherwise only what was acknowledged
    is, less one `flight` of bytes unless that is everything.
    """
    if not partial_size:
        return ResumePlan()
    if record is None:
        return ResumePlan(restart=Restart.NO_RECORD)
    if record.source != source:
        return ResumePlan(restart=Restart.SOURCE_CHANGED)
    most = min(partial_size, source.size)
    whole = record.mark == partial_size == source.size
    sure = min(record.mark, most) - (0 if in_order or whole else flight)
    lengths = {most, sure} if in_order else {sure}
    return ResumePlan(tuple(sorted((length for length in lengths if length > 0), reverse=True)))


def sample_offsets(length: int, block: int, count: int = 4) -> tuple[int, ...]:
    """Where to read `block` bytes again, to compare a prefix that cannot be hashed: its end, then spread out."""
    last = max(0, length - block)
    spread = {last * step // count for step in range(count)}
    return (last, *sorted(spread - {last}))
