"""Settings: `config.toml`, the environment and the flags, in layers; and where files live (platformdirs).

Own host entries are part of the settings. Mistakes are told with file, line and the nearest valid key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file."""

    file: Path
    line: int | None
    key: str
    message: str
    nearest: str | None = None
    """The valid key that was probably meant."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where Fairlead keeps its files."""

    config: Path
    """`config.toml`"""
    state: Path
    """The state directory (0700): database, logs."""

    @classmethod
    def standard(cls) -> Paths:
        """The platform's places (XDG on Linux), or FAIRLEAD_CONFIG and FAIRLEAD_STATE_DIR."""
        raise NotImplementedError
