"""What is said about a command on many hosts: what to do, how it stands on each, how many stand how. Frozen values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from backend.commands.values import CommandOutcome, CommandSpec
from backend.dataclass import dataclass
from backend.errors import FairleadError, Interrupted, LinkLost
from backend.events import Event

PARALLEL = 32
"""Hosts that are at work at a time, unless somebody says otherwise; as pssh(1)."""


class HostState(StrEnum):
    """How it stands on one host."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    """It has said how: a status or a signal."""
    FAILED = "failed"
    """No connection, no login, a time limit: the error says it."""
    UNKNOWN = "unknown"
    """The link was lost, or its end was not confirmed: it may still be running there."""
    NOT_RUN = "not run"
    """It was never begun: the run was stopped, or too many others had failed."""


OVER = frozenset({HostState.ENDED, HostState.FAILED, HostState.UNKNOWN, HostState.NOT_RUN})
UNDER_WAY = frozenset({HostState.CONNECTING, HostState.RUNNING, HostState.STOPPING})


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """What is to be run, and where."""

    hosts: tuple[str, ...]
    command: CommandSpec
    parallel: int = PARALLEL
    """Hosts that are at work at a time."""
    max_fail: int | None = None
    """After so many failures no further host is begun; those that are at work go on to their end."""
    save_in: Path | None = None
    """A directory that gets a new file for each host, named as the host, with all of its output."""
    one_password: bool = False
    """The first password that is given is meant for all of them."""

    def on(self, hosts: tuple[str, ...]) -> GroupSpec:
        """The same on other hosts; a file is not written a second time."""
        return replace(self, hosts=hosts, save_in=None)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many hosts stand how."""

    hosts: int
    waiting: int
    under_way: int
    """Connecting, running or being stopped."""
    succeeded: int
    """Ended with status 0."""
    failed: int
    """Ended otherwise, failed, or unknown."""
    not_run: int

    @property
    def over(self) -> int:
        return self.hosts - self.waiting - self.under_way


def count(stands: Iterable[tuple[HostState, bool]]) -> Counts:
    """The counts of hosts, given as their state and whether they succeeded."""
    everyone = tuple(stands)
    states = Counter(state for state, _ in everyone)
    succeeded = sum(good for _, good in everyone)
    return Counts(
        hosts=len(everyone),
        waiting=states[HostState.WAITING],
        under_way=sum(states[state] for state in UNDER_WAY),
        succeeded=succeeded,
        failed=sum(states[state] for state in OVER) - states[HostState.NOT_RUN] - succeeded,
        not_run=states[HostState.NOT_RUN],
    )


def state_of(outcome: CommandOutcome) -> HostState:
    """How a command that is over stands; what is not known is never taken for an end."""
    if outcome.error is None:
        return HostState.ENDED
    remote = outcome.error.evidence.get("remote", "")
    if isinstance(outcome.error, LinkLost) or remote.startswith("unknown"):
        return HostState.UNKNOWN
    if isinstance(outcome.error, Interrupted) and remote == "not started":
        return HostState.NOT_RUN
    return HostState.FAILED


def end_words(state: HostState, outcome: CommandOutcome | None) -> str:
    """How it ended: `0`, `7`, `SIGTERM`, `AUTH_DENIED`, `unknown: link lost`, `not run`; before that, the state."""
    if outcome is None or state is HostState.NOT_RUN:
        return state.value
    if outcome.error is not None:
        return _error_words(state, outcome.error)
    assert outcome.exit is not None
    return f"SIG{outcome.exit.signal}" if outcome.exit.signal is not None else str(outcome.exit.status)


def _error_words(state: HostState, error: FairleadError) -> str:
    if state is not HostState.UNKNOWN:
        return error.code.value
    return "unknown: link lost" if isinstance(error, LinkLost) else "unknown: end not confirmed"


@dataclass(frozen=True, slots=True)
class GroupChanged(Event):
    """A run has gone on: a host stands otherwise, or has said something. At most one for each sixtieth of a second.

    `host` is empty: it is about all of them.
    """

    run_id: str
    over: bool = False
    """Every host has come to an end; told once."""
