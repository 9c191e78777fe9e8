"""Settings: `config.toml`, the environment and the flags, in layers; and where files live (platformdirs).

Own host entries are part of the settings. Mistakes are told with file, line and the nearest valid key. What reads and
checks a file (`reading`, `rules`, `show`, pydantic) is loaded when there is one.
"""

from __future__ import annotations

from backend.settings.loader import SettingsFile, load_settings
from backend.settings.model import (
    Ascii,
    HealthOptions,
    HealthSettings,
    HostOptions,
    HostSettings,
    KeepaliveOptions,
    Layer,
    Origin,
    Settings,
    TimeoutOptions,
    TransferSettings,
    UiSettings,
)
from backend.settings.paths import Paths

__all__ = [
    "Ascii",
    "HealthOptions",
    "HealthSettings",
    "HostOptions",
    "HostSettings",
    "KeepaliveOptions",
    "Layer",
    "Origin",
    "Paths",
    "Settings",
    "SettingsFile",
    "TimeoutOptions",
    "TransferSettings",
    "UiSettings",
    "load_settings",
]
