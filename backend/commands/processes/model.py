"""What is said about the processes of a host. Frozen values only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """One process, as it was when somebody looked."""

    pid: int
    parent: int
    user: str
    """Cleaned; a number where the host knows no name."""
    state: str
    """One letter as ps(1) has it: R runs, S sleeps, D waits for the kernel, T is stopped, Z has ended."""
    resident: int
    """Bytes in memory (RSS)."""
    cpu_seconds: float
    """Of processor, since it began."""
    age: float | None
    """Seconds since it began; None where the host does not tell."""
    start: str
    """What tells it from another that gets the same PID: its start time, in the host's own words."""
    command: bytes
    """With its arguments, as ps(1) shows it; in brackets for threads of the kernel."""

    @property
    def cpu(self) -> float:
        """Per cent of one processor, over its whole life."""
        return 100 * self.cpu_seconds / self.age if self.age else 0.0

    @property
    def name(self) -> str:
        """The program's name without its directory, for people."""
        word = self.command.split(b" ", 1)[0]
        return (word.rpartition(b"/")[2] or word).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """All processes of a host at a moment."""

    host: str
    at: datetime
    """By our clock."""
    processes: tuple[Process, ...]
    memory: int | None
    """Bytes of memory that the host has; None where it does not tell."""
    odd: int = 0
    """Lines of the host's answer that could not be read, and were left out."""

    def by_pid(self) -> Mapping[int, Process]:
        return {process.pid: process for process in self.processes}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: a process, its place in the tree, and what it takes now."""

    process: Process
    cpu: float
    """Per cent of one processor: since the look before, or over its life where there was none."""
    depth: int = 0
    """Ancestors that stand above it."""
