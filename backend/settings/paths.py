"""Where Fairlead keeps its files: the platform's places, or what the environment says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Paths:
    """Where Fairlead keeps its files."""

    config: Path
    """`config.toml`"""
    state: Path
    """The state directory (0700): database, logs."""

    @classmethod
    def standard(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The platform's places (XDG on Linux), or FAIRLEAD_CONFIG and FAIRLEAD_STATE_DIR."""
        environ = os.environ if environ is None else environ
        config, state = environ.get("FAIRLEAD_CONFIG"), environ.get("FAIRLEAD_STATE_DIR")
        return cls(
            Path(config).expanduser() if config else _platform_config(),
            Path(state).expanduser() if state else _platform_state(),
        )


def _platform_config() -> Path:
    from platformdirs import user_config_path  # 20 ms that `--config` saves

    return user_config_path("fairlead") / "config.toml"


def _platform_state() -> Path:
    from platformdirs import user_state_path

    return user_state_path("fairlead")


def short(path: Path) -> str:
    """`path` for a person: with `~` for the home directory."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
