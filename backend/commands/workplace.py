"""What a host's profile sets up for commands and shells: where they begin, and with which variables. Pure.

Servers refuse most names in the channel's own environment request (`AcceptEnv`), so the command line carries them.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.commands.quoting import login_shell, wrap
from backend.connection.target import Target, Workplace
from backend.files.paths import expand_variables, to_bytes, to_text


def placed(
    command: bytes, target: Target | None, *, cwd: bytes | None = None, env: Mapping[str, str] | None = None
) -> bytes:
    """`command` as it is sent: in `cwd` or else the profile's directory, with the profile's variables under `env`.

    Raises ConfigError (USAGE) for what no shell can carry.
    """
    directory, variables = place_of(target, cwd=cwd, env=env)
    return wrap(command, cwd=directory, env=variables)


def place_of(
    target: Target | None, *, cwd: bytes | None = None, env: Mapping[str, str] | None = None
) -> tuple[bytes | None, Mapping[str, str]]:
    """Where a command runs, and with which variables beside those of its login."""
    place = _of(target)
    return _directory(place, cwd), {**place.env, **(env or {})}


def shell_command(target: Target | None) -> bytes | None:
    """What opens a login shell with the profile's directory and variables; None where the server's own will do."""
    place = _of(target)
    return login_shell(cwd=_directory(place, None), env=place.env)


def _of(target: Target | None) -> Workplace:
    return Workplace() if target is None else target.workplace


def _directory(place: Workplace, cwd: bytes | None) -> bytes | None:
    """The directory with variables of the profile and the name of a root replaced, as `PathResolver` does it."""
    wanted = place.directory if cwd is None else to_text(cwd)
    if wanted is None:
        return None
    wanted = expand_variables(wanted, place.env)
    root, colon, below = wanted.partition(":")
    if colon and root in place.roots:
        wanted = f"{expand_variables(place.roots[root], place.env)}/{below}".rstrip("/") or "/"
    return to_bytes(wanted)
