"""`fairlead report`: how it stands with a host, to be read, kept, sent and put into tickets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.arguments import HostName
from cli.execute import Services, execute
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.report_file import ReportFile
from cli.statuses import Status

if TYPE_CHECKING:
    from backend.reports.gathering import Extent
    from backend.reports.rendering import Format

FORMATS = ("md", "html", "json")


@click.command()
@click.argument("host", type=HostName())
@click.option("--format", "form", type=click.Choice(FORMATS), help="When left out: what FILE ends in; else md.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="When left out: stdout.")
@click.option("--slow", is_flag=True, help="Measure why it is slow as well; takes a while.")
@click.option("--no-verify", is_flag=True, help="Climb the ladder only; try nothing over the connection.")
@global_flags()
@pass_flags
def report(flags: GlobalFlags, host: str, *, form: str | None, output: Path | None, slow: bool, no_verify: bool) -> int:
    """Connect to HOST once and write down how it stands.

    That is the ladder, what people do with a host, what it says of itself, its history and what that leads to; with
    --slow, what limits it.

    \b
    Examples:
      fairlead report web-1
      fairlead report web-1 -o web-1.html
      fairlead report --slow gpu-7 -o gpu-7.md
      fairlead report --format json web-1 | python3 -m json.tool

    HTML stands alone: one file without scripts that fetches nothing. FILE is for its owner only (0600) and is replaced
    in one step when it is there; secrets are taken out. docs/reports.md describes the JSON.

    Exit status: 0 when the report is made, whatever it says; `diagnose` answers with what it found.
    """
    from backend.reports.gathering import Extent
    from backend.reports.rendering import Format

    chosen = Format(form) if form is not None else (Format.JSON if flags.json and output is None else None)
    file = ReportFile.named(output, chosen)
    extent = Extent(verify=not no_verify, deep=not no_verify, slow=slow)
    work = _Work(host, file, chosen or Format.MARKDOWN, extent)
    return execute(flags, work.run, host=host)


class _Work:
    def __init__(self, host: str, file: ReportFile | None, form: Format, extent: Extent) -> None:
        self._host, self._file, self._form, self._extent = host, file, form, extent

    async def run(self, services: Services) -> int:
        from backend.reports.gathering import report_of
        from backend.reports.redaction import Redactor
        from backend.reports.rendering import rendered

        def on_step(words: str) -> None:
            services.narration.progress(f"… {words}")

        found = await report_of(services.container, self._host, self._extent, on_step=on_step)
        services.narration.end_progress()
        if self._file is not None:
            await self._file.write(services, found)
        else:
            text = await asyncio.to_thread(rendered, found, self._form, Redactor(services.container.vault))
            click.echo(text, nl=False)
        return Status.OK
