"""The library, for programs with an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from backend.commands.collecting import Collected
from backend.commands.jobs.model import JobSpec
from backend.commands.quoting import posix_join
from backend.commands.values import CommandSpec
from backend.connection.connector import StdStream
from backend.connection.interaction import Interaction, Nobody
from backend.errors import Code, FairleadError
from backend.files.model import ConflictPolicy, Direction, TransferOutcome, TransferRequest
from backend.files.paths import Location
from cli.compose import open_services
from cli.configuration import configure
from cli.flags import GlobalFlags
from cli.library.results import CommandResult
from cli.paths import absolute, one_host, parse_remote, remote

if TYPE_CHECKING:
    from backend.commands.jobs.model import Job
    from backend.container import Container
    from backend.diagnostics.rungs import Diagnosis
    from backend.files.sync.compare import Plan
    from backend.files.sync.model import Approval, Options, SyncOutcome
    from backend.health.deep.values import DeepCheck
    from backend.health.live import LiveLook

Command = str | bytes | Sequence[str | bytes]
"""A line for the login shell, or words that arrive as they are."""
KEPT = 64 << 20
"""Bytes of each stream of a command that are kept."""


class Fairlead:
    """The hosts that this person's configuration names, or the simulated ones. `async with` opens it, and closes all.

    A host is named as everywhere in the program: an entry of the host book, of ~/.ssh/config, or `user@address:port`.
    It is connected to when it is first used, and stays connected until the end.
    """

    def __init__(
        self,
        *,
        demo: bool | None = None,
        config: Path | None = None,
        ssh_config: Path | None = None,
        state_dir: Path | None = None,
        interaction: Interaction | None = None,
        agreed: bool = False,
    ) -> None:
        """`demo`: the simulated hosts; when left out, what FAIRLEAD_DEMO says. `config`, `ssh_config` and `state_dir`
        as the flags of the same names. `interaction` answers questions (passwords, host keys); without one there is
        nobody to ask. `agreed`: changes of production hosts are agreed to."""
        flags = GlobalFlags(config=config, ssh_config=ssh_config, state_dir=state_dir, yes=agreed, batch=True)
        if demo is not None:
            flags.demo = demo
        self._flags = flags
        self._person: Interaction = interaction or Nobody()
        self._open = AsyncExitStack()
        self._services: Container | None = None

    async def __aenter__(self) -> Self:
        configuration = configure(self._flags)
        self._services = await self._open.enter_async_context(open_services(configuration, self._person))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._services = None
        await self._open.aclose()

    @property
    def services(self) -> Container:
        """The services behind it, for what is not here. Raises RuntimeError before it is opened."""
        if self._services is None:
            raise RuntimeError("a Fairlead is used inside `async with`")
        return self._services

    # --- commands ------------------------------------------------------------------------------------------------

    async def run(
        self,
        host: str,
        command: Command,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        time_limit: float | None = None,
        keep: int = KEPT,
    ) -> CommandResult:
        """Run a command and wait for its end. `time_limit` in seconds; `keep`: bytes of each stream that are kept.

        Raises TimeLimitError, LinkLost (how it ended is unknown), and why there is no connection or no login.
        Cancelling stops it on the host.
        """
        collected = Collected(keep)
        spec = CommandSpec(
            _line(command),
            cwd=None if cwd is None else cwd.encode("utf-8", "surrogateescape"),
            env=env or {},
            stdin=stdin,
            time_limit=time_limit,
            keep_output=False,
        )
        outcome = await self.services.commands.run(host, spec, collected.take)
        if outcome.exit is None:
            assert outcome.error is not None
            raise outcome.error
        return CommandResult(
            host=host,
            status=outcome.exit.status,
            signal=outcome.exit.signal,
            out=collected.of(StdStream.OUT),
            err=collected.of(StdStream.ERR),
            seconds=outcome.seconds,
            truncated=collected.truncated,
        )

    async def detach(
        self,
        host: str,
        command: Command,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "",
    ) -> Job:
        """Start a command that outlives the connection and this program; returns when the host has said that it runs.

        `services.jobs` finds, follows, stops and removes it by `Job.id`. Raises as `JobService.start`.
        """
        where = None if cwd is None else cwd.encode("utf-8", "surrogateescape")
        return await self.services.jobs.start(host, JobSpec(_line(command), name=name, cwd=where, env=env or {}))

    # --- files ---------------------------------------------------------------------------------------------------

    async def get(
        self,
        sources: str | Sequence[str],
        destination: str | Path,
        *,
        verify: bool = True,
        on_conflict: ConflictPolicy = ConflictPolicy.OVERWRITE,
    ) -> TransferOutcome:
        """Copy `HOST:PATH…` to this machine, as `fairlead get` does. Raises what kept it from being whole."""
        paths = [remote(source) for source in _each(sources)]
        return await self._copy(
            TransferRequest(
                Direction.GET,
                one_host(tuple(paths)),
                tuple(path.path for path in paths),
                absolute(str(destination)),
                verify=verify,
                on_conflict=on_conflict,
            )
        )

    async def put(
        self,
        sources: str | Path | Sequence[str | Path],
        destination: str,
        *,
        verify: bool = True,
        on_conflict: ConflictPolicy = ConflictPolicy.OVERWRITE,
    ) -> TransferOutcome:
        """Copy local files and trees to `HOST:PATH`, as `fairlead put` does. Raises what kept it from being whole."""
        target = remote(destination)
        return await self._copy(
            TransferRequest(
                Direction.PUT,
                target.host,
                tuple(absolute(source) for source in _each(sources)),
                target.path,
                verify=verify,
                on_conflict=on_conflict,
            )
        )

    async def _copy(self, request: TransferRequest) -> TransferOutcome:
        outcome = await self.services.transfers.submit(request).wait()
        if outcome.error is not None:
            raise outcome.error
        return outcome

    async def sync(
        self,
        source: str | Path,
        goal: str | Path,
        *,
        options: Options | None = None,
        max_delete: int | None = 100,
    ) -> SyncOutcome:
        """Make `goal` the same as `source`, one way; one of them is `HOST:PATH`. As `fairlead sync`.

        `options` say what is deleted, forced, compared and left out; without them nothing is deleted. More deletions
        than `max_delete` are refused as a whole; None: no bound. Raises what kept the two from being the same, and
        PRODUCTION_HOST.
        """
        from backend.files.sync.model import Options, SyncRequest

        request = SyncRequest(_place(source), _place(goal), options or Options(), max_delete=max_delete)
        outcome = await self.services.syncs.submit(request, self._approve).wait()
        if outcome.error is not None:
            raise outcome.error
        return outcome

    async def _approve(self, plan: Plan) -> Approval | None:
        from backend.files.sync.model import Approval

        if plan.production and not self._flags.yes:
            raise FairleadError(Code.PRODUCTION_HOST, evidence={"why": "nobody agreed"})
        return Approval()

    # --- looking -------------------------------------------------------------------------------------------------

    async def diagnose(self, host: str) -> Diagnosis:
        """Climb the ladder. What fails is in the answer, and not raised."""
        return await self.services.diagnostics.diagnose(host)

    async def report(self, host: str, *, format: str = "html") -> str:  # noqa: A002 - as the flag
        """Connect once and write down how it stands, as `fairlead report`: `html`, `md` or `json`."""
        from backend.reports.gathering import report_of
        from backend.reports.redaction import Redactor
        from backend.reports.rendering import Format, rendered

        form = Format(format)
        found = await report_of(self.services, host)
        return await asyncio.to_thread(rendered, found, form, Redactor(self.services.vault))

    async def health(self, host: str) -> LiveLook:
        """Connect where that was not done yet, and measure. What fails is in the answer, and not raised."""
        from backend.health.live import look_live

        services = self.services
        return await look_live(services.sessions.get(host), bus=services.bus, clock=services.clock)

    async def look_into(self, host: str) -> DeepCheck:
        """Look into a host: load, memory, disks, units, clock and more. It is kept in the history.

        Raises what connecting raises, SessionError where the host runs no POSIX shell, and LinkLost.
        """
        return await self.services.deep_checks.check(host)


def _line(command: Command) -> bytes:
    if isinstance(command, str | bytes):
        return _bytes(command)
    return posix_join(_bytes(word) for word in command)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _each(items: str | Path | Sequence[str | Path]) -> list[str]:
    return [str(items)] if isinstance(items, str | Path) else [str(item) for item in items]


def _place(path: str | Path) -> Location:
    found = parse_remote(path) if isinstance(path, str) else None
    return Location(str(path)) if found is None else Location(found.path, found.host)
