"""`fairlead hosts add|change|remove|pin|unpin`: own entries of config.toml, and what is kept about all hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from backend.connection.interaction import Confirmation
from backend.errors import Code, ConfigError
from backend.hosts.book import HostBook
from backend.hosts.draft import KEYS, HostDraft, users_of
from backend.hosts.editor import HostEditor
from backend.text import clean_line
from cli.arguments import Filled
from cli.compose import HostRoom
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.host_room import confirm, in_host_room
from cli.narration import Narration
from cli.statuses import Status

F = TypeVar("F", bound=Callable[..., Any])

_TEXTS = ("address", "ssh_host", "tailscale", "cloudflare", "profile", "group", "note", "directory")


def _fields(function: F) -> F:
    """The fields of an entry; user, port, jump hosts and keys are among the flags that every command takes."""
    for option in reversed(
        (
            click.option("--address", metavar="HOST", help="A DNS name or an address; left out: NAME itself."),
            click.option("--ssh-host", metavar="ALIAS", help="An alias of ~/.ssh/config that says the rest."),
            click.option("--tailscale", metavar="HOST", help="Its address or name in a tailnet."),
            click.option("--cloudflare", metavar="HOST", help="Its host name in Cloudflare Access."),
            click.option("--key", "keys", multiple=True, metavar="FILE", help="As -i: a key file; may be repeated."),
            click.option("--profile", metavar="NAME", help="The profile that fills in the rest."),
            click.option("--group", metavar="GROUP"),
            click.option("--tag", "tags", multiple=True, metavar="TAG", help="May be repeated."),
            click.option("--note", metavar="TEXT", help="A line for people."),
            click.option("--directory", metavar="DIR", help="Where commands and shells begin."),
            click.option("--production/--no-production", default=None, help="Confirm what changes the host."),
        )
    ):
        function = option(function)
    return function


@click.command()
@click.argument("name", type=Filled())
@_fields
@global_flags()
@pass_flags
def add(flags: GlobalFlags, name: str, **options: Any) -> int:
    """Write a host of one's own into config.toml. --user, --port, --jump and --identity say the rest about it.

    \b
    Examples:
      fairlead hosts add web-1 --address 10.0.4.7 --user deploy --jump bastion
      fairlead hosts add db --ssh-host db-master --tag prod --tag eu --production
    """

    async def work(room: HostRoom) -> int:
        draft = _with_options(HostDraft(name=name), flags, options)
        await editor_of(room).add(draft)
        return _told(flags, room, name, "added")

    return in_host_room(flags, work)


@click.command()
@click.argument("name", type=Filled())
@_fields
@click.option("--rename", type=Filled(), metavar="NEW", help="Call it otherwise, also where it is a jump host.")
@click.option("--clear", type=click.Choice(KEYS), multiple=True, metavar="KEY", help="Say nothing about KEY any more.")
@global_flags()
@pass_flags
def change(flags: GlobalFlags, name: str, **options: Any) -> int:
    """Change a host of one's own in config.toml; what is not named stays, comments included.

    --user, --port, --jump and --identity change those. Lists (--tag, --key) are replaced as a whole.

    \b
    Examples:
      fairlead hosts change web-1 --address 10.0.4.8 --note "moved in May"
      fairlead hosts change web-1 --clear jump --rename web-old
    """

    async def work(room: HostRoom) -> int:
        host = room.book.settings.hosts.get(name)
        if host is None:
            raise _no_own_entry(name, room.book)
        old = HostDraft.of_settings(name, host)
        new = _with_options(old, flags, options)
        cleared = {key: getattr(HostDraft(name=name), key) for key in options["clear"]}
        new = replace(new, name=options["rename"] or name, **cleared)
        await editor_of(room).change(old, new)
        return _told(flags, room, new.name, "changed" if new.name == name else f"changed; it was called {name}")

    return in_host_room(flags, work)


@click.command()
@click.argument("name", type=Filled())
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@global_flags()
@pass_flags
def remove(flags: GlobalFlags, name: str, yes: bool) -> int:
    """Take a host of one's own out of config.toml. Asks first, and says what goes; a copy of the file is kept.

    \b
    Examples:
      fairlead hosts remove web-old
      fairlead hosts remove --yes web-old
    """

    async def work(room: HostRoom) -> int:
        settings = room.book.settings
        if name not in settings.hosts:
            raise _no_own_entry(name, room.book)
        lines = [f"{key} = {value}" for key, value in HostDraft.of_settings(name, settings.hosts[name]).table().items()]
        if users := users_of(name, settings):
            lines.append(f"It is a jump host of {', '.join(users)}, who then take the name to ssh.")
        if not yes and not flags.batch:
            where = settings.origin(f"hosts.{name}").where
            title = f"Remove the entry {name} from {where}?"
            await confirm(Confirmation(title=title, detail="\n".join(lines), yes="Remove", danger=True))
        editor = editor_of(room)
        await editor.remove(name)
        if users and (yes or flags.batch):
            Narration().say(lines[-1])
        copies = editor.file.copies()
        return _told(flags, room, name, f"removed; the file before is {copies[0]}" if copies else "removed")

    return in_host_room(flags, work)


@click.command()
@click.argument("host", type=Filled())
@global_flags()
@pass_flags
def pin(flags: GlobalFlags, host: str) -> int:
    """Keep HOST at the top of the list, wherever it is written.

    \b
    Examples:
      fairlead hosts pin web-1
    """
    return _pinned(flags, host, pinned=True)


@click.command()
@click.argument("host", type=Filled())
@global_flags()
@pass_flags
def unpin(flags: GlobalFlags, host: str) -> int:
    """Keep HOST at the top of the list no longer.

    \b
    Examples:
      fairlead hosts unpin web-1
    """
    return _pinned(flags, host, pinned=False)


def _pinned(flags: GlobalFlags, host: str, *, pinned: bool) -> int:
    async def work(room: HostRoom) -> int:
        if host not in {entry.name for entry in await room.book.list()}:
            evidence = {"name": host, "reason": "it is in no file"}
            raise ConfigError(Code.HOST_UNKNOWN, f"There is no host called {host}.", evidence=evidence, host=host)
        await room.usage.pin(host, pinned=pinned)
        if flags.json:
            print_json({"name": host, "pinned": pinned})
        else:
            Narration().say(f"{host}: {'pinned' if pinned else 'no longer pinned'}")
        return Status.OK

    return in_host_room(flags, work)


def _with_options(draft: HostDraft, flags: GlobalFlags, options: dict[str, Any]) -> HostDraft:
    """The draft with what the command line says."""
    given: dict[str, Any] = {key: options[key] for key in (*_TEXTS, "production") if options[key] is not None}
    keys = (*map(str, flags.identity), *options["keys"])
    for key, value in {"user": flags.user, "jump": flags.jump, "port": flags.port}.items():
        if value is not None:
            given[key] = str(value)
    for key, values in {"identity_files": keys, "tags": options["tags"]}.items():
        if values:
            given[key] = values
    return replace(draft, **given)


def editor_of(room: HostRoom) -> HostEditor:
    """What changes the entries of the book."""
    return HostEditor(book=room.book, backups=room.backups, bus=room.bus)


def _told(flags: GlobalFlags, room: HostRoom, name: str, what: str) -> int:
    """Say what was done."""
    assert room.book.file is not None
    if flags.json:
        host = room.book.settings.hosts.get(name)
        entry = None if host is None else HostDraft.of_settings(name, host).table()
        print_json({"name": name, "file": str(room.book.file.path), "entry": entry})
    else:
        Narration().say(clean_line(f"{name}: {what}"))
    return Status.OK


def _no_own_entry(name: str, book: HostBook) -> ConfigError:
    near = book.nearest(name)
    hint = f" Perhaps {near} was meant." if near is not None and near != name else ""
    return ConfigError(
        Code.HOST_UNKNOWN,
        f"There is no own entry called {name}; only those of config.toml can be changed.{hint}",
        evidence={"name": name, "reason": "it is not in config.toml"},
        host=name,
    )
