"""Settings: `config.toml`, the environment and the flags, in layers; and where files live (platformdirs).

Own host entries are part of the settings. Mistakes are told with file, line and the nearest valid key. Reading a file
loads pydantic; without a file nothing heavy is loaded.
"""

from __future__ import annotations

from backend.settings.loader import SettingsFile, check_settings, load_settings
from backend.settings.model import (
    Ascii,
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
from backend.settings.problems import Problem
from backend.settings.show import SettingRow, setting_rows

__all__ = [
    "Ascii",
    "HostOptions",
    "HostSettings",
    "KeepaliveOptions",
    "Layer",
    "Origin",
    "Paths",
    "Problem",
    "SettingRow",
    "Settings",
    "SettingsFile",
    "TimeoutOptions",
    "TransferSettings",
    "UiSettings",
    "check_settings",
    "load_settings",
    "setting_rows",
]
