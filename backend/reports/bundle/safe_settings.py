"""The settings for a bundle: values of keys that can hold no secret; of all others only that they are set. Pure."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from backend.settings.model import Origin, Settings
from backend.settings.show import leaves

_SAFE = frozenset(
    """user port identity_files identities_only agent jump routes password host_key known_hosts keepalive timeouts
    idle_close production address ssh_host tailscale cloudflare profile group forwards theme ascii parallel at_once
    at_once_of_host""".split()  # noqa: SIM905 - reads better so
)
"""The first part of a key, within its table. Not: env, commands, checks, proxy_command, note, extra, roots, …"""
LEFT_OUT = "(left out)"
_WORD = re.compile(r"[^\s'\"=]+")


def settings_json(settings: Settings, left_out: Counter[str]) -> list[dict[str, Any]]:
    """One object for each table: `{"table", "name", "values": [{"key", "value", "layer", "where"}]}`."""
    tables = [
        _table("ui", "", settings.ui, settings, left_out),
        _table("transfers", "", settings.transfers, settings, left_out),
    ]
    tables.append(_table("defaults", "", settings.defaults, settings, left_out))
    for table, named in (("profiles", settings.profiles), ("groups", settings.groups), ("hosts", settings.hosts)):
        tables += [_table(table, name, value, settings, left_out) for name, value in named.items()]
    return [table for table in tables if table["values"]]


def learnable(settings: Settings) -> Iterator[str]:
    """Texts of the settings that may be secrets: values of variables, words of proxy commands, passwords of proxies."""
    for options in (settings.defaults, *settings.profiles.values(), *settings.hosts.values()):
        yield from (value for value in (options.env or {}).values() if _telling(value))
        yield from words_of_command(options.proxy_command or "")
        yield from filter(None, [_password(options.proxy or "")])


def words_of_command(command: str) -> Iterator[str]:
    """Words of a command line that may be a password: such as no program, path, host name or option is."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    for word in words:
        for part in _WORD.findall(word):
            if _telling(part) and not part.startswith("-"):
                yield part


def safe_proxy(address: str) -> str:
    """A proxy's address without what is said of who uses it."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return LEFT_OUT
    return (
        f"{parts.scheme}://{parts.hostname}{port}"
        if parts.hostname
        else address
        if address == "environment"
        else LEFT_OUT
    )


def _table(table: str, name: str, value: object, settings: Settings, left_out: Counter[str]) -> dict[str, Any]:
    prefix = f"{table}.{name}" if name else table
    rows = [_row(key, item, settings.origin(f"{prefix}.{key}"), left_out) for key, item in leaves("", value)]
    return {"table": table, "name": name, "values": rows}


def _row(key: str, value: object, origin: Origin, left_out: Counter[str]) -> dict[str, Any]:
    first = key.partition(".")[0]
    shown = value
    if first == "proxy":
        shown = safe_proxy(str(value))
    elif first not in _SAFE:
        shown = LEFT_OUT
    if shown == LEFT_OUT:
        left_out[f"value of {first}"] += 1
    return {"key": key, "value": shown, "layer": origin.layer.value, "where": origin.where}


def _telling(word: str) -> bool:
    """Long enough, and of more than small letters: not a plain word, number, path or `%h`."""
    plain = word.isalpha() and word.islower()
    return len(word) >= 5 and not plain and not word.isdigit() and not any(sign in word for sign in "/%")


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


def ssh_commands(options: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """What may be a secret in the ssh configuration's own commands and variables."""
    for keyword in ("proxycommand", "localcommand", "remotecommand", "knownhostscommand"):
        for value in options.get(keyword, ()):
            yield from words_of_command(value)
    for value in options.get("setenv", ()):
        yield from (part.partition("=")[2] for part in value.split() if _telling(part.partition("=")[2]))
