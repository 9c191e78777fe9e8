"""The routes of a host: which there are, in which order they are tried, and what each means. Pure.

An own entry may have several (`routes`, or what it gives of `jump`, `proxy`, …); a host of ~/.ssh/config has the one
that is written there.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from backend.connection.target import Hop
from backend.connection.ways import (
    ALL_PROXY,
    DIRECT,
    FROM_ENVIRONMENT,
    Cloudflare,
    Proxy,
    ProxyCommand,
    Tailscale,
    Way,
    read_proxy,
)
from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.hosts.names import read_jumps
from backend.patterns import pattern
from backend.text import clean_line

if TYPE_CHECKING:  # the settings' own checks look in here
    from backend.settings.model import HostOptions, HostSettings

ORDER = ("direct", "tailscale", "jump", "proxy", "proxy_command", "cloudflare")
"""Every kind of route, in the order in which they are tried where the entry does not say."""
_INSTEAD_OF_DIRECT = ("jump", "proxy", "proxy_command")
"""Each says how the entry's address is reached, so that it is not tried directly unless `routes` says so."""
_TOKEN = pattern(r"%(.?)")
_COMMAND_TOKENS = frozenset("%hknpr")
"""TOKENS in ssh_config(5), for ProxyCommand."""
_UNSAFE = pattern(r"[\x00-\x20\x7f'\"`$;&<>|(){}]|^-")
"""What would mean something to the shell: no host or user may bring it in (as in ssh.c, since OpenSSH 9.6)."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route before its hops are known."""

    name: str = ""
    """As in `routes`; empty where the ssh configuration decides which it is."""
    jump: str | None = None
    """As -J; None leaves it to the ssh configuration, `none` is for none."""
    way: Way | None = None
    """How the host itself is reached; None leaves it to the ssh configuration."""


AS_CONFIGURED = Route()
"""What ~/.ssh/config says, whatever it is."""


def routes_of(options: HostOptions, entry: HostSettings, environ: Mapping[str, str]) -> tuple[Route, ...]:
    """The routes of an own entry in the order they are tried; `options` are its own, its profile's and the defaults.

    An order that comes from a profile or the defaults leaves out what this host does not have. Raises ConfigError where
    the environment's proxy cannot be read.
    """
    has = _given(options, entry)
    if options.routes is None:
        names: Iterable[str] = [name for name in ORDER if name in has]
    else:
        names = [name for name in options.routes if name == "direct" or name.startswith("jump:") or name in has]
    routes = [_route(name, options, entry, environ) for name in dict.fromkeys(names)]
    found = tuple(route for route in routes if route is not None)
    if options.routes is None and options.jump is None:  # nothing forbids what the ssh configuration says
        found = tuple(AS_CONFIGURED if route.name == "direct" else route for route in found)
    return found or (Route("", options.jump),)


def _given(options: HostOptions, entry: HostSettings) -> set[str]:
    """The kinds of routes that there is something written for; nothing where only the ssh configuration decides."""
    values = {
        "jump": None if _is_none(options.jump) else options.jump,
        "proxy": options.proxy,
        "proxy_command": options.proxy_command,
        "tailscale": entry.tailscale,
        "cloudflare": entry.cloudflare,
    }
    given = {name for name, value in values.items() if value}
    direct = bool(entry.address or entry.ssh_host) and not given.intersection(_INSTEAD_OF_DIRECT)
    return given | {"direct"} if given and direct else given


def _is_none(jump: str | None) -> bool:
    return jump is not None and jump.strip().lower() == "none"


def _route(name: str, options: HostOptions, entry: HostSettings, environ: Mapping[str, str]) -> Route | None:
    kind, _, through = name.partition(":")
    if kind == "jump":
        return Route(name, through or options.jump)
    if kind == "proxy":
        way = _proxy(options.proxy or "", environ)
        return None if way is None else Route(name, "none", way)
    ways: dict[str, Way] = {
        "proxy_command": ProxyCommand(options.proxy_command or ""),
        "tailscale": Tailscale(entry.tailscale or ""),
        "cloudflare": Cloudflare(entry.cloudflare or ""),
    }
    return Route(name, "none", ways.get(kind, DIRECT))


def _proxy(text: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy; None where the environment is to name it and does not."""
    if text != FROM_ENVIRONMENT:
        return read_proxy(text)
    variable = next((name for name in ALL_PROXY if environ.get(name)), None)
    if variable is None:
        return None
    try:
        return read_proxy(environ[variable], with_password=True)
    except ValueError as error:
        problem = f"{variable} cannot be used: {error}"
        raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem, "key": variable}) from None


# --- what is wrong with an entry ---------------------------------------------------------------------------------


Problem = tuple[str, str, str | None]
"""Key, sentence, nearest valid value."""


def option_problems(options: HostOptions) -> Iterable[Problem]:
    """What is wrong with one table's own `proxy`, `proxy_command` and `routes`."""
    if options.proxy is not None and options.proxy != FROM_ENVIRONMENT:
        try:
            read_proxy(options.proxy)
        except ValueError as error:
            yield "proxy", str(error), None
    if options.proxy_command is not None:
        try:
            expanded(options.proxy_command, dict.fromkeys(_COMMAND_TOKENS, "x"))
        except ValueError as error:
            yield "proxy_command", str(error), None
    for name in options.routes or ():
        if problem := _name_problem(name):
            yield "routes", *problem
    if options.routes == ():
        yield "routes", "it is empty: leave it out, or name at least one route", None


def _name_problem(name: str) -> tuple[str, str | None] | None:
    kind, colon, through = name.partition(":")
    if kind not in ORDER or (colon and kind != "jump"):
        near = next(iter(difflib.get_close_matches(name, ORDER, n=1)), None)
        hint = f"; did you mean {near}?" if near else f"; routes are {', '.join(ORDER)} and jump:HOST"
        return f"there is no route {clean_line(name)!r}{hint}", near
    try:
        if colon and not read_jumps(through):
            return "after 'jump:' a jump host is missing", None
    except ValueError as error:
        return f"{clean_line(name)}: {error}", None
    return None


def host_problems(entry: HostSettings, options: HostOptions) -> Iterable[Problem]:
    """What is wrong with an entry as a whole: its own `routes` name what it has."""
    has = _given(options, entry)
    for name in entry.routes or ():
        if name in ORDER and name != "direct" and name not in has:
            yield "routes", f"the route {name} needs a value for the key {name}, and there is none", None
    for key, value in (("tailscale", entry.tailscale), ("cloudflare", entry.cloudflare)):
        if value is not None and _UNSAFE.search(value):
            yield key, f"{clean_line(value)!r} cannot be a host", None


# --- proxy commands ----------------------------------------------------------------------------------------------


def expanded(command: str, tokens: Mapping[str, str]) -> str:
    """`command` with the tokens that ssh_config(5) allows in a ProxyCommand.

    Raises ValueError for another token, and for a value that would mean something to the shell.
    """

    def value(match: re.Match[str]) -> str:
        letter = match[1]
        if letter not in _COMMAND_TOKENS:
            raise ValueError(f"%{letter} is not a token of a proxy command; there are %h %k %n %p %r and %%")
        found = "%" if letter == "%" else tokens[letter]
        if letter != "%" and _UNSAFE.search(found):
            raise ValueError(f"%{letter} stands for {clean_line(found)!r}, which would mean something to the shell")
        return found

    return _TOKEN.sub(value, command)


def by_command(hop: Hop, command: str, tokens: Mapping[str, str]) -> ProxyCommand:
    """The way by a proxy command as it is written. Raises ConfigError CONFIG_INVALID."""
    try:
        return ProxyCommand(expanded(command, tokens))
    except ValueError as error:
        problem = f"the proxy command of {clean_line(hop.name)} cannot be used: {error}"
        raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem}) from None


def route_name(hops: tuple[Hop, ...]) -> str:
    """What the route of the ssh configuration is called."""
    if len(hops) > 1:
        return "jump"
    return "proxy_command" if isinstance(hops[0].way, ProxyCommand) else "direct"


def no_such_route(host: str, asked: str, there: Iterable[str]) -> ConfigError:
    """`asked` is none of the host's routes."""
    names = tuple(there)
    near = difflib.get_close_matches(asked, names, n=1)
    steps = tuple(Advice(f"Perhaps {name} was meant.") for name in near)
    error = ConfigError(
        Code.ROUTE_UNKNOWN, evidence={"route": clean_line(asked), "routes": ", ".join(names)}, host=clean_line(host)
    )
    return ConfigError(error.code, evidence=error.evidence, host=error.host, advice=(*steps, *error.advice))
