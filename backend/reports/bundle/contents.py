"""A bundle before it is packed: its files, and the manifest over them. Frozen, pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.clock import iso
from backend.dataclass import dataclass

FORMAT = "fairlead.bundle"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file."""

    name: str
    """With `/` between directories."""
    about: str
    """What it is, in a few words."""
    text: str

    @property
    def raw(self) -> bytes:
        return self.text.encode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Bundle:
    """All files but the manifest, and what the manifest says besides."""

    made_at: datetime
    version: str
    """Of the program."""
    hosts: tuple[str, ...]
    """As they are called in the bundle."""
    anonymous: bool
    entries: tuple[Entry, ...]
    left_out: Mapping[str, int]
    """By design, by what it was: `value of env`, `log message`."""
    taken_out: Mapping[str, int]
    """Found by the pass over all texts, by kind."""

    @property
    def root(self) -> str:
        """The directory that it unpacks to."""
        return f"fairlead-support-{self.made_at:%Y%m%d-%H%M%S}"

    def manifest(self) -> dict[str, Any]:
        """`manifest.json`, as docs/reports.md describes it."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "made_at": iso(self.made_at),
            "fairlead": self.version,
            "hosts": list(self.hosts),
            "anonymous": self.anonymous,
            "files": [_file(entry) for entry in self.entries],
            "left_out_by_design": dict(self.left_out),
            "taken_out": dict(self.taken_out),
        }

    def files(self) -> tuple[Entry, ...]:
        """Everything that is packed, what to read first at the top."""
        told = json.dumps(self.manifest(), indent=2) + "\n"
        return (
            Entry("README.txt", "what this is", self._readme()),
            Entry("manifest.json", "what is in it, and what is not", told),
            *self.entries,
        )

    def _readme(self) -> str:
        lines = [
            f"A support bundle of Fairlead {self.version}, made {iso(self.made_at)}.",
            "Plain text throughout: read it before you send it.",
            "",
            *(f"{entry.name:<32} {entry.about}" for entry in self.entries),
            "",
            f"Left out by design: {listed(self.left_out)}.",
            f"Taken out of texts: {listed(self.taken_out)}.",
            "Names of hosts, users and addresses are replaced."
            if self.anonymous
            else "Names of hosts are as they are.",
        ]
        return "\n".join(lines) + "\n"


def listed(counts: Mapping[str, int]) -> str:
    """`2 × token, 1 × private key`; `nothing`."""
    return ", ".join(f"{count} × {what}" for what, count in sorted(counts.items())) or "nothing"


def _file(entry: Entry) -> dict[str, Any]:
    raw = entry.raw
    return {"name": entry.name, "about": entry.about, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
