"""What services are built from: flags, files, settings. It loads little: the workbench shows itself before the rest."""

from __future__ import annotations

import shlex
from dataclasses import field, replace

from backend.connection.vault import Vault
from backend.dataclass import dataclass
from backend.errors import ConfigError
from backend.settings import Paths, Settings, load_settings
from cli.flags import GlobalFlags

_CHECK = "fairlead config check"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the services are built from."""

    flags: GlobalFlags
    paths: Paths
    settings: Settings
    vault: Vault = field(default_factory=Vault)


def paths_of(flags: GlobalFlags) -> Paths:
    """Where the files are, flags considered."""
    if flags.config is not None and flags.state_dir is not None:
        return Paths(flags.config, flags.state_dir)
    standard = Paths.standard()
    return Paths(flags.config or standard.config, flags.state_dir or standard.state)


def settings_of(flags: GlobalFlags) -> Settings:
    """The settings in force. Raises ConfigError, whose advice names the file where it was named with --config."""
    try:
        return load_settings(flags.config)
    except ConfigError as error:
        if flags.config is None:
            raise
        named = f"{_CHECK} --config {shlex.quote(str(flags.config))}"
        advice = tuple(replace(one, command=named) if one.command == _CHECK else one for one in error.advice)
        raise ConfigError(error.code, error.message, evidence=error.evidence, advice=advice) from error


def configure(flags: GlobalFlags) -> Configuration:
    """Read the settings. Raises ConfigError. The demo reads no file but one that is named: it works anywhere."""
    settings = Settings() if flags.demo and flags.config is None else settings_of(flags)
    return Configuration(flags, paths_of(flags), settings)
