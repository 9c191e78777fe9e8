"""What the schema cannot say: names that can be typed, profiles that exist, jump hosts that can be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from backend.forwards.spec import read_forward
from backend.hosts.names import is_plain_name, read_jumps
from backend.hosts.routes import host_problems, option_problems
from backend.settings.layers import options_of
from backend.settings.model import FileSettings, HostOptions, HostSettings
from backend.text import clean_line

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROOT = re.compile(r"[A-Za-z0-9_.-]+")

Finding = tuple[tuple[str, ...], str, str | None]
"""Key path, sentence, nearest valid value."""


def rule_problems(settings: FileSettings) -> Iterator[Finding]:
    """Everything that is wrong although each value has the right type."""
    yield from _options(("defaults",), settings.defaults)
    for name, profile in settings.profiles.items():
        yield from _options(("profiles", name), profile)
    for name, host in settings.hosts.items():
        yield from _host(("hosts", name), host, settings)


def _host(key: tuple[str, ...], host: HostSettings, settings: FileSettings) -> Iterator[Finding]:
    shown = clean_line(key[-1])
    if not is_plain_name(key[-1]):
        yield (
            key,
            f"{shown!r} cannot be a host's name: no spaces, '@', ':', '/' or control codes, no '-' in front",
            None,
        )
    if host.address is not None and host.ssh_host is not None:
        yield (*key, "ssh_host"), f"{shown} has both address and ssh_host: one of them says where it is", None
    if host.profile is not None and host.profile not in settings.profiles:
        close = get_close_matches(host.profile, settings.profiles, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        yield (*key, "profile"), f"there is no profile called {clean_line(host.profile)}{hint}", next(iter(close), None)
    for position, text in enumerate(host.forwards):
        try:
            read_forward(text)
        except ValueError as error:
            yield (*key, "forwards"), f"{shown}, forward {position + 1}: {clean_line(str(error))}", None
    yield from _options(key, host)
    for name, told, nearest in host_problems(host, options_of(host, settings)):
        yield (*key, name), f"{clean_line('.'.join(key))}.{name}: {told}", nearest


def _options(key: tuple[str, ...], options: HostOptions) -> Iterator[Finding]:
    yield from _jump(key, options)
    for name, told, nearest in option_problems(options):
        yield (*key, name), f"{clean_line('.'.join(key))}.{name}: {told}", nearest
    for name in options.env or {}:
        if not _VARIABLE.fullmatch(name):
            yield (*key, "env", name), f"{clean_line(name)!r} is not a name of an environment variable", None
    for name in options.roots or {}:
        if not _ROOT.fullmatch(name):
            yield (
                (*key, "roots", name),
                f"{clean_line(name)!r} cannot name a root: letters, digits, '.', '_', '-'",
                None,
            )
    for place, text in _texts(key, options):
        if "\0" in text:
            yield place, f"{clean_line('.'.join(place))} holds a zero byte", None


def _texts(key: tuple[str, ...], options: HostOptions) -> Iterator[tuple[tuple[str, ...], str]]:
    """What goes into command lines and paths."""
    if options.directory is not None:
        yield (*key, "directory"), options.directory
    for table in ("env", "roots"):
        for name, value in (getattr(options, table) or {}).items():
            yield (*key, table, name), value


def _jump(key: tuple[str, ...], options: HostOptions) -> Iterator[Finding]:
    if options.jump is None:
        return
    try:
        read_jumps(options.jump)
    except ValueError as error:
        yield (*key, "jump"), f"{clean_line('.'.join(key))}.jump: {error}", None
