"""`fairlead modules`: the environment modules of a host."""

from __future__ import annotations

from typing import Any

import click

from backend.commands.modules.values import Listing
from backend.errors import Code, ConfigError
from backend.matching import best
from backend.text import clean_line, clean_text
from cli.arguments import Filled, HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status


@click.command()
@click.argument("host", type=HostName())
@click.argument("what", type=click.Choice(["avail", "list", "explain", "sets"]), default="avail")
@click.argument("pattern", type=Filled(), required=False)
@global_flags()
@pass_flags
def modules(flags: GlobalFlags, host: str, what: str, pattern: str | None) -> int:
    """The environment modules of HOST, of Lmod or of Environment Modules.

    avail: what can be loaded, that fits PATTERN. list: what a login has loaded by itself, and what the host's profile
    adds. explain: what the module system says about the module PATTERN. sets: the sets of config.toml.

    \b
    Examples:
      fairlead modules cluster
      fairlead modules cluster avail gcc
      fairlead modules cluster explain openmpi
      fairlead run cluster --module gcc/13 --module openmpi -- mpirun -n 4 ./tides

    Exit status: 0; 4 where the host has no modules; 255 for no connection or no login.
    """
    if what == "explain" and pattern is None:
        raise ConfigError(Code.USAGE, evidence={"problem": "explain needs the name of a module"})
    works = {"avail": _available, "list": _loaded, "explain": _explain, "sets": _sets}
    return execute(flags, lambda services: works[what](services, host, pattern or ""), host=host)


async def _available(services: Services, host: str, pattern: str) -> int:
    listing = await services.container.modules.available(host)
    found = best(pattern, listing.modules, lambda module: (module.name,))
    return _print(services, host, Listing(tuple(found), listing.system))


async def _loaded(services: Services, host: str, pattern: str) -> int:
    container = services.container
    session = container.sessions.get(host)
    await session.link()
    listing = await container.modules.loaded(host, container.modules.of_profile(session))
    found = best(pattern, listing.modules, lambda module: (module.name,))
    return _print(services, host, Listing(tuple(found), listing.system))


def _print(services: Services, host: str, listing: Listing) -> int:
    if services.flags.json:
        print_json({"host": host, "system": listing.system, "modules": [_json(one) for one in listing.modules]})
        return Status.OK
    services.narration.say(f"{len(listing.modules)} modules; {clean_line(listing.system)}")
    for module in listing.modules:
        click.echo(f"{clean_line(module.name)}{' (default)' if module.default else ''}")
    return Status.OK


def _json(module: Any) -> dict[str, Any]:
    return {"name": module.name, "where": module.where, "default": module.default}


async def _explain(services: Services, host: str, name: str) -> int:
    said = await services.container.modules.explain(host, name)
    if services.flags.json:
        print_json({"host": host, "module": name, "said": said})
    else:
        click.echo(clean_text(said))
    return Status.OK


async def _sets(services: Services, host: str, pattern: str) -> int:
    sets = services.container.book.settings.module_sets
    found = best(pattern, sorted(sets), lambda name: (name,))
    if services.flags.json:
        print_json({"sets": {name: list(sets[name]) for name in found}})
        return Status.OK
    for name in found:
        click.echo(clean_line(f"@{name}  {' '.join(sets[name])}"))
    return Status.OK
