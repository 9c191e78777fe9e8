"""`fairlead bundle`: what somebody who helps needs to know, in one file without secrets."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backend.dataclass import dataclass
from backend.errors import Code, ConfigError
from backend.sizes import size_text
from cli.arguments import HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.statuses import Status

if TYPE_CHECKING:
    from backend.reports.bundle.contents import Bundle


@click.command()
@click.argument("hosts", nargs=-1, type=HostName(), metavar="[HOST]...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FILE.tar.gz or FILE.zip; when left out, a name with the time, here.",
)
@click.option("--anonymous", is_flag=True, help="Give hosts, users and addresses other names.")
@click.option("--log", type=click.Path(path_type=Path), metavar="FILE", help="A file that --log-file wrote: its end.")
@click.option("--preview", is_flag=True, help="Tell what would be in it; write nothing.")
@global_flags()
@pass_flags
def bundle(
    flags: GlobalFlags,
    hosts: tuple[str, ...],
    *,
    output: Path | None,
    anonymous: bool,
    log: Path | None,
    preview: bool,
) -> int:
    """Put together what helps to find a fault: versions, settings, health, events, and a report of each HOST.

    \b
    Examples:
      fairlead bundle web-1
      fairlead bundle --preview web-1
      fairlead bundle --anonymous --log fairlead.log -o trouble.zip web-1 db-2

    Each HOST is connected to once. Nothing is sent anywhere: it is one file (0600) of plain text, to be read before it
    is given away. Secrets are not in it: only fields of a list go in, and all texts are searched besides;
    manifest.json says what was left out and what was taken out. docs/reports.md tells more.

    Exit status: 0 when it is written, whatever the hosts do.
    """
    from backend.reports.bundle.packing import SUFFIX, check_name
    from backend.reports.target_file import TargetFile

    if output is not None:
        check_name(output)
    if output is not None or not preview:
        TargetFile(output or Path(SUFFIX)).check()
    if log is not None and not log.is_file():
        raise ConfigError(Code.USAGE, evidence={"problem": f"there is no file {log} to take the log from"})
    asked = _Asked(hosts, output, log, anonymous=anonymous, preview=preview)
    return execute(flags, lambda services: _make(services, asked), host=hosts[0] if len(hosts) == 1 else None)


@dataclass(frozen=True, slots=True)
class _Asked:
    hosts: tuple[str, ...]
    output: Path | None
    log: Path | None
    anonymous: bool
    preview: bool


async def _make(services: Services, asked: _Asked) -> int:
    from backend.reports.bundle.gathering import Wanted, gather
    from backend.reports.bundle.packing import packed
    from backend.reports.target_file import TargetFile

    def on_step(words: str) -> None:
        services.narration.progress(f"… {words}")

    wanted = Wanted(
        hosts=asked.hosts,
        log=asked.log,
        ssh_config=services.flags.ssh_config,
        anonymous=asked.anonymous,
        on_step=on_step,
    )
    gathered = await gather(services.container, wanted)
    services.narration.end_progress()
    made, path = gathered.bundle, asked.output or Path.cwd() / default_name(gathered.bundle.made_at)
    if not asked.preview:
        await asyncio.to_thread(lambda: TargetFile(path).write(packed(made, path)))
    for real, name in gathered.names.items():
        services.narration.say(f"{name} is {real}; this is told here only")
    _tell(services, made, None if asked.preview else path)
    return Status.OK


def default_name(moment: datetime) -> str:
    from backend.reports.bundle.packing import SUFFIX

    return f"fairlead-support-{moment:%Y%m%d-%H%M%S}{SUFFIX}"


def _tell(services: Services, made: Bundle, path: Path | None) -> None:
    from backend.reports.bundle.contents import listed

    if services.flags.json:
        print_json({"path": None if path is None else str(path), **made.manifest()})
        return
    for entry in made.files():
        services.narration.say(f"{size_text(len(entry.raw)):>8}  {entry.name:<36} {entry.about}".rstrip())
    services.narration.say(f"left out by design: {listed(made.left_out)}")
    services.narration.say(f"taken out of texts: {listed(made.taken_out)}")
    if path is not None:
        click.echo(str(path))
