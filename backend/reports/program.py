"""Which program made a report: its version, and those of what it stands on. Nothing is imported for that."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from backend import __version__
from backend.dataclass import dataclass

_LIBRARIES = ("asyncssh", "cryptography", "textual", "rich", "pydantic", "click", "structlog", "tomlkit", "bcrypt")


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """Versions."""

    version: str
    python: str = ""
    platform: str = ""
    libraries: Mapping[str, str] | None = None

    @classmethod
    def here(cls) -> ProgramFacts:
        """Of this process."""
        libraries = {name: found for name in _LIBRARIES if (found := _version(name))}
        return cls(__version__, platform.python_version(), platform.platform(terse=True), libraries)

    def to_json(self) -> dict[str, Any]:
        """`program` in a report."""
        return {
            "version": self.version,
            "python": self.python,
            "platform": self.platform,
            "libraries": dict(self.libraries or {}),
        }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""
