"""What happens to detached jobs, as events."""

from __future__ import annotations

from backend.dataclass import dataclass
from backend.events import Event


@dataclass(frozen=True, slots=True)
class JobsChanged(Event):
    """What is known of a host's jobs is another."""


@dataclass(frozen=True, slots=True)
class JobOutput(Event):
    """The buffer of a job that is followed has grown, or the job is over."""

    job_id: str
