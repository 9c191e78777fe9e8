"""`fairlead sync`: make a tree the same as another, one way; what would be done is told beforehand, exactly."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import click

from backend.connection.interaction import Confirmation
from backend.errors import Code, ConfigError, FairleadError
from backend.files.model import ItemProblem
from backend.files.paths import Location, to_bytes
from backend.files.sync.compare import Plan
from backend.files.sync.model import Approval, Do, Options, SyncOutcome, SyncRequest
from backend.files.sync.patterns import Rule, Rules
from backend.files.sync.service import direction, refusal, select
from cli.arguments import LocalPath, Rate
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.paths import parse_remote
from cli.statuses import Status, status_of
from cli.sync import SyncView, counts_text, deletion_lines, dry_run_json, summary, tell_plan
from cli.transfers import problem_json, problem_line, remarks

UNASKED = 100
"""Deletions at most where nobody is asked and --max-delete says nothing."""
LISTED = 200
"""Deletions that are listed in a question; the rest is counted."""
_RULES = "cli.commands.sync.rules"


class InOrder(click.Command):
    """A command whose --include and --exclude count in the order in which they were given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        values, _, order = self.make_parser(ctx).parse_args(list(args))
        given = {name: iter(values.get(name) or ()) for name in ("include", "exclude")}
        ctx.meta[_RULES] = [
            (str(parameter.name), next(given[parameter.name])) for parameter in order if parameter.name in given
        ]
        return super().parse_args(ctx, args)


@click.command(cls=InOrder)
@click.argument("source", type=LocalPath(), metavar="SRC")
@click.argument("goal", type=LocalPath(), metavar="DST")
@click.option("--delete", is_flag=True, help="Remove from DST what SRC has not, after all else; asks first.")
@click.option(
    "--max-delete",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Delete nothing at all where more than N would go; when left out and nobody is asked: {UNASKED}.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("-c", "--checksum", is_flag=True, help="Compare contents (SHA-256) in place of times.")
@click.option("--include", multiple=True, metavar="P", help="Include what matches, whatever a later rule says.")
@click.option("--exclude", multiple=True, metavar="P", help="Leave alone what matches, on both sides.")
@click.option("--force", is_flag=True, help="Remove what is in the way of another kind of file, also without --delete.")
@click.option("--no-verify", is_flag=True, help="Do not compare SHA-256 of what is copied.")
@click.option("--limit", type=Rate(), metavar="RATE", help="Bytes a second at most, as 500k or 2M.")
@click.option("--parallel", type=click.IntRange(1, 64), help="Files at once.")
@global_flags()
@pass_flags
@click.pass_context
def sync(context: click.Context, /, flags: GlobalFlags, source: str, goal: str, **options: Any) -> int:
    """Make DST the same as SRC, one way; one of them is HOST:PATH. SRC/ is what is in it; SRC goes itself into DST.

    What differs in size or time is copied (with --checksum: in content), modes and times are kept, links stay links.
    When all is done, both sides are compared again, until nothing differs. Patterns are rsync's: * ? [a-z] match no
    slash, ** does; a slash at the beginning anchors, one at the end means directories; the first that matches counts.

    \b
    Examples:
      fairlead sync -n --delete site/ web-1:/srv/www/
      fairlead sync --exclude .git/ --exclude '*.pyc' app web-1:/srv/
      fairlead sync --delete --max-delete 20 web-1:/var/backups/ backups/
    """
    request = _request(source, goal, context.meta.get(_RULES, []), options)
    direction(request)  # a mistake is told before anybody connects
    host = request.source.host or request.goal.host
    if options["dry_run"]:
        return execute(flags, lambda services: _dry_run(services, _bounded(request, services, options)), host=host)
    return execute(flags, lambda services: _sync(services, _bounded(request, services, options), options), host=host)


def _request(source: str, goal: str, rules: list[tuple[str, str]], options: dict[str, Any]) -> SyncRequest:
    if options["max_delete"] is not None and not options["delete"]:
        problem = "--max-delete bounds --delete; give both"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
    wanted = tuple(Rule(to_bytes(pattern), include=kind == "include") for kind, pattern in rules)
    return SyncRequest(
        _location(source),
        _location(goal),
        Options(options["delete"], options["force"], options["checksum"], Rules(wanted)),
        max_delete=options["max_delete"],
        verify=not options["no_verify"],
        rate_limit=options["limit"],
    )


def _location(text: str) -> Location:
    found = parse_remote(text)
    return Location(text) if found is None else Location(found.path, found.host)


def _bounded(request: SyncRequest, services: Services, options: dict[str, Any]) -> SyncRequest:
    """Where nobody is asked about deletions, there is a bound all the same; and what the settings say."""
    parallel = options["parallel"] or services.settings.transfers.parallel
    asked = services.somebody and not services.flags.yes
    most = request.max_delete if request.max_delete is not None or asked else UNASKED
    return replace(request, max_delete=most, parallel=parallel)


# --- telling beforehand ------------------------------------------------------------------------------------------


async def _dry_run(services: Services, request: SyncRequest) -> int:
    container, flags, narration = services.container, services.flags, services.narration
    began = container.clock.monotonic()

    def seen(count: int) -> None:
        narration.progress(f"comparing  {count:,} names")

    async with container.syncs.planned(request, seen) as plan:
        narration.end_progress()
        refused = refusal(plan, request)
        selection = await select(plan, Approval(delete=refused is None))
        counts = await tell_plan(plan, selection, as_json=flags.json)
        error = refused or _unreadable(plan, counts.files)
        for problem in plan.problems:
            _tell_problem(problem, services)
        if flags.json:
            print_json(dry_run_json(plan, counts, container.clock.monotonic() - began))
        else:
            for line in (*(f"note: {remark}" for remark in _withheld(plan)), f"would {counts_text(counts)}"):
                narration.say(line)
        if error is not None and not (plan.failed and error is not refused):
            await services.report(error)
        return Status.OK if error is None else status_of(error)


def _unreadable(plan: Plan, files: int) -> FairleadError | None:
    failed = plan.failed + plan.counts.of[Do.BLOCK]
    evidence = {"failed": failed, "total": files + failed}
    return FairleadError(Code.SOME_FAILED, evidence=evidence) if failed else None


def _withheld(plan: Plan) -> list[str]:
    if plan.source_failed and plan.counts.deletions:
        return [*plan.remarks, "part of the source could not be read: nothing is deleted"]
    return plan.remarks


def _tell_problem(problem: ItemProblem, services: Services) -> None:
    if services.flags.json:
        print_json(problem_json(problem))
    else:
        services.narration.say(problem_line(problem))


# --- doing it ----------------------------------------------------------------------------------------------------


async def _sync(services: Services, request: SyncRequest, options: dict[str, Any]) -> int:
    container = services.container
    person = _Person(services, request)
    sync = container.syncs.submit(request, person.approve)
    view = SyncView(sync, bus=container.bus, clock=container.clock, narration=services.narration)
    keeping_up = asyncio.create_task(view.keep_up())
    try:
        outcome = await sync.wait()
    except asyncio.CancelledError:
        _tell_end(await sync.cancel(), services)
        raise
    finally:
        keeping_up.cancel()
        view.close()
    for problem in outcome.problems:
        _tell_problem(problem, services)
    error = outcome.error
    if error is not None and error.code is not Code.SOME_FAILED and error not in _told(outcome):
        await services.report(error)
    _tell_end(outcome, services)
    return Status.OK if error is None else status_of(error)


def _told(outcome: SyncOutcome) -> list[FairleadError | None]:
    return [problem.error for problem in outcome.problems]


def _tell_end(outcome: SyncOutcome, services: Services) -> None:
    if services.flags.json:
        print_json(outcome.to_json())
        return
    for line in (*remarks(outcome), summary(outcome)):
        services.narration.say(line)


class _Person:
    """Who is asked before anything is changed."""

    def __init__(self, services: Services, request: SyncRequest) -> None:
        self._services = services
        self._request = request
        self._approved = False

    async def approve(self, plan: Plan) -> Approval | None:
        """None where the person declines. Raises PRODUCTION_HOST where a person is needed and nobody is there."""
        refused = refusal(plan, self._request)
        if self._services.flags.verbose and not self._services.flags.json:
            await tell_plan(plan, await select(plan, Approval(delete=refused is None)), as_json=False)
        deletes = 0 if plan.source_failed or refused else plan.counts.deletions
        production = plan.production and not self._approved
        if self._services.flags.yes or not (deletes or production):
            return Approval()
        if not self._services.somebody:
            return self._unasked(production)
        self._approved = await self._services.interaction.confirm(await self._question(plan, deletes))
        return Approval() if self._approved else None

    def _unasked(self, production: bool) -> Approval:
        """There is nobody to ask: deletions have their bound, and a production host is not changed."""
        if production:
            nobody = {"why": "there is nobody to ask"}
            raise FairleadError(Code.PRODUCTION_HOST, evidence=nobody, host=self._request.goal.host)
        return Approval()

    async def _question(self, plan: Plan, deletes: int) -> Confirmation:
        where = f"{self._request.goal.host}, a production host" if plan.production else str(self._request.goal)
        lines = [f"On {where}: {counts_text(plan.counts)}."]
        if deletes:
            lines += await deletion_lines(plan, LISTED)
        title = f"Delete {deletes:,} names that the source has not?" if deletes else f"Change {where}?"
        return Confirmation(title, "\n".join(lines), yes="Go on", danger=True)
