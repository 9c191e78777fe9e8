"""The host book: every host the person can name, and who it is when it is named.

Own entries of `config.toml`, every `Host` of `~/.ssh/config` as OpenSSH itself resolves it, and typed addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Self

from backend.connection.target import Hop, Target
from backend.connection.ways import DIRECT, ProxyCommand
from backend.dataclass import dataclass
from backend.errors import Advice, Code, ConfigError
from backend.hosts.chains import MAX_DEPTH, Chain, ways_to
from backend.hosts.compare import differences
from backend.hosts.entries import HostEntry, HostSource, Overrides, Usage
from backend.hosts.expand import Surroundings
from backend.hosts.hops import Answers, command_of, jumps_of, make_hop
from backend.hosts.names import Spec, read_jumps, read_spec
from backend.hosts.openssh import JumpLoop, OpenSsh
from backend.hosts.options import NoFiles, Options, OptionSource, PlainFiles, local_user
from backend.hosts.own import (
    command_tables,
    entry_of,
    foreign_options,
    health_of,
    laid_over,
    overridden,
    own_options,
    with_keys,
    workplace_of,
)
from backend.hosts.routes import AS_CONFIGURED, Route, by_command, no_such_route, route_name, routes_of
from backend.settings.loader import SettingsFile
from backend.settings.model import CommandOptions, HealthOptions, HostOptions, HostSettings, Settings
from backend.settings.problems import Problem
from backend.tasks import background
from backend.text import clean_line

__all__ = ["HostBook", "HostEntry", "HostSource", "Overrides"]

MAX_HOPS = 16
"""Jump hosts within jump hosts; more is taken for a mistake."""
_CLOSE = 0.6


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A host that is to be resolved."""

    name: str
    alias: str
    """The entry's or the alias's own name, without user and port."""
    spec: Spec
    """What OpenSSH is asked about: the alias or address, and user and port where they are given."""
    options: HostOptions
    """What `config.toml` says."""
    where: str
    routes: tuple[Route, ...] = (AS_CONFIGURED,)
    route: Route = AS_CONFIGURED
    """The one of them that is resolved."""


class HostBook:
    """Who a name is."""

    usage: Usage | None = None
    """Who knows which hosts are pinned and used; nobody until the services are there."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        overrides: Overrides | None = None,
        source: OptionSource | None = None,
        environ: Mapping[str, str] | None = None,
        file: SettingsFile | None = None,
    ) -> None:
        """What the environment says (FAIRLEAD_HOST_KEY, …) is weaker than `overrides` and stronger than every file.

        `source` says what ~/.ssh/config holds; by default the OpenSSH client, or the files where there is none.
        `file` is where the settings come from, for `reload` and for those who change them.
        """
        self._settings = settings or Settings()
        self.file = file
        environ = os.environ if environ is None else environ
        self._overrides = (overrides or Overrides()).over(Overrides.from_environment(environ))
        self._here = Surroundings(Path.home(), environ, local_user(), socket.gethostname())
        self._source = source or _default_source(self._overrides.ssh_config, self._here)
        self._written: dict[str, HostEntry] | None = None
        """What was found in the files when they were last read."""

    @classmethod
    def of_entries(
        cls, settings: Settings, overrides: Overrides | None = None, file: SettingsFile | None = None
    ) -> Self:
        """A book of own entries only: neither ssh nor ~/.ssh/config nor the agent is looked at."""
        return cls(settings=settings, overrides=overrides, source=NoFiles(), environ={}, file=file)

    @property
    def settings(self) -> Settings:
        """What the own entries were read from."""
        return self._settings

    async def reload(self) -> None:
        """Read the own entries again. Sessions stay as they are; who a host is counts from its next connection.

        Raises ConfigError, and then the book stays as it was.
        """
        if self.file is not None:
            self._settings = await asyncio.to_thread(self.file.load)
            self._written = None

    async def list(self) -> tuple[HostEntry, ...]:
        """All hosts with a name of their own (patterns are left out), own entries first."""
        own = [entry_of(name, self._settings) for name in self._settings.hosts]
        return await self._marked((*own, *await self._others()))

    async def _others(self) -> tuple[HostEntry, ...]:
        """The hosts that the files have beside the own entries."""
        others = tuple(entry for entry in await self._source.entries() if entry.name not in self._settings.hosts)
        self._written = {entry.name: entry for entry in others}
        return others

    async def _marked(self, entries: tuple[HostEntry, ...]) -> tuple[HostEntry, ...]:
        """The entries with what the person's use says about them."""
        if self.usage is None:
            return entries
        marks = await self.usage.marks()
        return tuple(
            replace(entry, pinned=mark.pinned, last_used=mark.last_used, uses=mark.uses)
            if (mark := marks.get(entry.name)) is not None
            else entry
            for entry in entries
        )

    async def places(self, name: str) -> Mapping[str, str]:
        """Where the ssh configuration says what holds for `name`; see `OptionSource`. Raises ConfigError."""
        return await self._source.places((await self._look_up(name)).spec)

    async def mistakes(self) -> tuple[Problem, ...]:
        """What is wrong with the ssh configuration, in ssh's own words."""
        return await self._source.mistakes()

    async def resolve(self, name: str) -> Target:
        """Everything needed to reach `name` over the first of its routes: an entry, a `Host`, `user@host:port`,
        `ssh://…` or an IPv6 literal.

        A word that is in no file is taken for a DNS name, as ssh does.
        Raises ConfigError: CONFIG_INVALID (with file and line), HOST_UNKNOWN, ROUTE_UNKNOWN, ROUTE_UNSUPPORTED.
        """
        if self._overrides.route is not None:
            return (await self.routes(name))[0]
        wanted = await self._look_up(name)
        return (await self._targets_over(name, wanted, wanted.routes[0]))[0]

    async def routes(self, name: str) -> tuple[Target, ...]:
        """As `resolve`, over each of the host's routes, in the order in which they are to be tried. A route through a
        jump host that has several itself is one for each of those (`jump/direct`, `jump/tailscale`)."""
        wanted = await self._look_up(name)
        targets = tuple([target for route in wanted.routes for target in await self._targets_over(name, wanted, route)])
        only = self._overrides.route
        if only is None:
            return targets
        chosen = tuple(target for target in targets if target.route == only or target.route.startswith(f"{only}/"))
        if not chosen:
            raise no_such_route(name, only, (target.route for target in targets))
        return chosen

    @asynccontextmanager
    async def expecting(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Within the block all of these are going to be resolved: what can be found out about them together is."""
        questions = []
        for name in names:
            with suppress(ConfigError):  # told of when it is resolved
                wanted = await self._look_up(name)
                questions += [(wanted.spec, route.jump) for route in wanted.routes]
        async with self._source.expecting(questions):
            yield

    async def is_production(self, name: str) -> bool:
        """Whether `name` is marked as production: our own entry or its profile says that, so ssh is not asked.

        Raises ConfigError as `resolve` does for a name that cannot be made out.
        """
        return bool((await self._look_up(name)).options.production)

    def command_options(self, name: str) -> Sequence[tuple[str, CommandOptions]]:
        """What the settings say about commands on `name`, nearest first, each with the table that it stands in."""
        if name not in self._settings.hosts:
            with contextlib.suppress(ValueError):
                name = read_spec(name).host
        return command_tables(name, self._settings)

    def health_options(self, name: str) -> HealthOptions:
        """How `name` is to be looked after."""
        if name not in self._settings.hosts:
            with contextlib.suppress(ValueError):
                name = read_spec(name).host
        return health_of(name, self._settings)

    async def _look_up(self, name: str) -> _Wanted:
        if self._written is None:
            await self._others()
        try:
            return self._with_flags(self._find(name))
        except ConfigError as error:
            raise error.located(host=name) from None

    async def _targets_over(self, name: str, wanted: _Wanted, route: Route) -> tuple[Target, ...]:
        try:
            chains = await self._chains(replace(wanted, route=route), ())
        except ConfigError as error:
            raise error.located(host=name) from None
        return tuple(self._target(name, wanted.options, route, chain) for chain in chains)

    def _target(self, name: str, options: HostOptions, route: Route, chain: Chain) -> Target:
        target = overridden(chain.hops[-1], self._overrides, self._here.home, is_target=True)
        return Target(
            name,
            (*self._jumps(chain.hops[:-1]), target),
            production=bool(options.production),
            route=chain.named(route.name or route_name(chain.hops)),
            workplace=workplace_of(options),
        )

    async def forwards(self, name: str) -> tuple[tuple[str, ...], Options]:
        """What the files say about forwards of `name`: `forwards` of its own entry, and all that holds for it in
        ~/.ssh/config. Raises ConfigError.
        """
        if self._written is None:
            await self._others()
        wanted = self._with_flags(self._find(name))
        entry = self._settings.hosts.get(name) or self._settings.hosts.get(read_spec(name).host)
        options = await self._source.options(wanted.spec, wanted.route.jump)
        return () if entry is None else entry.forwards, options

    async def differences(self, target: Target) -> Mapping[str, str]:
        """Where `ssh NAME` would go another way than `target`, which this book has resolved; see `compare`. Empty where
        the two cannot differ. Raises ConfigError."""
        wanted = self._find(target.name)
        if wanted.alias not in self._settings.hosts and self._overrides == Overrides(
            ssh_config=self._overrides.ssh_config
        ):
            return {}
        answers = await self._ask(Spec(wanted.alias), None)
        return differences(wanted.alias, answers, target.host, tuple(jump.name for jump in target.jumps))

    def nearest(self, name: str) -> str | None:
        """The known host whose name looks most like `name`; None where none does. Knows what `list` last found."""
        names = (*self._settings.hosts, *(self._written or ()))
        close = difflib.get_close_matches(name.rpartition("@")[2], names, n=1, cutoff=_CLOSE)
        return close[0] if close else None

    # --- who is meant --------------------------------------------------------------------------------------------

    def _find(self, name: str) -> _Wanted:
        if name in self._settings.hosts:
            return self._own(name, Spec(name))
        try:
            spec = read_spec(name)
        except ValueError as error:
            raise self._unknown(name, str(error)) from None
        if spec.host in self._settings.hosts:
            return self._own(name, spec)
        written = (self._written or {}).get(spec.host)
        return _Wanted(name, spec.host, spec, foreign_options(self._settings), written.where if written else "")

    def _own(self, name: str, spec: Spec) -> _Wanted:
        entry: HostSettings = self._settings.hosts[spec.host]
        options = own_options(spec.host, self._settings)
        host = entry.ssh_host or entry.address or entry.tailscale or entry.cloudflare or spec.host
        routes = routes_of(options, entry, self._here.environ)
        return _Wanted(
            name,
            spec.host,
            Spec(host, spec.user or options.user, spec.port or options.port),
            options,
            self._settings.origin(f"hosts.{spec.host}").where,
            routes,
            routes[0],
        )

    def _with_flags(self, wanted: _Wanted) -> _Wanted:
        flags, spec = self._overrides, wanted.spec
        spec = replace(spec, user=flags.user or spec.user, port=flags.port or spec.port)
        routes = wanted.routes if flags.jump is None else (Route("", flags.jump),)
        return replace(wanted, spec=spec, routes=routes, route=routes[0])

    # --- how it is reached ---------------------------------------------------------------------------------------

    async def _chains(self, wanted: _Wanted, trail: tuple[Spec, ...]) -> tuple[Chain, ...]:
        """The hops to `wanted`, outermost first, over each of the ways to its jump hosts.

        As OpenSSH does it: of several jump hosts the first is reached as its own configuration says, each other one
        through the one before it.
        """
        if wanted.spec in trail or len(trail) >= MAX_HOPS:
            raise _loop((*trail, wanted.spec))
        answers = await self._ask(wanted.spec, wanted.route.jump)
        jumps = _jump_specs(_jumps_on(wanted, answers), wanted)
        last = self._hop(wanted, answers)
        if not jumps:
            return (Chain((self._outermost(last, wanted, answers),)),)
        between: tuple[Hop, ...] = ()
        for previous, jump in pairwise(jumps):
            middle = self._find(str(jump))
            between += (self._hop(middle, await self._ask(middle.spec, str(previous))),)
        before = await self._ways_to(self._find(str(jumps[0])), (*trail, wanted.spec))
        return tuple(replace(chain, hops=(*chain.hops, *between, last)) for chain in before)

    async def _ways_to(self, jump: _Wanted, trail: tuple[Spec, ...]) -> tuple[Chain, ...]:
        """The chains to the first of the jump hosts, over each of its own routes. One that leads back to a host on the
        trail is no way; only where there is no other, it is an error."""
        found: list[tuple[str, tuple[Chain, ...]]] = []
        notes: list[str] = []
        circle: JumpLoop | None = None
        routes = jump.routes if len(trail) <= MAX_DEPTH else jump.routes[:1]
        if len(routes) < len(jump.routes):
            notes.append(f"as a jump host before jump hosts it is tried over {routes[0].name} only")
        for route in routes:
            try:
                chains = await self._chains(replace(jump, route=route), trail)
            except JumpLoop as error:
                circle = circle or error
                notes.append(f"its route {clean_line(route.name)} leads back to the host behind it and is left out")
                continue
            found.append((route.name or route_name(chains[0].hops), chains))
        if circle is not None and not found:
            raise circle
        return ways_to(found, notes)

    def _outermost(self, hop: Hop, wanted: _Wanted, answers: Answers) -> Hop:
        """`hop`, which no other carries, with the way its bytes travel."""
        way = wanted.route.way
        if way is None:
            command = "" if wanted.route.jump is not None else command_of(answers, wanted.name)
            way = ProxyCommand(command) if command else DIRECT
        if isinstance(way, ProxyCommand):
            way = by_command(hop, way.command, self._here.tokens_of(hop, wanted.alias))
        return replace(hop, way=way)

    async def _ask(self, spec: Spec, jump: str | None) -> Answers:
        async with background(self._source.unconfigured()) as unconfigured:
            return Answers(await self._source.options(spec, jump), await unconfigured)

    def _hop(self, wanted: _Wanted, answers: Answers) -> Hop:
        hop = make_hop(wanted.name, wanted.spec, answers, self._here, wanted.where)
        return laid_over(hop, wanted.options, self._here.home)

    def _jumps(self, hops: tuple[Hop, ...]) -> tuple[Hop, ...]:
        """The jump hosts with the flags. Those that only the command line names get its keys where they have none of
        their own: they have no entry in which one could be named."""
        flags, home = self._overrides, self._here.home
        jumps = tuple(overridden(hop, flags, home, is_target=False) for hop in hops)
        if flags.jump is None or not flags.identity_files:
            return jumps
        return tuple(hop if hop.identities_named else with_keys(hop, flags.identity_files, home) for hop in jumps)

    def _unknown(self, name: str, reason: str) -> ConfigError:
        shown = clean_line(name)
        steps = [Advice("See which hosts are known.", "fairlead hosts list")]
        if (near := self.nearest(name)) is not None:
            steps.insert(0, Advice(f"Perhaps {near} was meant."))
        steps.append(Advice("A host that is in no file can be given as user@address:port."))
        return ConfigError(
            Code.HOST_UNKNOWN,
            f"{shown!r} cannot be a host: {reason}.",
            evidence={"name": shown, "reason": reason},
            host=shown,
            advice=tuple(steps),
        )


def _default_source(config: Path | None, here: Surroundings) -> OptionSource:
    program = shutil.which("ssh", path=here.environ.get("PATH"))
    usual = here.home / ".ssh" / "config"
    if program is None:
        return PlainFiles(config or usual, here.home, here.environ)
    if config is None and not _is_users_home(here.home):
        config = usual if usual.exists() else Path("none")
    return OpenSsh(program, config, here.home, here.environ)


def _is_users_home(home: Path) -> bool:
    """Whether ssh, which asks the user database and not HOME, looks there too."""
    try:
        import pwd

        return Path(pwd.getpwuid(os.getuid()).pw_dir) == home
    except (ImportError, KeyError):
        return True


def _jumps_on(wanted: _Wanted, answers: Answers) -> str:
    jump = wanted.route.jump
    return "" if jump is not None and jump.strip().lower() == "none" else jumps_of(answers)


def _jump_specs(text: str, wanted: _Wanted) -> tuple[Spec, ...]:
    try:
        return read_jumps(text)
    except ValueError as error:
        problem = f"the jump hosts {clean_line(text)!r} of {clean_line(wanted.name)} cannot be read: {error}"
        raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem}) from None


def _loop(trail: tuple[Spec, ...]) -> JumpLoop:
    way = " → ".join(str(spec) for spec in trail)
    return JumpLoop(f"the jump hosts go round in a circle: {way}", route=way)
