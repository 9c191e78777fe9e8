"""Paths of ssh_config(5) made plain: `~`, percent tokens, `${VARIABLES}`, several paths in one value. Pure."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.patterns import pattern

_TOKEN = pattern(r"%(.)")
_VARIABLE = pattern(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NEXT_PATH = pattern(r"\s+(?=[/~%$]|[A-Za-z]:[\\/])")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The person's machine, as far as paths depend on it."""

    home: Path
    environ: Mapping[str, str]
    user: str
    """Who runs this program."""
    machine: str = "localhost"
    """The name of this machine (`%l`)."""

    def expand(self, value: str, tokens: Mapping[str, str]) -> Path:
        """`value` with tokens, variables and `~` replaced. An unknown token stays as it is."""
        value = _VARIABLE.sub(lambda match: self.environ.get(match[1], match[0]), value)
        value = _TOKEN.sub(lambda match: tokens.get(match[1], match[0]), value)
        if value == "~" or value.startswith("~/"):
            return self.home / value[2:]
        return Path(value)

    def tokens_of(self, hop: Hop, name: str) -> dict[str, str]:
        """As `tokens`, for a hop that was asked for as `name`."""
        return self.tokens(
            name=name, address=hop.address, port=str(hop.port), user=hop.user, key_alias=hop.host_key_alias
        )

    def tokens(self, *, name: str, address: str, port: str, user: str, key_alias: str | None) -> dict[str, str]:
        """The tokens of TOKENS in ssh_config(5) that paths may hold, by letter."""
        mixed = f"{self.machine}{address}{port}{user}"
        return {
            "%": "%",
            "C": hashlib.sha1(mixed.encode(), usedforsecurity=False).hexdigest(),
            "d": str(self.home),
            "h": address,
            "i": str(os.getuid()) if hasattr(os, "getuid") else "0",
            "k": key_alias or name,
            "L": self.machine.partition(".")[0],
            "l": self.machine,
            "n": name,
            "p": port,
            "r": user,
            "u": self.user,
        }


def split_paths(value: str) -> tuple[str, ...]:
    """The paths of a `UserKnownHostsFile` as `ssh -G` prints it: without quotes, so a blank followed by something that
    cannot begin a path belongs to a name. None for `none`."""
    if value.strip().lower() in {"", "none"}:
        return ()
    return tuple(_NEXT_PATH.split(value.strip()))
