"""`fairlead transfers`: all transfers of all processes: what runs, waits, was cut off, has ended; and to go on."""

from __future__ import annotations

from collections.abc import Sequence

import click

from backend.errors import Code, ConfigError
from backend.files.queue.record import words
from backend.files.transfer import Granted, Move, Priority, TransferRecord, TransferService, TransferState, Wish
from cli.arguments import Rate
from cli.execute import Services, execute
from cli.failures import print_json
from cli.flags import GlobalFlags, global_flags, pass_flags
from cli.follow import follow
from cli.statuses import Status
from cli.transfer_list import chosen, table

PATIENCE = 3.0
"""Seconds for which another process is waited for to do as it was asked."""
_QUIET = frozenset({TransferState.DONE, TransferState.CANCELLED})
"""Listed only when everything is."""
_RESTING = frozenset({TransferState.PAUSED, TransferState.INTERRUPTED})
_STOPPED = _RESTING | {TransferState.CANCELLED}


@click.group()
@global_flags()
def transfers() -> None:
    """All transfers, of the workbench and of every `get` and `put`: what runs, waits, was cut off, has ended.

    They stay in the list over restarts. What was cut off goes on where it stopped: with `resume` here, or by itself in
    the workbench as soon as its host is connected. An ID may be shortened, as long as it is the only one.

    \b
    Examples:
      fairlead transfers list
      fairlead transfers resume
      fairlead transfers pause kf3
    """


@transfers.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Those that are done or cancelled as well.")
@global_flags()
@pass_flags
def list_(flags: GlobalFlags, everything: bool) -> int:
    """What runs, what waits in the order in which it will go, what was cut off or failed.

    \b
    Examples:
      fairlead transfers list
      fairlead transfers list --all --json
    """

    async def work(services: Services) -> int:
        records = await services.container.transfers.records()
        listed = [one for one in records if everything or one.state not in _QUIET]
        if services.flags.json:
            print_json([one.to_json() for one in listed])
            return Status.OK
        for line in table(listed):
            click.echo(line)
        hidden = len(records) - len(listed)
        if hidden:
            services.narration.say(f"{hidden} done or cancelled not shown; --all shows everything")
        elif not listed:
            services.narration.say("no transfers")
        return Status.OK

    return execute(flags, work)


# --- changing them -----------------------------------------------------------------------------------------------


@transfers.command()
@click.argument("ids", metavar="[ID]…", nargs=-1)
@click.option("--limit", type=Rate(), metavar="RATE", help="Bytes a second at most from now on, as 500k or 2M.")
@global_flags()
@pass_flags
def resume(flags: GlobalFlags, ids: tuple[str, ...], limit: int | None) -> int:
    """Go on here, in the foreground: with these, or with everything that was cut off or paused.

    One that failed or was cancelled is asked for again when it is named. A paused one that another process works on is
    let go on there.

    \b
    Examples:
      fairlead transfers resume
      fairlead transfers resume kf3q9x

    Exit status: as `get` and `put`; 4 when they ended differently.
    """
    return execute(flags, lambda services: _resume(services, ids, limit))


async def _resume(services: Services, ids: Sequence[str], limit: int | None) -> int:
    service = services.container.transfers
    records = await service.records()
    wanted = chosen(records, ids) if ids else [one for one in records if one.state in _RESTING]
    if not wanted:
        services.narration.say("nothing to go on with")
        return Status.OK
    taken = await service.resume([one.id for one in wanted if not one.held])
    for transfer in taken:
        transfer.limit(limit or transfer.request.rate_limit)
        services.narration.say(f"{transfer.id}: {words(transfer.request)}")
    others = [one for one in wanted if one.id not in {transfer.id for transfer in taken}]
    asked = [await _wished(services, one, Wish.RESUME) for one in others]
    status = await follow(services, taken) if taken else Status.OK
    return status if all(asked) else Status.SOME_FAILED


def _wish_command(wish: Wish, summary: str) -> None:
    @transfers.command(name=wish.value, help=summary)
    @click.argument("ids", metavar="ID…", nargs=-1, required=True)
    @global_flags()
    @pass_flags
    def command(flags: GlobalFlags, ids: tuple[str, ...]) -> int:
        async def work(services: Services) -> int:
            wanted = chosen(await services.container.transfers.records(), ids)
            done = [await _wished(services, one, wish) for one in wanted]
            return Status.OK if all(done) else Status.SOME_FAILED

        return execute(flags, work)


_wish_command(
    Wish.PAUSE,
    """Hold transfers up until they are resumed, whichever process works on them.

    \b
    Examples:
      fairlead transfers pause kf3q9x
    """,
)
_wish_command(
    Wish.CANCEL,
    """Stop transfers, whichever process works on them. What has arrived is kept: `resume ID` goes on with it.

    \b
    Examples:
      fairlead transfers cancel kf3q9x
    """,
)


async def _wished(services: Services, record: TransferRecord, wish: Wish) -> bool:
    """Have it so, and say what came of it; whether it is so."""
    service = services.container.transfers
    granted = await service.wish(record.id, wish)
    state: TransferState | None = _AFTER[wish]
    if granted is Granted.ASKED:
        state = await service.confirmed(record.id, wish, PATIENCE)
    elif granted is not Granted.DONE:
        state = record.state
    fulfilled = granted in {Granted.DONE, Granted.ASKED} and _is_so(wish, state)
    _say(services, record, wish, state, granted, fulfilled=fulfilled)
    return fulfilled


_AFTER = {Wish.PAUSE: TransferState.PAUSED, Wish.RESUME: TransferState.WAITING, Wish.CANCEL: TransferState.CANCELLED}
_DONE_WORDS = {Wish.PAUSE: "paused", Wish.RESUME: "goes on", Wish.CANCEL: "cancelled"}


def _is_so(wish: Wish, state: TransferState | None) -> bool:
    if wish is Wish.RESUME:
        return state is not None and state not in _RESTING
    return state is _AFTER[wish]


def _say(
    services: Services,
    record: TransferRecord,
    wish: Wish,
    state: TransferState | None,
    granted: Granted,
    *,
    fulfilled: bool,
) -> None:
    if services.flags.json:
        print_json({"id": record.id, "asked": wish.value, "state": state and state.value, "confirmed": fulfilled})
    elif fulfilled:
        services.narration.say(f"{record.id}: {_DONE_WORDS[wish]}")
    elif state is None:
        process = record.to_json()["process"]
        services.narration.say(f"{record.id}: asked to {wish.value}, not yet confirmed by process {process}")
    else:
        services.narration.say(f"{record.id}: cannot {wish.value}, it is {state.value}")


@transfers.command()
@click.argument("name", metavar="ID")
@global_flags()
@pass_flags
def retry(flags: GlobalFlags, name: str) -> int:
    """Copy what failed in a transfer of many files, and only that.

    It takes the place of that transfer in the list, with an ID of its own.

    \b
    Examples:
      fairlead transfers retry kf3q9x
    """

    async def work(services: Services) -> int:
        service = services.container.transfers
        (record,) = chosen(await service.records(), (name,))
        again = await service.retry_failed(record.id)
        if again is None:
            how = f"; go on with: fairlead transfers resume {record.id}" if record.state in _STOPPED else ""
            services.narration.say(f"{record.id}: nothing failed in it{how}")
            return Status.OK
        count = len(again.request.only) or "all"
        services.narration.say(f"{record.id} is {again.id} now: {count} of {words(again.request)}")
        return await follow(services, (again,))

    return execute(flags, work)


@transfers.command()
@click.argument("name", metavar="ID")
@click.option("--to", "to", type=click.Choice([move.value for move in Move]), help="One step, or all the way.")
@click.option("--priority", type=click.Choice([one.name.lower() for one in Priority]), help="Its new priority.")
@global_flags()
@pass_flags
def move(flags: GlobalFlags, name: str, to: str | None, priority: str | None) -> int:
    """Have a transfer go earlier or later than others of its process.

    \b
    Examples:
      fairlead transfers move kf3q9x --to first
      fairlead transfers move kf3q9x --priority low
    """
    if (to is None) == (priority is None):
        problem = "say either --to or --priority"
        raise ConfigError(Code.USAGE, f"Where to? {problem.capitalize()}.", evidence={"problem": problem})

    async def work(services: Services) -> int:
        service = services.container.transfers
        (record,) = chosen(await service.records(), (name,))
        changed = await _rearrange(service, record, to, priority)
        services.narration.say(f"{record.id}: {'moved' if changed else 'there is no other place for it'}")
        return Status.OK if changed else Status.SOME_FAILED

    return execute(flags, work)


async def _rearrange(service: TransferService, record: TransferRecord, to: str | None, priority: str | None) -> bool:
    if priority is not None:
        return await service.prefer(record.id, Priority[priority.upper()])
    return to is not None and await service.move(record.id, Move(to))


@transfers.command()
@global_flags()
@pass_flags
def clear(flags: GlobalFlags) -> int:
    """Forget transfers that have ended. What was cut off or is paused stays.

    \b
    Examples:
      fairlead transfers clear
    """

    async def work(services: Services) -> int:
        count = await services.container.transfers.clear()
        if services.flags.json:
            print_json({"forgotten": count})
        else:
            services.narration.say(f"{count} forgotten")
        return Status.OK

    return execute(flags, work)
