"""`fairlead diagnose`: the ladder as text, live, or as JSON."""

from __future__ import annotations

import click

from backend.diagnostics.ladder import Diagnosis, Rung, RungStatus
from backend.text import clean_line
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.statuses import Status, status_of

_MARKS = {RungStatus.PASS: "✓", RungStatus.WARN: "!", RungStatus.FAIL: "✕", RungStatus.SKIP: "·"}


@click.command()
@click.argument("host")
@global_flags()
@pass_flags
def diagnose(flags: GlobalFlags, host: str) -> int:
    """Climb the ladder from the configuration to the files, and say at which step HOST fails, and what to do.

    \b
    Examples:
      fairlead diagnose web-1
      fairlead diagnose --batch --json gpu-7 | python3 -m json.tool

    Exit status: 0 when all is well or there are only warnings; otherwise that of the failure: 255 for no connection or
    no login, 2 for a mistake in the configuration.
    """
    return execute(flags, lambda services: _diagnose(services, host), host=host)


async def _diagnose(services: Services, host: str) -> int:
    rungs: list[Rung] = []
    view = _Ladder(host, services)
    async with closing(services.container.diagnostics.climb(host)) as climb:
        async for rung in climb:
            if rung.status is not RungStatus.RUNNING:
                rungs.append(rung)
            if not services.flags.json:
                view.show(rung)
    services.narration.end_progress()
    diagnosis = Diagnosis(host=host, rungs=tuple(rungs))
    if services.flags.json:
        print_json(diagnosis.to_json())
    return _status(diagnosis)


def _status(diagnosis: Diagnosis) -> int:
    failed = diagnosis.failed
    if failed is None:
        return Status.OK
    return status_of(failed.error) if failed.error is not None else Status.NO_CONNECTION


class _Ladder:
    """Rungs as lines on stdout, with a heading wherever it goes on with another machine."""

    def __init__(self, host: str, services: Services) -> None:
        self._hop = host
        self._narration = services.narration
        self._verbose = services.flags.verbose > 0

    def show(self, rung: Rung) -> None:
        if rung.status is RungStatus.RUNNING:
            self._narration.progress(f"… {_title(rung)} {rung.hop}")
            return
        self._narration.end_progress()
        if rung.hop != self._hop:
            self._hop = rung.hop
            click.echo(f"{clean_line(rung.hop)}:")
        click.echo("\n".join(_lines(rung, verbose=self._verbose)))


def _lines(rung: Rung, *, verbose: bool) -> list[str]:
    """One rung for people. The advice follows a rung that is not right, the evidence one that failed."""
    took = "" if rung.ms is None else f"{rung.ms:.0f} ms"
    lines = [f"{_MARKS[rung.status]} {_title(rung):<11} {took:>9}  {_summary(rung)}".rstrip()]
    if rung.status is RungStatus.FAIL or verbose:
        lines += [f"      {name}: {value}" for name, value in rung.evidence.items()]
    if rung.status in {RungStatus.FAIL, RungStatus.WARN}:
        for item in rung.advice:
            lines.append(f"    - {item.text}")
            lines += [f"        {item.command}"] if item.command else []
    return [clean_line(line) for line in lines]


def _title(rung: Rung) -> str:
    return rung.id.value.replace("_", " ")


def _summary(rung: Rung) -> str:
    if rung.status is RungStatus.SKIP and not rung.summary:
        return "not reached"
    return f"{rung.code}: {rung.summary}" if rung.code is not None else rung.summary
