"""`fairlead hosts add|change|remove|pin|unpin`: own entries of config.toml, and what is kept about all hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, TypeVar

import click

from backend.connection.interaction import Confirmation
from backend.errors import Code, ConfigError
from backend.hosts.book import HostBook
from backend.hosts.draft import KEYS, TABLES, HostDraft, routes_in
from backend.hosts.editor import HostEditor
from backend.hosts.through import users_of
from backend.text import clean_line
from cli.arguments import Assignment, Filled, HostName
from cli.compose import HostRoom
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.host_room import confirm, in_host_room
from cli.narration import Narration
from cli.statuses import Status

F = TypeVar("F", bound=Callable[..., Any])

_TEXTS = (
    "address", "ssh_host", "tailscale", "cloudflare", "proxy", "proxy_command", "profile", "group", "note", "directory",
    "idle_close",
)  # fmt: skip
_SWITCHES = ("production", "agent", "identities_only", "password")
_NAMED = Assignment(r"[^\s=]+")


class DraftKey(click.ParamType[str]):
    """A key of an entry, or one part of a table: `jump`, `env.PATH`."""

    name = "key"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        key = str(value)
        table, _, part = key.partition(".")
        if key not in KEYS and not (table in TABLES and part):
            near = next(iter(get_close_matches(key, KEYS, n=1)), None)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(KEYS)}"
            self.fail(f"{key!r} is no key of an entry; {hint}", param, ctx)
        return key


def _fields(function: F) -> F:
    """The fields of an entry; user, port, jump hosts, keys and how host keys are checked are among the flags that every
    command takes."""
    for option in reversed(
        (
            click.option("--address", metavar="HOST", help="A DNS name or an address; left out: NAME itself."),
            click.option("--ssh-host", metavar="ALIAS", help="An alias of ~/.ssh/config that says the rest."),
            click.option("--tailscale", metavar="HOST", help="Its address or name in a tailnet."),
            click.option("--cloudflare", metavar="HOST", help="Its host name in Cloudflare Access."),
            click.option("--proxy", metavar="URL", help="socks5://, http:// or https://…, or environment (ALL_PROXY)."),
            click.option("--proxy-command", metavar="COMMAND", help="As ProxyCommand of ssh_config(5)."),
            click.option("--routes", metavar="LIST", help="Routes in the order they are tried: direct,tailscale,…"),
            click.option("--key", "keys", multiple=True, metavar="FILE", help="As -i: a key file; may be repeated."),
            click.option("--profile", metavar="NAME", help="The profile that fills in the rest."),
            click.option("--group", metavar="GROUP"),
            click.option("--tag", "tags", multiple=True, metavar="TAG", help="May be repeated."),
            click.option("--note", metavar="TEXT", help="A line for people."),
            click.option("--directory", metavar="DIR", help="Where commands and shells begin."),
            click.option(
                "--env", multiple=True, type=Assignment(), metavar="NAME=VALUE", help="A variable; no secrets."
            ),
            click.option("--root", "roots", multiple=True, type=_NAMED, metavar="NAME=DIR", help="A named directory."),
            click.option(
                "--module",
                "modules",
                multiple=True,
                metavar="NAME",
                help="A module that commands run with; repeatable.",
            ),
            click.option("--forward", "forwards", multiple=True, metavar="SPEC", help="As 'L 8080:db:80'; repeatable."),
            click.option("--production/--no-production", default=None, help="Mark it, and ask before it is changed."),
            click.option("--identities-only/--all-identities", default=None, help="Offer only keys that are named."),
            click.option("--agent/--no-agent", default=None, help="Use the SSH agent, or leave it out."),
            click.option("--offer-password/--no-password", "password", default=None, help="Whether it is offered."),
            click.option(
                "--algorithm",
                "algorithms",
                multiple=True,
                type=_NAMED,
                metavar="KIND=LIST",
                help="kex, ciphers, macs, host_keys; kex=+NAME allows one more.",
            ),
            click.option(
                "--keepalive", multiple=True, type=_NAMED, metavar="KEY=NUMBER", help="interval, late_after, misses."
            ),
            click.option(
                "--timeout",
                "timeouts",
                multiple=True,
                type=_NAMED,
                metavar="KEY=SECONDS",
                help="connect, first_byte, key_exchange, login, channel, close.",
            ),
            click.option("--idle-close", metavar="SECONDS", help="Disconnect after so long without use."),
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
    """Write a host of one's own into config.toml. --user, --port, --jump, --identity, --host-key and --known-hosts say
    the rest about it.

    \b
    Examples:
      fairlead hosts add web-1 --address 10.0.4.7 --user deploy --jump bastion
      fairlead hosts add gpu-7 --address 10.20.0.7 --tailscale 100.64.0.7 --routes tailscale,direct
      fairlead hosts add db --ssh-host db-master --tag prod --tag eu --production
    """

    async def work(room: HostRoom) -> int:
        draft = _with_options(HostDraft(name=name), flags, options)
        hidden = await _hidden_by(draft, room.book)
        await editor_of(room).add(draft)
        return _told(flags, room, name, f"added{hidden}")

    return in_host_room(flags, work)


@click.command()
@click.argument("name", type=HostName())
@_fields
@click.option("--rename", type=Filled(), metavar="NEW", help="Call it otherwise, also where it is a jump host.")
@click.option("--clear", type=DraftKey(), multiple=True, metavar="KEY", help="Say nothing about KEY any more.")
@global_flags()
@pass_flags
def change(flags: GlobalFlags, name: str, **options: Any) -> int:
    """Change a host of one's own in config.toml; what is not named stays, comments included.

    --user, --port, --jump, --identity, --host-key and --known-hosts change those. Lists (--tag, --key, --routes,
    --module, --forward) are replaced as a whole; of tables (--env, --root, --algorithm, --keepalive, --timeout) what is
    named is set and the rest stays. --clear takes a key out, or one part of a table, before the rest is set.

    \b
    Examples:
      fairlead hosts change web-1 --address 10.0.4.8 --note "moved in May"
      fairlead hosts change web-1 --clear jump --rename web-old
      fairlead hosts change gpu-7 --timeout login=120 --clear keepalive.misses
    """

    async def work(room: HostRoom) -> int:
        host = room.book.settings.hosts.get(name)
        if host is None:
            raise _no_own_entry(name, room.book)
        old = HostDraft.of_settings(name, host)
        new = old
        for key in options["clear"]:
            new = new.without(key)
        new = replace(_with_options(new, flags, options), name=options["rename"] or name)
        await editor_of(room).change(old, new)
        return _told(flags, room, new.name, "changed" if new.name == name else f"changed; it was called {name}")

    return in_host_room(flags, work)


@click.command()
@click.argument("name", type=HostName())
@global_flags()
@pass_flags
def remove(flags: GlobalFlags, name: str) -> int:
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
        if not flags.yes and not flags.batch:
            where = settings.origin(f"hosts.{name}").where
            title = f"Remove the entry {name} from {where}?"
            await confirm(Confirmation(title=title, detail="\n".join(lines), yes="Remove", danger=True))
        editor = editor_of(room)
        await editor.remove(name)
        if users and (flags.yes or flags.batch):
            Narration().say(lines[-1])
        copies = editor.file.copies()
        return _told(flags, room, name, f"removed; the file before is {copies[0]}" if copies else "removed")

    return in_host_room(flags, work)


@click.command()
@click.argument("host", type=HostName())
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
@click.argument("host", type=HostName())
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
    given: dict[str, Any] = {key: options[key] for key in (*_TEXTS, *_SWITCHES)}
    everywhere = {"user": flags.user, "jump": flags.jump, "port": flags.port}
    checks = {"host_key": flags.host_key, "known_hosts": flags.known_hosts}
    given |= {key: None if value is None else str(value) for key, value in {**everywhere, **checks}.items()}
    keys = (*map(str, flags.identity), *options["keys"])
    lists = {"identity_files": keys, "tags": options["tags"], "forwards": options["forwards"]}
    given |= {key: tuple(values) or None for key, values in lists.items()}
    given["routes"] = None if options["routes"] is None else routes_in(options["routes"])
    given |= {f"{table}.{name}": text for table in TABLES for name, text in options[table]}
    return draft.saying({key: value for key, value in given.items() if value is not None})


def editor_of(room: HostRoom) -> HostEditor:
    """What changes the entries of the book."""
    return HostEditor(book=room.book, backups=room.backups, bus=room.bus)


async def _hidden_by(draft: HostDraft, book: HostBook) -> str:
    """What is no longer reached by this name once the entry is there, for people; empty for nothing."""
    if draft.ssh_host or not (draft.address or draft.tailscale or draft.cloudflare):
        return ""
    where = [entry.where for entry in await book.list() if entry.name == draft.name and entry.where]
    told = f"; {where[0] if where else ''} says nothing about this name any more (--ssh-host {draft.name} lets it)"
    return told if where and draft.name not in book.settings.hosts else ""


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
