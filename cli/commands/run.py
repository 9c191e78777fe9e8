"""`fairlead run`: a command on a host, with its own streams and its own exit status."""

from __future__ import annotations

import codecs
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from backend.commands.collecting import Collected
from backend.commands.values import Elevate, ElevateBy
from backend.errors import Advice, Code, ConfigError, Interrupted
from cli.arguments import Assignment, CommandLine, Filled, HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.running import JSON_BOUND, Streams, Wanted, collected_json, ended, leaves_open
from cli.statuses import Status, status_of, status_of_exit

_FILE = click.Path(path_type=Path)


class RunLine(CommandLine):
    """With hosts named by options, the first word begins the command already."""

    NO_HOST = ("--group", "--hosts", "--again-failed", "--failed-from")


@click.command(cls=RunLine)
@click.argument("host", type=HostName(), required=False)
@click.argument("command", nargs=-1)
@click.option(
    "-t", "--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it then."
)
@click.option("--cwd", type=Filled(), metavar="DIR", help="Run it in this directory on the host.")
@click.option("--env", multiple=True, type=Assignment(), metavar="NAME=VALUE", help="Set a variable; may be repeated.")
@click.option("--module", "modules", multiple=True, type=Filled(), metavar="NAME", help="Load it; may be repeated.")
@click.option("--no-modules", is_flag=True, help="Load none, not even those of the host's profile.")
@click.option("--sudo", is_flag=True, help="Run it as root, by sudo; your password is asked for where it is needed.")
@click.option("--su", is_flag=True, help="Run it as root, by su; root's password is asked for.")
@click.option("--as", "as_user", type=Filled(), metavar="USER", help="With --sudo or --su: as this user, not as root.")
@click.option("--script", type=_FILE, metavar="FILE", help="Run this local script there; COMMAND are its arguments.")
@click.option("--interpreter", type=Filled(), metavar="PROGRAM", help="What runs the script; else its first line says.")
@click.option("--then", multiple=True, type=Filled(), metavar="COMMAND", help="Run this after it; may be repeated.")
@click.option("--sequence", type=_FILE, metavar="FILE", help="Run the commands of a file in turn, one a line.")
@click.option("--keep-going", is_flag=True, help="Run the next one also after one that failed.")
@click.option("--retry", type=click.IntRange(min=0), default=0, metavar="N", help="Run it again so often if it fails.")
@click.option("--repeatable", is_flag=True, help="It does no harm twice; --retry asks for this.")
@click.option("--encoding", metavar="NAME", default="utf-8", help="The host's: of COMMAND, and of the text in --json.")
@click.option("--pty", is_flag=True, help="Give it a terminal: both streams become one.")
@click.option("-n", "--no-stdin", is_flag=True, help="Do not read stdin; for loops over lines.")
@click.option("--snippet", type=Filled(), metavar="NAME", help="This snippet in the place of COMMAND.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=Assignment(r"[A-Za-z_][A-Za-z0-9_-]*"),
    metavar="NAME=VALUE",
    help="A variable of the snippet; may be repeated.",
)
@click.option("--group", "groups", multiple=True, type=Filled(), metavar="NAME", help="The hosts of a group or tag.")
@click.option("--hosts", multiple=True, type=Filled(), metavar="A,B,C", help="These: names, web-*, node[01-20].")
@click.option("--again-failed", is_flag=True, help="The last command, on those hosts where it did not succeed.")
@click.option(
    "--failed-from",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Hosts that failed in what --json wrote there, or a name a line.",
)
@click.option("--parallel", type=click.IntRange(min=1), metavar="N", help="Hosts at work at a time; 32 if left out.")
@click.option("--max-fail", type=click.IntRange(min=1), metavar="N", help="Begin no more hosts after N have failed.")
@click.option(
    "--prefix/--group-output", help="Lines as they come, each with its host; or equal output grouped at the end."
)
@click.option("--diff", is_flag=True, help="Show how each group differs from the largest.")
@click.option("--ignore-names", is_flag=True, help="A host's own name in its output makes no difference.")
@click.option(
    "--save-in", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="A file there for each host."
)
@click.option("--send-stdin", is_flag=True, help="Give the whole of stdin to each of many hosts.")
@global_flags()
@pass_flags
def run(flags: GlobalFlags, host: str | None, command: tuple[str, ...], **options: Any) -> int:
    """Run COMMAND on HOST. Its streams are live and byte for byte; stdin goes along unless it is a terminal.

    On many hosts at once with --group or --hosts instead of HOST: so many at a time, hosts with the same output told
    together.

    The words of COMMAND are joined with blanks and read by the login shell on the host, as ssh does: quote for that
    shell. What follows the first word of COMMAND belongs to COMMAND. With several commands, or --retry, stdin is left
    alone.

    \b
    Examples:
      fairlead run web-1 -- uptime
      fairlead run web-1 -t 10 --cwd /srv 'du -sh * | sort -h'
      tar c site | fairlead run web-1 -- tar x -C /srv
      fairlead run cluster --module gcc/13 --module openmpi -- mpicc -v
      fairlead run --json web-1 -- cat /etc/os-release
      fairlead run --sudo web-1 -- systemctl restart nginx
      fairlead run --sudo --as deploy web-1 -- id
      fairlead run web-1 --script check.py --interpreter 'python3 -u' -- --all
      fairlead run web-1 --then 'make test' --then 'make install' -- make build
      fairlead run --retry 3 --repeatable web-1 -- apt-get update
      fairlead run --group web --parallel 8 -- uname -r
      fairlead run --hosts 'db-*,node[01-20]' --ignore-names -- systemctl is-active sshd
      fairlead run --again-failed
      fairlead run web-1 --snippet disk --var dir=/srv

    Exit status: the command's own; 128+n when a signal ended it; 124 at the time limit; 2 when it may not run, or
    nobody agreed to what is dangerous; 4 when sudo or su refuse; 255 for no connection, no login, or a connection that
    was lost. Of several commands: that of the last one that failed. Of many hosts: the largest of theirs.
    """
    if options["snippet"]:
        command = (*command, _snippet(flags, command, options))
    elif options["variables"]:
        raise click.UsageError("--var belongs to --snippet.", click.get_current_context())
    if options["groups"] or options["hosts"] or options["again_failed"] or options["failed_from"]:
        return _on_many(flags, (*((host,) if host else ()), *command), options)
    if not host:
        raise click.UsageError("Missing argument 'HOST'.", click.get_current_context())
    wanted = _wanted(host, command, options)
    interactive = wanted.pty and os.isatty(0) and os.isatty(1) and not flags.json and wanted.time_limit is None
    if wanted.in_turn:
        return execute(flags, lambda services: _in_turn(services, wanted), host=host)
    work = _on_terminal if interactive else _collected if flags.json else _streamed
    return execute(flags, lambda services: work(services, wanted), host=host)


def _snippet(flags: GlobalFlags, command: tuple[str, ...], options: dict[str, Any]) -> str:
    """The line that a snippet makes."""
    from cli.commands.snippets import snippets_of

    if command:
        raise click.UsageError("Either COMMAND or --snippet.", click.get_current_context())
    return snippets_of(flags).get(options["snippet"]).fill(dict(options["variables"]))


def _on_many(flags: GlobalFlags, command: tuple[str, ...], options: dict[str, Any]) -> int:
    from cli.many import Crowd, run_many  # most commands are for one host

    for name in ("pty", "then", "sequence", "retry"):
        if options[name]:
            raise click.UsageError(f"--{name.replace('_', '-')} is for one host.", click.get_current_context())
    names = ("hosts", "groups", "again_failed", "failed_from", "parallel", "max_fail", "prefix", "diff", "save_in")
    crowd = Crowd(
        **{name: options[name] for name in (*names, "ignore_names", "send_stdin")},
    )
    wanted = None
    if options["script"] is not None and options["send_stdin"]:
        raise click.UsageError("--send-stdin and --script both want the input.", click.get_current_context())
    if command or options["script"] is not None:
        wanted = _wanted("", command, {**options, "no_stdin": True})

    async def work(services: Services) -> int:
        spec = None if wanted is None else wanted.specs(services.container)[0]
        return await run_many(services, crowd, spec)

    return execute(flags, work, host="the hosts")


def _wanted(host: str, command: tuple[str, ...], options: dict[str, Any]) -> Wanted:
    """Raises ConfigError (USAGE) for what does not go together."""
    if options["as_user"] is not None and not (options["sudo"] or options["su"]):
        raise _usage("--as needs --sudo or --su")
    if options["sudo"] and options["su"]:
        raise _usage("--sudo and --su are two ways to the same end: take one of them")
    if options["retry"] and not options["repeatable"]:
        raise _usage("--retry runs a command again, perhaps after it has done its work: say --repeatable if it may")
    encoding = _known_encoding(options["encoding"])
    script: Path | None = options["script"]
    if options["interpreter"] is not None and script is None:
        raise _usage("--interpreter needs --script")
    commands = _commands(command, encoding, options)
    in_turn = len(commands) > 1 or options["retry"] > 0
    by = ElevateBy.SU if options["su"] else ElevateBy.SUDO
    reads = not options["no_stdin"] and not os.isatty(0) and not in_turn and Path("-") not in (script,)
    return Wanted(
        host=host,
        commands=commands,
        script=script,
        interpreter=options["interpreter"],
        arguments=tuple(map(os.fsencode, command)),
        cwd=None if options["cwd"] is None else os.fsencode(options["cwd"]),
        env=dict(options["env"]),
        modules=None if options["no_modules"] else options["modules"],
        elevate=Elevate(by, options["as_user"] or "root") if options["sudo"] or options["su"] else None,
        time_limit=options["time_limit"],
        pty=options["pty"],
        stdin=reads,
        keep_going=options["keep_going"],
        retry=options["retry"],
        encoding=encoding,
    )


def _commands(command: tuple[str, ...], encoding: str, options: dict[str, Any]) -> tuple[bytes, ...]:
    several = bool(options["then"]) or options["sequence"] is not None
    if options["script"] is not None:
        if several:
            raise _usage("a script is run alone: leave out --then and --sequence")
        return (b"",)
    if options["sequence"] is not None:
        from cli.scripts import lines_of  # seldom asked for

        if command or options["then"]:
            raise _usage("--sequence brings the commands: leave out COMMAND and --then")
        return lines_of(options["sequence"])
    if not command:
        raise _usage("a command is missing")
    return tuple(_encoded(text, encoding) for text in (" ".join(command), *options["then"]))


def _encoded(text: str, encoding: str) -> bytes:
    if encoding == "utf-8":
        return os.fsencode(text)
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise _usage(f"the command has characters that {encoding} has not: {text[error.start : error.end]}") from None


def _known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise _usage(f"there is no encoding called {name}") from None


def _usage(problem: str) -> ConfigError:
    advice = (Advice("See how it is used.", "fairlead run --help"),)
    return ConfigError(Code.USAGE, evidence={"problem": f"{problem}."}, advice=advice)


async def _in_turn(services: Services, wanted: Wanted) -> int:
    from cli.run_steps import run_in_turn  # most are alone

    return await run_in_turn(services, wanted)


async def _on_terminal(services: Services, wanted: Wanted) -> int:
    from cli.bridge import join_process  # most commands have no terminal

    (spec,) = wanted.specs(services.container)
    report = await join_process(lambda pty: services.container.commands.open(wanted.host, replace(spec, pty=pty)))
    return Status.NO_CONNECTION if report is None else status_of_exit(report)


async def _streamed(services: Services, wanted: Wanted) -> int:
    streams = Streams()
    (spec,) = wanted.specs(services.container)
    streams.command = services.container.commands.start(wanted.host, spec, streams.take)
    try:
        outcome = await ended(streams.command)
    except Interrupted:
        await streams.leave()
        raise
    await streams.end()
    if outcome.error is not None:
        if unknown := leaves_open(outcome):
            services.narration.say(unknown)
        raise outcome.error
    assert outcome.exit is not None
    return status_of_exit(outcome.exit)


async def _collected(services: Services, wanted: Wanted) -> int:
    collected = Collected(JSON_BOUND)
    (spec,) = wanted.specs(services.container)
    outcome = await ended(services.container.commands.start(wanted.host, spec, collected.take))
    if outcome.error is not None:
        outcome = replace(outcome, error=await services.container.told(outcome.error))
    print_json({"host": wanted.host, **collected_json(collected, outcome, wanted.encoding)})
    if outcome.error is not None:
        return status_of(outcome.error)
    assert outcome.exit is not None
    return status_of_exit(outcome.exit)
