"""What the library answers, where the backend has no value of its own for it."""

from __future__ import annotations

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended, and what it said. Its end is known: what is unknown is raised."""

    host: str
    status: int | None
    """0 to 255; None where a signal ended it, or the server did not say."""
    signal: str | None
    """Without SIG, as `TERM`."""
    out: bytes
    err: bytes
    seconds: float
    truncated: bool
    """Whether it said more than is kept of it."""

    @property
    def succeeded(self) -> bool:
        """Whether the status is 0."""
        return self.status == 0

    @property
    def text(self) -> str:
        """Its output as UTF-8, what is none replaced."""
        return self.out.decode("utf-8", "replace")
