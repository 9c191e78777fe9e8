"""A remedy: something this program can do about a failure or a slow host by itself, and what a person wants to know
before it does.

Frozen values only. `derive` says which remedies a failure has, `service` applies one; nothing is applied unasked.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from pathlib import Path

from backend.dataclass import dataclass
from backend.errors import Advice


class RemedyId(StrEnum):
    """The stable name of a remedy, as `fairlead diagnose --apply` takes it."""

    FIX_MODE = "fix-mode"
    """A key file is made its owner's alone."""
    CHOOSE_KEY = "choose-key"
    """Another key is named for the host."""
    ALLOW_ALGORITHM = "allow-algorithm"
    """One algorithm more is allowed for one host."""
    SHOW_HOST_KEY = "show-host-key"
    """The server's key is shown, beside the one that is known, and asked about."""
    SHOW_SPACE = "show-space"
    """The biggest things where a disk is full are listed."""
    START_AGENT = "start-agent"
    """An agent of this program's own is started."""
    NEAR_NAME = "near-name"
    """The host is tried whose name is spelt much like the one that was given."""
    DEFAULT_PORT = "port-22"
    """The usual port is tried."""
    UNLOCK = "unlock"
    """The refused logins that hold the next one back are forgotten."""
    QUICK_CIPHER = "quick-cipher"
    """AES-GCM comes first for one host."""


class Changes(StrEnum):
    """What is otherwise afterwards, as the end of `this changes …`."""

    NOTHING = "nothing"
    THIS_MACHINE = "a file of this machine"
    HOST_BOOK = "config.toml"
    PROGRAM = "this program, until it ends"


@dataclass(frozen=True, slots=True)
class Remedy:
    """One of them, made out for one failure."""

    id: RemedyId
    host: str
    """Whose ladder is climbed again afterwards."""
    hop: str
    """The machine at fault: the host itself, or a jump host on the way."""
    label: str
    """What the key does, in a few words: `do it and try again`."""
    sentence: str
    """What will be done, exactly."""
    changes: Changes
    dry_run: str
    """The same as a command or a line of a file; nothing else is touched."""
    undo: str = ""
    """How it is taken back, where that is more than to leave it."""
    told: Advice = field(default_factory=lambda: Advice(""))
    """How it reads among other advice."""
    path: Path | None = None
    """FIX_MODE, START_AGENT: the key file."""
    option: str = ""
    """ALLOW_ALGORITHM, QUICK_CIPHER: the key of the entry's `algorithms` table."""
    name: str = ""
    """ALLOW_ALGORITHM: the algorithm. QUICK_CIPHER: the whole list. NEAR_NAME: the host that is meant. SHOW_SPACE: the
    path on the full disk."""

    @property
    def lasts(self) -> bool:
        """Whether a program that ends at once can apply it to any use."""
        return self.changes is not Changes.PROGRAM

    @property
    def needs_choice(self) -> bool:
        """Whether the person has to choose something before it can be applied."""
        return self.id is RemedyId.CHOOSE_KEY

    @property
    def climbs(self) -> bool:
        """Whether the ladder is climbed again afterwards."""
        return self.id is not RemedyId.SHOW_SPACE

    @property
    def measures(self) -> bool:
        """Whether it is about a slow host, so that it is measured once more afterwards."""
        return self.id is RemedyId.QUICK_CIPHER

    @property
    def agreed(self) -> str:
        """What a yes to it says."""
        if self.measures:
            return "Do it and measure again"
        return "Do it and try again" if self.climbs else "Do it"
