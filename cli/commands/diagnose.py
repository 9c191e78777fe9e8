"""`fairlead diagnose`: the ladder as text, live, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from backend.diagnostics.checks import Check, CheckStatus
from backend.diagnostics.ladder import Diagnosis, Rung, RungStatus
from backend.errors import Advice
from backend.text import clean_line
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.statuses import Status, status_of

_MARKS = {RungStatus.PASS: "✓", RungStatus.WARN: "!", RungStatus.FAIL: "✕", RungStatus.SKIP: "·"}


@click.command()
@click.argument("host")
@click.option("--verify", is_flag=True, help="Then try commands, files, room, clock and modules as well.")
@global_flags()
@pass_flags
def diagnose(flags: GlobalFlags, host: str, *, verify: bool) -> int:
    """Climb the ladder from the configuration to the files, and say at which step HOST fails, and what to do.

    \b
    Examples:
      fairlead diagnose web-1
      fairlead diagnose --verify web-1
      fairlead diagnose --batch --json gpu-7 | python3 -m json.tool

    Exit status: 0 when all is well or there are only warnings; otherwise that of the failure: 255 for no connection or
    no login, 2 for a mistake in the configuration; 4 when only something that --verify tried has failed.
    """
    return execute(flags, lambda services: _diagnose(services, host, verify=verify), host=host)


async def _diagnose(services: Services, host: str, *, verify: bool) -> int:
    rungs: list[Rung] = []
    checks: list[Check] = []
    view = _Ladder(host, services)

    def on_check(check: Check) -> None:
        checks.append(check)
        if not services.flags.json:
            view.show_check(check)

    climbing = services.container.diagnostics.climb(host, on_check=on_check if verify else None)
    async with closing(climbing) as climb:
        async for rung in climb:
            if rung.status is not RungStatus.RUNNING:
                rungs.append(rung)
            if not services.flags.json:
                view.show(rung)
    services.narration.end_progress()
    diagnosis = Diagnosis(host=host, rungs=tuple(rungs))
    if services.flags.json:
        verified = {"verify": [check.to_json() for check in checks]} if verify else {}
        print_json({**diagnosis.to_json(), **verified})
    return _status(diagnosis, checks)


def _status(diagnosis: Diagnosis, checks: Sequence[Check]) -> int:
    failed = diagnosis.failed
    if failed is None:
        return Status.SOME_FAILED if any(check.status is CheckStatus.FAIL for check in checks) else Status.OK
    return status_of(failed.error) if failed.error is not None else Status.NO_CONNECTION


class _Ladder:
    """Rungs as lines on stdout, with a heading wherever it goes on with another machine."""

    def __init__(self, host: str, services: Services) -> None:
        self._hop = host
        self._narration = services.narration
        self._verbose = services.flags.verbose > 0
        self._verified = False

    def show(self, rung: Rung) -> None:
        if rung.status is RungStatus.RUNNING:
            self._narration.progress(f"… {_title(rung)} {rung.hop}")
            return
        self._narration.end_progress()
        if rung.hop != self._hop:
            self._hop = rung.hop
            click.echo(f"{clean_line(rung.hop)}:")
        click.echo("\n".join(_lines(rung, verbose=self._verbose)))

    def show_check(self, check: Check) -> None:
        self._narration.end_progress()
        if not self._verified:
            self._verified = True
            click.echo("verify:")
        click.echo("\n".join(_check_lines(check, verbose=self._verbose)))


def _lines(rung: Rung, *, verbose: bool) -> list[str]:
    """One rung for people. The advice follows a rung that is not right, the evidence one that failed."""
    took = "" if rung.ms is None else f"{rung.ms:.0f} ms"
    lines = [f"{_MARKS[rung.status]} {_title(rung):<11} {took:>9}  {_summary(rung)}".rstrip()]
    if rung.status is RungStatus.FAIL or verbose:
        lines += _evidence_lines(rung.evidence)
    if rung.status in {RungStatus.FAIL, RungStatus.WARN}:
        lines += _advice_lines(rung.advice)
    return [clean_line(line) for line in lines]


def _check_lines(check: Check, *, verbose: bool) -> list[str]:
    """One check for people, as a rung."""
    mark, code = _MARKS[RungStatus(check.status.value)], "" if check.code is None else f"{check.code}: "
    lines = [f"{mark} {check.id:<11} {f'{check.ms:.0f} ms':>9}  {code}{check.summary}"]
    if check.status is CheckStatus.FAIL or verbose:
        lines += _evidence_lines(check.evidence)
    return [clean_line(line) for line in (*lines, *_advice_lines(check.advice))]


def _evidence_lines(evidence: Mapping[str, str]) -> list[str]:
    return [f"      {name}: {value}" for name, value in evidence.items()]


def _advice_lines(advice: Sequence[Advice]) -> list[str]:
    lines = []
    for item in advice:
        lines.append(f"    - {item.text}")
        lines += [f"        {item.command}"] if item.command else []
    return lines


def _title(rung: Rung) -> str:
    return rung.id.value.replace("_", " ")


def _summary(rung: Rung) -> str:
    if rung.status is RungStatus.SKIP and not rung.summary:
        return "not reached"
    return f"{rung.code}: {rung.summary}" if rung.code is not None else rung.summary
