"""`HOST:PATH` on the command line, read as scp(1) reads it. Pure."""

from __future__ import annotations

import re
from pathlib import Path

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError

_BRACKETED = re.compile(r"(?P<host>(?:[^@/:]+@)?\[[^\]/]+\]):(?P<path>.*)", re.DOTALL)
_PLAIN = re.compile(r"(?P<host>[^:/\[\]][^:/]*):(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A path on a host."""

    host: str
    path: str
    """As the person wrote it; `.`, the home directory, where nothing stood after the colon."""

    def __str__(self) -> str:
        return f"{self.host}:{self.path}"


def parse_remote(text: str) -> RemotePath | None:
    """`HOST:PATH`, `USER@HOST:PATH` or `[IPv6]:PATH`; None for a local path.

    As with scp, a colon after a slash belongs to a name: `./a:b` is local.
    """
    match = _BRACKETED.fullmatch(text) or _PLAIN.fullmatch(text)
    if match is None:
        return None
    return RemotePath(match["host"], match["path"] or ".")


def remote(text: str) -> RemotePath:
    """As `parse_remote`, where only a remote path will do. Raises ConfigError (USAGE)."""
    found = parse_remote(text)
    if found is None:
        raise ConfigError(Code.USAGE, f"{text} names no host; write HOST:PATH.", evidence={"problem": text})
    return found


def removable(path: RemotePath) -> RemotePath:
    """`path`, if it names one thing among others: rm(1) refuses `/`, `.` and `..`, and so is the home directory here.

    Raises ConfigError (USAGE).
    """
    if path.path.rstrip("/").rpartition("/")[2] in {"", ".", ".."}:
        raise not_removed(str(path))
    return path


def not_removed(path: str) -> ConfigError:
    """What is said of a path that is never removed, whatever flags are given."""
    problem = f"{path} is not removed: it is /, the home directory, or ends in . or .. ; name what is to go."
    return ConfigError(Code.USAGE, problem, evidence={"problem": problem})


def absolute(path: str) -> str:
    """The same local place from any directory, as it was written else: a slash or a dot at the end mean something."""
    return path if path.startswith(("/", "~")) else f"{Path.cwd()}/{path}"


def one_host(paths: tuple[RemotePath, ...]) -> str:
    """The host that all of `paths` are on. Raises ConfigError (USAGE) when there are several."""
    hosts = {item.host for item in paths}
    if len(hosts) > 1:
        names = ", ".join(sorted(hosts))
        raise ConfigError(Code.USAGE, f"One host at a time: {names}.", evidence={"problem": names})
    return paths[0].host
