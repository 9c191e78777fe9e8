"""What the schema cannot say: names that can be typed, profiles that exist, jump hosts that can be read. Pure."""

from __future__ import annotations

import difflib
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from backend.forwards.spec import read_forward
from backend.hosts.names import is_plain_name, read_jumps
from backend.hosts.routes import host_problems, option_problems
from backend.settings.layers import options_of
from backend.settings.model import CommandOptions, FileSettings, HealthOptions, HostOptions, HostSettings
from backend.text import clean_line

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\][A-Za-z0-9:_.@\\-]{0,200}")
_ROOT = re.compile(r"[A-Za-z0-9_.-]+")

Finding = tuple[tuple[str, ...], str, str | None]
"""Key path, sentence, nearest valid value."""


def rule_problems(settings: FileSettings) -> Iterator[Finding]:
    """Everything that is wrong although each value has the right type."""
    yield from _below(("defaults",), _options(settings.defaults))
    for name, profile in settings.profiles.items():
        yield from _below(("profiles", name), _options(profile))
    for name, group in settings.groups.items():
        yield from _below(("groups", name), _commands(group.commands))
    yield from _below(("health",), _thresholds(settings.health.thresholds))
    for name, host in settings.hosts.items():
        if not is_plain_name(name):
            may_not = "no spaces, '@', ':', '/' or control codes, no '-' in front"
            yield ("hosts", name), f"{clean_line(name)!r} cannot be a host's name: {may_not}", None
        yield from _below(("hosts", name), entry_findings(host, settings))


def _commands(options: CommandOptions | None) -> Iterator[Finding]:
    """Rules that no command can follow."""
    for name in ("allow", "deny"):
        for text in getattr(options, name, None) or ():
            try:
                empty = not shlex.split(text)
            except ValueError:
                empty = True
            if empty:
                yield ("commands", name), f"{clean_line(text)!r} is no command: its quotes do not end", None


def _health(options: HealthOptions | None) -> Iterator[Finding]:
    if options is None:
        return
    for key, told, nearest in _thresholds(options.thresholds or {}):
        yield ("health", *key), told, nearest
    for unit in options.restart or ():
        if not _UNIT.fullmatch(unit):
            yield ("health", "restart"), f"{clean_line(unit)!r} is no systemd unit that can be named", None


def _thresholds(thresholds: Mapping[str, Sequence[float]]) -> Iterator[Finding]:
    for name, limits in thresholds.items():
        if len(limits) > 2 or not all(math.isfinite(one) for one in limits):
            yield ("thresholds", name), "it takes two numbers, [warn, critical], or fewer", None


def _below(table: tuple[str, ...], findings: Iterator[Finding]) -> Iterator[Finding]:
    """What was found in one table, told with its whole key."""
    for key, told, nearest in findings:
        path = (*table, *key)
        yield path, f"{clean_line('.'.join(path))}: {told}", nearest


def entry_findings(host: HostSettings, settings: FileSettings) -> Iterator[Finding]:
    """What is wrong with one `[hosts.NAME]`, with keys as they stand in it."""
    if host.address is not None and host.ssh_host is not None:
        yield ("ssh_host",), "the entry has both address and ssh_host: one of them says where it is", None
    if host.profile is not None and host.profile not in settings.profiles:
        close = difflib.get_close_matches(host.profile, settings.profiles, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        yield ("profile",), f"there is no profile called {clean_line(host.profile)}{hint}", next(iter(close), None)
    for position, text in enumerate(host.forwards):
        try:
            read_forward(text)
        except ValueError as error:
            yield ("forwards",), f"forward {position + 1}: {clean_line(str(error))}", None
    yield from _options(host)
    for name, told, nearest in host_problems(host, options_of(host, settings)):
        yield (name,), told, nearest


def _options(options: HostOptions) -> Iterator[Finding]:
    if options.jump is not None:
        try:
            read_jumps(options.jump)
        except ValueError as error:
            yield ("jump",), str(error), None
    for name, told, nearest in option_problems(options):
        yield (name,), told, nearest
    yield from _commands(options.commands)
    yield from _health(options.health)
    for name in options.env or {}:
        if not _VARIABLE.fullmatch(name):
            yield ("env", name), f"{clean_line(name)!r} is not a name of an environment variable", None
    for name in options.roots or {}:
        if not _ROOT.fullmatch(name):
            yield ("roots", name), f"{clean_line(name)!r} cannot name a root: letters, digits, '.', '_', '-'", None
    for place, text in _texts(options):
        if "\0" in text:
            yield place, "there is a zero byte in it", None


def _texts(options: HostOptions) -> Iterator[tuple[tuple[str, ...], str]]:
    """What goes into command lines and paths."""
    if options.directory is not None:
        yield ("directory",), options.directory
    for table in ("env", "roots", "checks"):
        for name, value in (getattr(options, table) or {}).items():
            yield (table, name), value
