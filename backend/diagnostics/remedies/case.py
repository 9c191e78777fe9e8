"""A failure and what is known about where it was met: what remedies are derived from. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.diagnostics.remedies.model import RemedyId
from backend.errors import FairleadError
from backend.hosts.draft import HostDraft
from backend.hosts.names import read_spec
from backend.text import clean_line

AGAIN = "do it and try again"


@dataclass(frozen=True, slots=True)
class Case:
    """A failure, and what is known about where it was met."""

    error: FairleadError
    host: str
    """The host whose ladder it belongs to, as the person calls it."""
    hop: Hop | None = None
    """The machine at fault, where the book could resolve it."""
    near: Sequence[str] = ()
    """Hosts whose name or address is spelt much like what was asked for, the nearest first."""
    own: HostDraft | None = None
    """What the own entry of that machine says, where it has one."""

    @property
    def at(self) -> str:
        """The machine at fault by its name."""
        return self.hop.name if self.hop is not None else self.error.hop or self.host

    def evidence(self, name: str) -> str:
        return self.error.evidence.get(name, "")


def entry_name(hop: str) -> str:
    """The own entry that holds for a machine: `web-1` of `me@web-1:2222`."""
    try:
        return read_spec(hop).host
    except ValueError:
        return hop


def command_for(case: Case, remedy: RemedyId) -> str:
    """The command line that applies it."""
    return f"fairlead diagnose {word(case.host)} --apply {remedy.value}"


def word(name: str) -> str:
    """A name as a command line takes it."""
    return shlex.quote(clean_line(name))
