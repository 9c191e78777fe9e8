"""What the schema cannot say: names that can be typed, profiles that exist, jump hosts that can be read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from backend.hosts.names import is_plain_name, read_jumps
from backend.settings.model import FileSettings, HostOptions, HostSettings
from backend.text import clean_line

Finding = tuple[tuple[str, ...], str, str | None]
"""Key path, sentence, nearest valid value."""


def rule_problems(settings: FileSettings) -> Iterator[Finding]:
    """Everything that is wrong although each value has the right type."""
    yield from _jump(("defaults",), settings.defaults)
    for name, profile in settings.profiles.items():
        yield from _jump(("profiles", name), profile)
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
    yield from _jump(key, host)


def _jump(key: tuple[str, ...], options: HostOptions) -> Iterator[Finding]:
    if options.jump is None:
        return
    try:
        read_jumps(options.jump)
    except ValueError as error:
        yield (*key, "jump"), f"{clean_line('.'.join(key))}.jump: {error}", None
