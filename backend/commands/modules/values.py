"""What is said about environment modules. Frozen values only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from backend.commands.quoting import posix_join, posix_quote, script_line
from backend.dataclass import dataclass
from backend.errors import Code, ConfigError, SessionError

ENVIRONMENT_LIMIT = 110_000
"""Bytes of a command line with an environment in it: a kernel takes no argument of 128 KiB (`MAX_ARG_STRLEN`)."""
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
SET_MARK = "@"
"""What a saved set's name begins with, where modules are named."""


@dataclass(frozen=True, slots=True)
class Module:
    """A module that can be loaded."""

    name: str
    """As `module load` takes it: `gcc/13.2.0`."""
    where: str = ""
    """The directory that it was found in, where the host says."""
    default: bool = False
    """What is loaded when the name is given without a version."""

    @property
    def family(self) -> str:
        """Its name without the version."""
        return self.name.rpartition("/")[0] or self.name


@dataclass(frozen=True, slots=True)
class Listing:
    """What a host's module command answered."""

    modules: tuple[Module, ...]
    system: str
    """Which module system it is, and how it was found; for people."""


@dataclass(frozen=True, slots=True)
class ModuleEnvironment:
    """What loading modules changes in the environment of a login on one host."""

    names: tuple[str, ...]
    loaded: tuple[str, ...]
    """What is loaded then, with versions and all that came along."""
    changed: Mapping[bytes, bytes]
    gone: tuple[bytes, ...]
    said: str = ""
    """What the modules said while they were loaded; cleaned, for people."""
    system: str = ""

    def around(self, command: bytes, host: str) -> bytes:
        """A command line, for any login shell, that has the login shell run `command` in this environment.

        Raises SessionError (MODULE_FAILED) where the environment is too large for a command line.
        """
        steps = [b'FAIRLEAD_SHELL="${SHELL:-/bin/sh}"']
        steps += [b"unset " + name for name in self.gone if _NAME.fullmatch(name)]
        # A bash below another one does not read ~/.bashrc (it counts SHLVL): it could undo what was loaded.
        pairs = [name + b"=" + value for name, value in {b"SHLVL": b"1", **self.changed}.items()]
        steps.append(b"exec env " + posix_join(pairs) + b' "$FAIRLEAD_SHELL" -c ' + posix_quote(command))
        line = script_line(b"\n".join(steps))
        if len(line) > ENVIRONMENT_LIMIT:
            reason = f"their environment has {len(line):,} bytes, and a command line takes {ENVIRONMENT_LIMIT:,}"
            evidence = {"modules": " ".join(self.names), "module": " ".join(self.names[:1]), "reason": reason}
            raise SessionError(Code.MODULE_FAILED, evidence=evidence, host=host)
        return line


def checked_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names as they may be handed to `module load`. Raises ConfigError (USAGE) for what would be an option or nothing.

    A leading minus unloads in some module systems, and is an option in others.
    """
    checked = tuple(names)
    for name in checked:
        if not name.strip() or name.startswith("-") or not name.isprintable() or any(c.isspace() for c in name):
            raise ConfigError(Code.USAGE, evidence={"problem": f"{name!r} is not a name of a module."})
    return checked


def resolved(names: Iterable[str], sets: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """`names` with saved sets (`@name`) replaced by what they hold, each module once, in order.

    Raises ConfigError (USAGE) for a set that nobody saved.
    """
    found: dict[str, None] = {}
    for name in names:
        if not name.startswith(SET_MARK):
            found[name] = None
            continue
        if (held := sets.get(name[len(SET_MARK) :])) is None:
            known = ", ".join(SET_MARK + known for known in sorted(sets)) or "none"
            problem = f"no set of modules is called {name}; there are: {known}."
            raise ConfigError(Code.USAGE, evidence={"problem": problem})
        found.update(dict.fromkeys(held))
    return checked_names(found)
