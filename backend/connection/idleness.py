"""Connections that nobody uses: when one is closed here, and when one that the server closed is not made again.

OpenSSH's server closes unused connections without a word (`UnusedConnectionTimeout` of sshd_config(5)). To make them
again at once would go on for ever, for nothing. Pure, but for the clock that is read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from backend.clock import Clock
from backend.errors import Advice, Code, FairleadError, LinkLost

SILENT_END = "the other side closed it without a word"
"""The reason of a CONNECTION_LOST that came as an end in good order: neither a reset nor silence."""
BULK_IDLE = 300.0
"""Seconds without use after which the connection for bulk data is closed."""
ENDS = 3
"""As many unused links in a row that end after the same time are no accident."""
_SHORTEST = 1.0
"""Seconds; a server that closes sooner has another trouble than idleness."""
_STEP = 1.5
"""Seconds by which ends under one limit may differ: sshd counts whole seconds, and looks once a second."""
_SPREAD = 0.25
"""How far these times may lie apart beyond that, as a share of the longest."""


class Use:
    """Whether somebody needs a link, and since when nobody has asked for it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = clock.monotonic()
        self._holders = 0

    def touch(self) -> None:
        """It is used just now."""
        self._at = self._clock.monotonic()

    def hold(self) -> Callable[[], None]:
        """It is needed, whether anything is open on it or not, until the returned function is called, once."""
        self._holders += 1
        return self._let_go

    def _let_go(self) -> None:
        self._holders -= 1
        self.touch()

    @property
    def held(self) -> bool:
        return self._holders > 0

    @property
    def quiet(self) -> float:
        """Seconds since it was last used; 0 while somebody holds it."""
        return 0.0 if self.held else self._clock.monotonic() - self._at


def idle_limit(quiet: Sequence[float]) -> float | None:
    """The server's limit in seconds, from how long its links had been unused when it closed them; None where they do
    not show one."""
    if len(quiet) < ENDS or min(quiet) < _SHORTEST:
        return None
    longest = max(quiet)
    return sum(quiet) / len(quiet) if longest - min(quiet) <= max(_STEP, _SPREAD * longest) else None


class IdleEnds:
    """How the last links of a host have ended."""

    def __init__(self) -> None:
        self._quiet: deque[float] = deque(maxlen=ENDS)

    def judged(self, reason: FairleadError, *, quiet: float) -> FairleadError:
        """`reason`, or SERVER_ENDED where it is the server's habit to close what is not used. `quiet`: for how many
        seconds nobody had used the link, 0 for one in use."""
        silent = reason.code is Code.CONNECTION_LOST and reason.evidence.get("reason") == SILENT_END
        if not silent or not quiet:
            self._quiet.clear()
            return reason
        self._quiet.append(quiet)
        limit = idle_limit(self._quiet)
        if limit is None:
            return reason
        told = {"reason": f"it closes idle connections after about {limit:.0f} s", "cause": "idle limit"}
        return LinkLost(Code.SERVER_ENDED, evidence=told, host=reason.host, advice=_ADVICE)


_ADVICE = (
    Advice("Nothing was under way. It is connected again by itself as soon as something is asked of the host."),
    Advice("To keep it up, ask its administrator about UnusedConnectionTimeout and ChannelTimeout in sshd_config."),
)
