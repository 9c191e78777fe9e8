"""The transfers of the program: asked for, kept on disk, run a few at a time, changed. No screen owns them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace

from backend.clock import Clock
from backend.connection.interaction import Interaction, Nobody
from backend.connection.sessions import Sessions
from backend.connection.state import CONNECTED, SessionChanged
from backend.errors import Code, ConnectError, FairleadError, LinkLost
from backend.events import EventBus
from backend.files.disk import Disk
from backend.files.itinerary import Itinerary
from backend.files.journal import Journal
from backend.files.locks import DestinationLocks
from backend.files.model import (
    ConflictPolicy,
    Direction,
    FileProgress,
    ItemNote,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.files.queue.book import Granted, TransferBook
from backend.files.queue.keeper import Keeper, Kept
from backend.files.queue.record import TransferItems, TransferListed, TransferRecord, retry_of_failed
from backend.files.queue.rules import GRANTED, Entrant, Limits, Move, Wish, allotted, fulfilled
from backend.files.running import Standing, Surroundings, Transfer, TransferChanged, TransferProgressed
from backend.leases import Holder
from backend.priority import Priority
from backend.production.guard import Permit
from backend.store import Store
from backend.tasks import cancel_all

__all__ = [
    "ConflictPolicy",
    "Direction",
    "FileProgress",
    "Granted",
    "ItemNote",
    "ItemProblem",
    "Limits",
    "Move",
    "Priority",
    "Transfer",
    "TransferChanged",
    "TransferItems",
    "TransferListed",
    "TransferOutcome",
    "TransferProgress",
    "TransferProgressed",
    "TransferRecord",
    "TransferRequest",
    "TransferService",
    "TransferState",
    "Wish",
]

log = logging.getLogger(__name__)

KEPT = 100
"""Transfers that have ended and are still in memory; the book lists more."""
CLOSE_SECONDS = 5.0
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_LETTERS = 6


def new_id() -> str:
    """A name for a transfer, short enough to be typed and long enough to be the only one of its kind."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))


class TransferService:
    """Runs transfers, as many at once as the limits allow, and keeps them over restarts."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        store: Store,
        bus: EventBus,
        clock: Clock,
        person: Interaction | None = None,
        permit: Permit,
        limits: Limits | None = None,
    ) -> None:
        """`person` is asked about names that are taken, `permit` before a host is changed."""
        self._bus = bus
        self._clock = clock
        self._sessions = sessions
        self.limits = limits or Limits()
        self._around = Surroundings(
            sessions=sessions,
            journal=Journal(store, clock),
            locks=DestinationLocks(store.path.parent / "transfers.lock"),
            disk=Disk(),
            bus=bus,
            clock=clock,
            person=person or Nobody(),
            permit=permit,
            save=lambda transfer: self._keeper.flush((transfer.id,)),
            told=self._told,
        )
        self._holder = Holder(store.path.parent / "holders")
        self._book = TransferBook(store, clock, self._holder)
        self._keeper = Keeper(
            self._book,
            store,
            clock,
            changed=self._listed,
            wished=self._wished,
            by_itself=self._goes_on,
        )
        self._transfers: dict[str, Transfer] = {}
        self._entering: set[asyncio.Task[None]] = set()
        self._ready: set[str] = set()
        """Ids of those that are written down, and so may begin."""
        self._serves = False
        self._subscription = bus.subscribe(SessionChanged, self._session_changed)

    # --- asking --------------------------------------------------------------------------------------------------

    def submit(
        self,
        request: TransferRequest,
        *,
        priority: Priority = Priority.NORMAL,
        by_itself: bool = True,
        agreed: bool = False,
    ) -> Transfer:
        """Put it into the queue and return at once; it begins when it is written down and it is its turn.

        `by_itself`: once interrupted, it goes on as soon as its host is connected and a workbench runs. A production
        host that is copied to asks first, unless the person has `agreed` already.
        """
        transfer = Transfer(new_id(), request, self._around, Standing(priority, by_itself=by_itself, agreed=agreed))
        self._add(transfer)
        entering = asyncio.create_task(self._enter(transfer), name=f"transfer {transfer.id} is written down")
        self._entering.add(entering)
        entering.add_done_callback(self._entering.discard)
        return transfer

    def carry(self, request: TransferRequest, itinerary: Itinerary) -> Transfer:
        """Copy exactly what `itinerary` lists, when it is its turn; `request` says how, and what it is called.

        The person has agreed to it.
        Not written down, for only whoever made the list could go on with it (`backend.files.sync`).
        """
        place = max((record.place for record in self.listed), default=0.0) + 1.0
        transfer = Transfer(
            new_id(), request, self._around, Standing(place=place, by_itself=False, agreed=True), itinerary
        )
        self._add(transfer)
        self._ready.add(transfer.id)
        self._deal()
        return transfer

    async def _enter(self, transfer: Transfer) -> None:
        standing = transfer.standing
        try:
            record = await self._book.add(
                transfer.id,
                transfer.request,
                priority=standing.priority,
                by_itself=standing.by_itself,
                state=transfer.state,
            )
        except FairleadError as error:
            transfer.fail(error)
            return
        except Exception as error:
            log.exception("transfer %s could not be written down", transfer.id)
            transfer.fail(FairleadError(Code.INTERNAL, evidence={"reason": repr(error)}))
            return
        transfer.request = replace(transfer.request, as_copy=record.request.as_copy)  # the rest may have changed here
        standing.place = record.place
        self._let_in(transfer)

    def _let_in(self, transfer: Transfer) -> None:
        self._ready.add(transfer.id)
        self._keeper.keep(transfer)
        self._deal()

    def _add(self, transfer: Transfer) -> None:
        self._transfers.pop(transfer.id, None)
        self._transfers[transfer.id] = transfer
        ended = [one for one in self._transfers.values() if one.outcome is not None]
        for old in ended[:-KEPT]:
            del self._transfers[old.id]

    # --- looking -------------------------------------------------------------------------------------------------

    def all(self) -> tuple[Transfer, ...]:
        """Those of this process: running ones and the last hundred that ended, oldest first."""
        return tuple(self._transfers.values())

    def find(self, id_: str) -> Transfer | None:
        """The one of this process that is called so."""
        return self._transfers.get(id_)

    @property
    def listed(self) -> list[TransferRecord]:
        """All transfers of all processes, in the order in which they will go: ours as they stand now, others as they
        were read last."""
        return self._keeper.with_ours([one.record for one in self._transfers.values()])

    async def records(self) -> list[TransferRecord]:
        """All transfers of all processes, read now. Raises what the store raises."""
        await self._settled()
        await self._keeper.flush()
        return await self._keeper.look()

    async def items(self, id_: str) -> TransferItems:
        """What became of single items of a transfer that has ended."""
        transfer = self._transfers.get(id_)
        if transfer is not None and transfer.outcome is not None:
            return TransferItems(transfer.outcome.problems, transfer.outcome.notes)
        return await self._book.items(id_)

    async def serve(self) -> list[TransferRecord]:
        """Watch the list, and go on by itself with what was interrupted, as soon as its host is connected.

        Those that wait for that. Raises what the store raises.
        """
        self._serves = True
        records = await self.records()
        self._keeper.watch()
        for host in {session.host for session in self._sessions.all() if session.state in CONNECTED}:
            await self.go_on(host)
        return [one for one in records if one.state is TransferState.INTERRUPTED and one.by_itself]

    # --- changing ------------------------------------------------------------------------------------------------

    async def wish(self, id_: str, wish: Wish) -> Granted:
        """Have a transfer pause, go on or end, whoever works on it. ASKED: another process was told; see `confirmed`.

        Raises what the store raises.
        """
        transfer = self._transfers.get(id_)
        if transfer is not None and transfer.outcome is None:
            if transfer.state not in GRANTED[wish]:
                return Granted.NOT_NOW
            await self._obey(transfer, wish)
            return Granted.DONE
        if wish is Wish.RESUME and await self.resume((id_,)):
            return Granted.DONE
        granted = await self._book.wish(id_, wish)
        await self._rearranged(granted is Granted.DONE)
        return granted

    async def confirmed(self, id_: str, wish: Wish, seconds: float) -> TransferState | None:
        """What a transfer is, once the process that works on it has heard the wish; None when it does not react.

        That may be something else than was wished: it may have come to its end meanwhile. Waits at most so long.
        """
        until = self._clock.monotonic() + seconds
        while True:
            records = {record.id: record for record in await self._keeper.look()}
            record = records.get(id_)
            if record is None:
                return TransferState.CANCELLED
            if record.wish is not wish and fulfilled(wish, record.state):
                return record.state
            if self._clock.monotonic() >= until:
                return None
            await self._clock.sleep(0.2)

    async def resume(self, ids: Sequence[str]) -> list[Transfer]:
        """Go on here with transfers that nobody works on; those that were taken up."""
        await self._settled()
        await self._keeper.flush()
        before = {record.id: record.state for record in await self._keeper.look()}
        return [
            self._take_up(record, cut_off=before.get(record.id) is TransferState.INTERRUPTED)
            for record in await self._book.claim(ids)
        ]

    async def go_on(self, host: str) -> list[Transfer]:
        """Go on here with what was interrupted and goes on by itself."""
        await self._settled()
        await self._keeper.flush()
        return [self._take_up(record) for record in await self._book.claim_interrupted(host)]

    async def retry_failed(self, id_: str) -> Transfer | None:
        """A new transfer of just the items of one that failed; None when there is none."""
        record = next((one for one in await self.records() if one.id == id_), None)
        if record is None or record.outcome is None:
            return None
        request = retry_of_failed(record.request, (await self.items(id_)).of(record.outcome))
        return None if request is None else self.submit(request, priority=record.priority)

    async def move(self, id_: str, move: Move) -> bool:
        """Another place in the queue; False when there is none."""
        return await self._rearranged(await self._book.move(id_, move))

    async def prefer(self, id_: str, priority: Priority) -> bool:
        """Another priority; False when it has ended."""
        return await self._rearranged(await self._book.prefer(id_, priority))

    async def clear(self) -> int:
        """Forget those that have ended; how many they were."""
        await self._keeper.flush()
        count = await self._book.clear()
        kept = {record.id for record in await self._keeper.look()}
        self._transfers = {id_: one for id_, one in self._transfers.items() if one.outcome is None or id_ in kept}
        self._listed()
        return count

    async def close(self) -> None:
        """Stop everything in an orderly way; the book and the journal keep what is needed to go on. Bounded."""
        self._subscription.cancel()
        under_way = [one for one in self._transfers.values() if one.outcome is None]
        stopping = [asyncio.create_task(one.leave(_left(one))) for one in under_way]
        if stopping:
            await asyncio.wait(stopping, timeout=CLOSE_SECONDS)
        await self._settled()
        await self._keeper.close()
        await cancel_all(self._entering)
        await asyncio.to_thread(self._holder.close)
        self._around.locks.close()
        self._around.disk.close()

    # --- inside --------------------------------------------------------------------------------------------------

    async def _settled(self) -> None:
        """What was asked for is written down."""
        if self._entering:
            await asyncio.wait(tuple(self._entering), timeout=CLOSE_SECONDS)

    async def _obey(self, transfer: Transfer, wish: Wish) -> None:
        if wish is Wish.PAUSE:
            transfer.pause()
        elif wish is Wish.RESUME:
            transfer.resume()
        else:
            await transfer.cancel()

    def _take_up(self, record: TransferRecord, *, cut_off: bool = True) -> Transfer:
        """`cut_off`: nobody had stopped it."""
        progress = record.progress
        if cut_off and progress != TransferProgress():  # it had begun
            progress = replace(progress, restarts=progress.restarts + 1)
        standing = Standing(record.priority, record.place, record.by_itself, asked=record.asked, progress=progress)
        transfer = Transfer(record.id, record.request, self._around, standing)
        self._add(transfer)
        self._let_in(transfer)
        return transfer

    async def _rearranged(self, changed: bool) -> bool:
        if changed:
            await self._keeper.look()
            self._listed()
        return changed

    def _listed(self) -> None:
        """The list was read anew: ours may have other places."""
        for record in self._keeper.records:
            if (transfer := self._transfers.get(record.id)) is not None:
                transfer.standing.priority, transfer.standing.place = record.priority, record.place
        self._deal()
        self._bus.publish(TransferListed(""))

    def _wished(self, id_: str, wish: Wish) -> None:
        transfer = self._transfers.get(id_)
        if transfer is not None and transfer.outcome is None:
            task = asyncio.create_task(self._obey(transfer, wish), name=f"{wish} of transfer {id_}")
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    def _told(self, transfer: Transfer) -> None:
        if transfer.id in self._ready:
            if transfer.outcome is not None:
                self._ready.discard(transfer.id)
            self._deal()
            self._keeper.nudge()

    def _deal(self) -> None:
        """Let those move whose turn it is."""
        ready = [one for one in self._transfers.values() if one.id in self._ready and one.outcome is None]
        entrants = [
            Entrant(one.id, one.request.host, one.standing.priority, one.standing.place, one.moves)
            for one in ready
            if one.competes
        ]
        turns = allotted(entrants, self.limits)
        for one in ready:
            if one.id in turns:
                one.give_turn()
            elif one.moves:
                one.take_turn()

    def _goes_on(self, transfer: Kept) -> bool:
        """Whether one that was interrupted goes on by itself: not where a person was told that its link is lost."""
        lost = transfer.outcome is not None and isinstance(transfer.outcome.error, LinkLost | ConnectError)
        return self._serves or not lost

    def _session_changed(self, event: SessionChanged) -> None:
        if self._serves and event.new in CONNECTED and event.old not in CONNECTED:
            task = asyncio.create_task(self._go_on(event.host), name=f"interrupted transfers of {event.host}")
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    async def _go_on(self, host: str) -> None:
        try:
            records = await self._book.claim_interrupted(host)
        except FairleadError as error:
            log.warning("the interrupted transfers of %s cannot go on: %s", host, error)
            return
        for record in records:
            self._take_up(record)


def _left(transfer: Transfer) -> TransferState:
    """What a transfer is called that ends because the program does."""
    return TransferState.PAUSED if transfer.state is TransferState.PAUSED else TransferState.INTERRUPTED
