"""The settings in force: defaults < file < environment < flags.

Who has written nothing waits for nothing: what reads a file is loaded when there is one (`backend.settings.reading`).
Profiles fill in their hosts when a host is resolved (`backend.hosts`), flags about connecting are `Overrides` there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from backend.dataclass import dataclass
from backend.settings.model import Settings, TransferSettings, UiSettings
from backend.settings.paths import Paths

SECTIONS = {"ui": UiSettings, "transfers": TransferSettings}
"""Sections whose keys may be set as FAIRLEAD_SECTION_KEY."""
VARIABLES = tuple(f"FAIRLEAD_{section.upper()}_" for section in SECTIONS)
"""How the names of variables begin that set a value."""


def load_settings(
    path: Path | None = None, *, environ: Mapping[str, str] | None = None, flags: Mapping[str, object] | None = None
) -> Settings:
    """All layers put together. A file that is not there is an empty one, unless it was named (`path`).

    `flags` has dotted keys, as `ui.theme`. Reads a file: call it before the loop runs, or in a thread.
    Raises ConfigError CONFIG_INVALID with evidence `problem, file, line, key, nearest`.
    """
    environ = os.environ if environ is None else environ
    if path is None and not flags and _nothing_is_written(environ):
        return Settings()
    from backend.settings.reading import read_settings

    return read_settings(path, environ, flags or {})


def _nothing_is_written(environ: Mapping[str, str]) -> bool:
    if "FAIRLEAD_CONFIG" in environ or any(name.startswith(VARIABLES) for name in environ):
        return False
    return not os.path.lexists(Paths.standard(environ).config)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Where settings were read from, so that they can be read again."""

    path: Path
    is_named: bool = False
    """The person named it: then it must be there."""
    environ: Mapping[str, str] | None = None

    def load(self) -> Settings:
        """As `load_settings`."""
        return load_settings(self.path if self.is_named or self.path.exists() else None, environ=self.environ)
