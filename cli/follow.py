"""Transfers in the foreground: progress and problems while they run, a summary at the end, and how to go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from backend.files.transfer import Transfer, TransferOutcome, TransferState
from backend.tasks import cancel_all
from cli.execute import Services
from cli.failures import print_json
from cli.statuses import Status, status_of
from cli.transfers import TransferView, remarks, summary, together


async def follow(services: Services, transfers: Sequence[Transfer]) -> int:
    """See them to their end; the exit status. When it is cancelled they stop, and can be gone on with."""
    try:
        outcomes = await _watched(services, transfers)
    except asyncio.CancelledError:
        await _stop(services, [transfer for transfer in transfers if transfer.outcome is None])
        raise
    statuses = [
        await _told(services, transfer, outcome, several=len(transfers) > 1)
        for transfer, outcome in zip(transfers, outcomes, strict=True)
    ]
    return statuses[0] if len(set(statuses)) == 1 else Status.SOME_FAILED


async def _watched(services: Services, transfers: Sequence[Transfer]) -> list[TransferOutcome]:
    container, several = services.container, (lambda: together(transfers)) if len(transfers) > 1 else None
    async with AsyncExitStack() as stack:
        for transfer in transfers:
            view = TransferView(
                transfer,
                bus=container.bus,
                clock=container.clock,
                narration=services.narration,
                as_json=services.flags.json,
                several=several,
            )
            stack.callback(view.close)
            stack.push_async_callback(cancel_all, (asyncio.create_task(view.keep_up()),))
        return [await transfer.wait() for transfer in transfers]


async def _told(services: Services, transfer: Transfer, outcome: TransferOutcome, *, several: bool) -> int:
    """Say how one of them ended; its exit status."""
    error, narration = outcome.error, services.narration
    if error is not None and not any(error is problem.error for problem in outcome.problems):
        await services.report(error)
    if services.flags.json:
        print_json({"id": transfer.id, **outcome.to_json()} if several else outcome.to_json())
    else:
        name = f"{transfer.id}: " if several else ""
        for line in (*remarks(outcome), summary(outcome)):
            narration.say(f"{name}{line}")
    if transfer.state in {TransferState.INTERRUPTED, TransferState.PAUSED}:
        narration.say(f"go on with: fairlead transfers resume {transfer.id}")
    return Status.OK if error is None else status_of(error)


async def _stop(services: Services, transfers: Sequence[Transfer]) -> None:
    """A person has stopped them, or their host is given up: what a person has stopped waits to be asked for."""
    for transfer in transfers:
        lost = transfer.state is TransferState.RECONNECTING
        outcome = await transfer.leave(TransferState.INTERRUPTED if lost else TransferState.PAUSED)
        if services.flags.json:
            print_json(outcome.to_json())
        else:
            services.narration.say(f"stopped: {summary(outcome)}; what has arrived is kept for the next time")
            services.narration.say(f"go on with: fairlead transfers resume {transfer.id}")
