"""`fairlead diagnose`: the ladder as text, live, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backend.dataclass import dataclass
from backend.diagnostics.checks import Check, CheckStatus
from backend.diagnostics.ladder import Afterwards, Diagnosis, Rung, RungStatus
from backend.diagnostics.remedies.model import RemedyId
from backend.diagnostics.slowness.report import SlowReport
from backend.diagnostics.slowness.table import step_word
from backend.diagnostics.slowness.values import Progress, StepStatus
from backend.errors import Advice, FairleadError
from backend.text import clean_line
from backend.tty import size_of
from cli.arguments import HostName
from cli.execute import Services, execute
from cli.failures import print_json
from cli.fitting import fitted
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.iterate import closing
from cli.remedying import Wanted, applied_json, apply, pick, remedies_at_hand
from cli.report_file import ReportFile, report_option
from cli.slow_report import slow_lines
from cli.statuses import Status, status_of

if TYPE_CHECKING:
    from backend.diagnostics.remedies.service import Adjust
    from backend.diagnostics.server_side.findings import NotSeen, ServerSide

_MARKS = {RungStatus.PASS: "✓", RungStatus.WARN: "!", RungStatus.FAIL: "✕", RungStatus.SKIP: "·"}


@click.command()
@click.argument("host", type=HostName())
@click.option(
    "--inside",
    metavar="OTHER",
    type=HostName(),
    help="Then look at the machine from inside, logged in as OTHER, for why it refuses HOST.",
)
@click.option("--verify", is_flag=True, help="Then try commands, files, room, clock and modules as well.")
@click.option("--slow", is_flag=True, help="Then measure why it is slow: login, commands, bulk data, disk.")
@report_option
@click.option("--fix", is_flag=True, help="Do the first thing that mends it, after a question, and climb once more.")
@click.option(
    "--apply", "remedy", type=click.Choice([one.value for one in RemedyId]), help="As --fix, with the remedy named."
)
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="The key for --apply choose-key.")
@global_flags()
@pass_flags
def diagnose(
    flags: GlobalFlags,
    host: str,
    *,
    inside: str | None,
    verify: bool,
    slow: bool,
    report: Path | None,
    fix: bool,
    remedy: str | None,
    key: Path | None,
) -> int:
    """Climb the ladder from the configuration to the files, and say at which step HOST fails, and what to do.

    Where the server refuses a login, its reasons are in its log and in the state of the account. With --inside they are
    looked up over another way in that works, as another user or another name of the same machine; nothing is changed.

    \b
    Examples:
      fairlead diagnose web-1
      fairlead diagnose --verify web-1
      fairlead diagnose web-1 --inside root@web-1
      fairlead diagnose --report web-1.html web-1
      fairlead diagnose web-1 --inside root@web-1 --report web-1.html
      fairlead diagnose --slow web-1
      fairlead diagnose --slow --fix web-1
      fairlead diagnose --batch --json gpu-7 | python3 -m json.tool
      fairlead diagnose --fix web-1
      fairlead diagnose web-1 --apply choose-key --key ~/.ssh/id_web

    Exit status: 0 when all is well or there are only warnings; otherwise that of the failure: 255 for no connection or
    no login, 2 for a mistake in the configuration; 4 when only something that --verify tried has failed.
    """
    wanted = Wanted(fix, None if remedy is None else RemedyId(remedy), key)
    if key is not None and wanted.remedy is not RemedyId.CHOOSE_KEY:
        raise click.UsageError("--key goes with --apply choose-key; -i names a key for one attempt")
    verify = verify or wanted.remedy is RemedyId.SHOW_SPACE
    slow = slow or wanted.remedy is RemedyId.QUICK_CIPHER
    file, also = ReportFile.named(report), _Also(verify, slow, inside)
    return execute(flags, lambda services: _diagnose(services, host, file, also, wanted), host=host)


@dataclass(frozen=True, slots=True)
class _Also:
    """What follows the rungs over the same login."""

    verify: bool
    slow: bool
    inside: str | None
    """Another way in, for the server's side of the story; that has a login of its own."""


@dataclass(frozen=True, slots=True)
class _Climbed:
    """What a climb has found, with what followed it."""

    diagnosis: Diagnosis
    checks: tuple[Check, ...]
    slow: SlowReport | None


async def _diagnose(services: Services, host: str, file: ReportFile | None, also: _Also, wanted: Wanted) -> int:
    found = await _climb(services, host, also)
    more: dict[str, Any] = {}
    if wanted.something:
        if (remedy := pick(remedies_at_hand(found.diagnosis, found.checks, found.slow), wanted)) is None:
            services.narration.say("There is nothing here that can be done from within the program.")
        elif (applied := await apply(services, remedy, wanted)) is None:
            return _status(found.diagnosis, found.checks)
        else:
            more = {"applied": applied_json(remedy, applied)}
            if remedy.climbs:
                found = await _climb(services, applied.host, also, adjust=applied.adjust)
    story = None if also.inside is None else await _server_side(services, found.diagnosis, also.inside)
    if services.flags.json:
        verified = {"verify": [check.to_json() for check in found.checks]} if also.verify else {}
        why = {"slow": found.slow.to_json() if found.slow else None} if also.slow else {}
        server_side = {} if story is None else {"server_side": story.to_json()}
        print_json({**found.diagnosis.to_json(), **verified, **why, **server_side, **more})
    elif story is not None:
        _show(story, services)
    if file is not None:
        checks = found.checks if also.verify else None
        await file.write_about(services, found.diagnosis, checks=checks, slow=found.slow, story=story)
    return _status(found.diagnosis, found.checks)


async def _climb(services: Services, host: str, also: _Also, *, adjust: Adjust | None = None) -> _Climbed:
    rungs: list[Rung] = []
    checks: list[Check] = []
    view = _Ladder(host, services)

    def on_check(check: Check) -> None:
        checks.append(check)
        if not services.flags.json:
            view.show_check(check)

    measured: list[SlowReport] = []
    afterwards = _measuring(host, services, measured) if also.slow else None
    diagnostics = services.container.diagnostics
    climbing = diagnostics.climb(host, on_check=on_check if also.verify else None, afterwards=afterwards, adjust=adjust)
    async with closing(climbing) as climb:
        async for rung in climb:
            if also.inside is not None:
                rung = _without_looking_inside(rung)  # that is what comes next
            if rung.status is not RungStatus.RUNNING:
                rungs.append(rung)
            if not services.flags.json:
                view.show(rung)
    services.narration.end_progress()
    if measured and not services.flags.json:
        click.echo("\n".join(["", *slow_lines(measured[0], _width())]))
    return _Climbed(Diagnosis(host=host, rungs=tuple(rungs)), tuple(checks), measured[0] if measured else None)


def _without_looking_inside(rung: Rung) -> Rung:
    return replace(rung, advice=tuple(item for item in rung.advice if " --inside " not in (item.command or "")))


def _show(story: ServerSide | NotSeen, services: Services) -> None:
    from cli.server_side import story_lines

    click.echo("\n".join(story_lines(story, width=_width(), verbose=services.flags.verbose > 0)))


async def _server_side(services: Services, diagnosis: Diagnosis, inside: str) -> ServerSide | NotSeen:
    """The server's side of the story; where it cannot be had, why."""
    from backend.diagnostics.server_side.findings import NotSeen

    services.narration.progress(f"… looking from inside, as {clean_line(inside)}")
    try:
        return await services.container.server_sides.look(diagnosis, inside)
    except FairleadError as error:
        return NotSeen(inside, error)
    finally:
        services.narration.end_progress()


def _measuring(host: str, services: Services, measured: list[SlowReport]) -> Afterwards:
    """What measures over the ladder's own login; `measured` gets the report."""

    def tell(item: Progress | SlowReport) -> None:
        if isinstance(item, SlowReport):
            measured.append(item)
        elif item.status is StepStatus.RUNNING:
            services.narration.progress(f"… {step_word(item.step)} {item.text}")

    return services.container.slowness.after_a_ladder(host, tell)


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
    lines = _row(f"{_MARKS[rung.status]} {_title(rung):<11} {took:>9}", _summary(rung))
    if rung.status is RungStatus.FAIL or verbose:
        lines += _evidence_lines(rung.evidence)
    if rung.status in {RungStatus.FAIL, RungStatus.WARN}:
        lines += _advice_lines(rung.advice)
    return lines


def _check_lines(check: Check, *, verbose: bool) -> list[str]:
    """One check for people, as a rung."""
    mark, code = _MARKS[RungStatus(check.status.value)], "" if check.code is None else f"{check.code}: "
    lines = _row(f"{mark} {check.id:<11} {f'{check.ms:.0f} ms':>9}", f"{code}{check.summary}")
    if check.status is CheckStatus.FAIL or verbose:
        lines += _evidence_lines(check.evidence)
    return [*lines, *_advice_lines(check.advice)]


def _row(head: str, words: str) -> list[str]:
    return [line.rstrip() for line in fitted(clean_line(words), _width(), first=clean_line(f"{head}  "))]


def _evidence_lines(evidence: Mapping[str, str]) -> list[str]:
    return [
        line
        for name, value in evidence.items()
        for line in fitted(clean_line(f"{name.replace('_', ' ')}: {value}"), _width(), first=" " * 6)
    ]


def _advice_lines(advice: Sequence[Advice]) -> list[str]:
    lines = []
    for item in advice:
        does = f" [--apply {item.apply}]" if item.apply else ""
        lines += fitted(clean_line(item.text) + does, _width(), first="    - ")
        lines += [f"        {clean_line(item.command)}"] if item.command else []
    return lines


def _width() -> int | None:
    """The width of the terminal that stdout is; None where it is none."""
    return size_of(1).columns if sys.stdout.isatty() else None


def _title(rung: Rung) -> str:
    return rung.id.value.replace("_", " ")


def _summary(rung: Rung) -> str:
    if rung.status is RungStatus.SKIP and not rung.summary:
        return "not reached"
    return f"{rung.code}: {rung.summary}" if rung.code is not None else rung.summary
