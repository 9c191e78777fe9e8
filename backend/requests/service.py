"""Requests while away: kept until their host is there, then carried out in order, each of them once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from backend.clock import Clock
from backend.commands.executor import CommandService, RunningCommand
from backend.commands.values import CommandOutcome, CommandSpec
from backend.connection.sessions import Sessions
from backend.connection.state import CONNECTED, SessionChanged
from backend.errors import AuthError, ConfigError, ConnectError, FairleadError, Interrupted, LinkLost
from backend.events import EventBus
from backend.files.model import Direction, TransferOutcome, TransferRequest, TransferState
from backend.files.transfer import Transfer, TransferService
from backend.leases import Holder, keep
from backend.priority import Priority
from backend.production.guard import Permit
from backend.production.reading import only_reads
from backend.requests.book import MOST_ATTEMPTS, RequestBook
from backend.requests.model import (
    OPEN,
    Action,
    CopyFiles,
    Request,
    RequestResult,
    RequestsChanged,
    RequestState,
    RunCommand,
)
from backend.store import Store
from backend.tasks import cancel_all

log = logging.getLogger(__name__)

Verdict = tuple[RequestState, RequestResult | None]


class RequestService:
    """Keeps requests and carries them out when their host is connected."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        commands: Callable[[], CommandService],
        transfers: Callable[[], TransferService],
        permit: Permit,
        store: Store,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._commands = commands
        self._transfers = transfers
        self._permit = permit
        self._holder = Holder(store.path.parent / "holders")
        self._book = RequestBook(store, clock, life_of=self._holder.life_of)
        self._outputs = store.path.parent / "requests"
        self._bus = bus
        self._clock = clock
        self._working: dict[str, asyncio.Task[None]] = {}
        self._under_way: dict[int, _UnderWay] = {}
        self._subscription = bus.subscribe(SessionChanged, self._session_changed)

    async def submit(
        self,
        host: str,
        action: Action,
        *,
        priority: Priority = Priority.NORMAL,
        deadline: datetime | None = None,
        repeatable: bool = False,
        agreed: bool = False,
    ) -> Request:
        """Keep `action` until `host` is there; it is carried out at once where it is.

        A production host asks now, not then, unless the person has `agreed` already. Raises FairleadError QUEUE_FULL,
        PRODUCTION_HOST, COMMAND_DENIED or COMMAND_DANGEROUS, ConfigError or FileError when it cannot be written down.
        """
        if isinstance(action, RunCommand):
            agreed = await self._commands().admit(host, _spec(action), agreed=agreed) or agreed
        if changes(action) and not agreed:
            await self._permit(host, f"When it is there: {action.words}")
        request = await self._book.add(host, action, priority=priority, deadline=deadline, repeatable=repeatable)
        self._changed(host)
        if self._is_there(host):
            self.work(host)
        return request

    async def all(self, host: str | None = None) -> tuple[Request, ...]:
        """Open ones in the order in which they will go, then those that have ended, newest first."""
        return await self._book.all(host)

    async def cancel(self, numbers: Sequence[int]) -> tuple[int, ...]:
        """Take out what waits and stop what is under way here; the numbers of those."""
        stopped = [number for number in numbers if number in self._under_way]
        for number in stopped:
            self._under_way[number].stop()
        taken = await self._book.cancel([number for number in numbers if number not in stopped])
        for host in set(taken.values()):
            self._changed(host)
        return (*stopped, *taken)

    async def move(self, number: int, *, priority: Priority | None = None, before: int | None = None) -> bool:
        """Another priority, or the place before another request of its host; False when it does not wait."""
        host = await self._book.move(number, priority=priority, before=before)
        if host is not None:
            self._changed(host)
        return host is not None

    async def set_deadline(self, number: int, deadline: datetime | None) -> bool:
        """Another deadline, or none; one that was too late waits again. False when it was begun or has ended otherwise.

        Raises FairleadError QUEUE_FULL.
        """
        host = await self._book.set_deadline(number, deadline)
        if host is None:
            return False
        self._changed(host)
        if self._is_there(host):
            self.work(host)
        return True

    async def clear(self, host: str | None = None) -> int:
        """Forget those that have ended, their output with them; how many they were."""
        ended = [request for request in await self._book.all(host) if request.state not in OPEN]
        await asyncio.to_thread(_remove, [self.output_of(request) for request in ended])
        count = await self._book.clear(host)
        for name in {request.host for request in ended}:
            self._changed(name)
        return count

    def output_of(self, request: Request) -> Path:
        """The local file with what the command said, both streams as they came; only there once it was begun."""
        return self._outputs / f"{request.number}-{request.attempts}.out"

    def work(self, host: str) -> asyncio.Task[None]:
        """Carry out what waits for `host`, in order; one after the other, as long as it is there."""
        if (task := self._working.get(host)) is None or task.done():
            task = self._working[host] = asyncio.create_task(self._work(host), name=f"requests of {host}")
        return task

    async def close(self) -> None:
        """Stop; what is under way is put back or told as unknown. Bounded by the services that carry it."""
        self._subscription.cancel()
        await cancel_all(self._working.values())
        await asyncio.to_thread(self._holder.close)

    # --- the work ------------------------------------------------------------------------------------------------

    def _session_changed(self, event: SessionChanged) -> None:
        if event.new in CONNECTED and event.old not in CONNECTED:
            self.work(event.host)

    def _is_there(self, host: str) -> bool:
        return any(session.host == host and session.state in CONNECTED for session in self._sessions.all())

    async def _work(self, host: str) -> None:
        try:
            await asyncio.to_thread(self._holder.begin)
            while self._is_there(host) and (request := await self._book.claim(host, self._holder.name)) is not None:
                self._changed(host, request)
                state, result = await self._carry_out(request)
                self._changed(host, replace(request, state=state, result=result))
                if state is RequestState.WAITING:  # the host has gone again; its coming back is heard
                    return
        except FairleadError as error:
            log.warning("the requests of %s cannot be carried out: %s", host, error)

    async def _carry_out(self, request: Request) -> Verdict:
        renewing = keep(lambda: self._book.renew(request.number, self._holder.name), self._clock)
        lease = asyncio.create_task(renewing, name=f"lease of request {request.number}")
        try:
            work = self._under_way[request.number] = await self._begin(request)
            try:
                verdict = await work.verdict()
            except asyncio.CancelledError:
                await asyncio.shield(self._book.finish(request.number, *await work.interrupted()))
                raise
        finally:
            self._under_way.pop(request.number, None)
            await cancel_all((lease,))
        await asyncio.shield(self._book.finish(request.number, *verdict))
        return verdict

    async def _begin(self, request: Request) -> _UnderWay:
        action = request.action
        if isinstance(action, CopyFiles):
            return _Copying(
                self._transfers().submit(_transfer_request(request.host, action), by_itself=False, agreed=True)
            )
        await asyncio.to_thread(self._outputs.mkdir, 0o700, exist_ok=True)
        spec = replace(_spec(action), save_to=self.output_of(request))
        return _Running(request, self._commands().start(request.host, spec, agreed=True))

    def _changed(self, host: str, request: Request | None = None) -> None:
        self._bus.publish(RequestsChanged(host, request))


def _spec(action: RunCommand) -> CommandSpec:
    return CommandSpec(action.command, cwd=action.cwd, env=action.env, time_limit=action.time_limit)


class _UnderWay(Protocol):
    """A request that was begun here."""

    async def verdict(self) -> Verdict:
        """What becomes of it, when it has ended."""
        ...

    async def interrupted(self) -> Verdict:
        """The same, after it was ended because the program ends."""
        ...

    def stop(self) -> None:
        """A person wants it to end."""
        ...


class _Running:
    """A command."""

    def __init__(self, request: Request, command: RunningCommand) -> None:
        self._request = request
        self._command = command
        self._stopped = False

    async def verdict(self) -> Verdict:
        return verdict_on_command(self._request, await self._command.wait(), stopped=self._stopped)

    async def interrupted(self) -> Verdict:
        return verdict_on_command(self._request, await self._command.cancel(), stopped=self._stopped)

    def stop(self) -> None:
        self._stopped = True
        self._command.stop()


class _Copying:
    """A transfer."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._stopping: asyncio.Task[TransferOutcome] | None = None

    async def verdict(self) -> Verdict:
        outcome = await self._transfer.wait()
        stopped = self._transfer.state in {TransferState.CANCELLED, TransferState.PAUSED}  # a person did, here or there
        return verdict_on_copy(outcome, stopped=stopped)

    async def interrupted(self) -> Verdict:
        return verdict_on_copy(await self._transfer.cancel(), stopped=self._stopping is not None)

    def stop(self) -> None:
        self._stopping = asyncio.create_task(self._transfer.cancel())


def changes(action: Action) -> bool:
    """Whether it may change its host. Pure."""
    if isinstance(action, CopyFiles):
        return action.direction is Direction.PUT
    return not only_reads(action.command)


def verdict_on_command(request: Request, outcome: CommandOutcome, *, stopped: bool) -> Verdict:
    """What becomes of a request whose command ended so; `stopped`: by a person. Pure.

    Never begun: it waits on. Begun and not seen to its end: again where it may be repeated, else unknown.
    """
    error = outcome.error
    if error is None:
        assert outcome.exit is not None
        return RequestState.DONE, RequestResult(outcome.exit.status, outcome.exit.signal)
    result, remote = RequestResult.of_error(error), error.evidence.get("remote", "")
    if stopped:
        known = remote in {"ended", "not started"}
        return (RequestState.CANCELLED if known else RequestState.UNKNOWN), result
    if isinstance(error, AuthError | ConnectError | ConfigError) or remote == "not started":
        return RequestState.WAITING, None
    if isinstance(error, LinkLost | Interrupted):
        if request.repeatable and request.attempts < MOST_ATTEMPTS:
            return RequestState.WAITING, result
        return (RequestState.FAILED if remote == "ended" else RequestState.UNKNOWN), result
    return RequestState.FAILED, result


def verdict_on_copy(outcome: TransferOutcome, *, stopped: bool) -> Verdict:
    """What becomes of a request whose copy ended so; one that was interrupted waits on, unless a person stopped it."""
    error = outcome.error
    if error is None:
        return RequestState.DONE, RequestResult(files=outcome.progress.files_done)
    if isinstance(error, Interrupted):
        return (RequestState.CANCELLED if stopped else RequestState.WAITING), None
    return RequestState.FAILED, RequestResult.of_error(error)


def _transfer_request(host: str, action: CopyFiles) -> TransferRequest:
    return TransferRequest(
        direction=action.direction,
        host=host,
        sources=action.sources,
        destination=action.destination,
        verify=action.verify,
        on_conflict=action.on_conflict,
        rate_limit=action.rate_limit,
    )


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
