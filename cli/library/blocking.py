"""The library, for programs without an event loop: one runs in a thread of its own, as long as the block is open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from backend.connection.interaction import Interaction
from backend.files.model import ConflictPolicy, TransferOutcome
from cli.library.hosts import KEPT, Command, Fairlead
from cli.library.results import CommandResult

if TYPE_CHECKING:
    from backend.commands.jobs.model import Job
    from backend.diagnostics.rungs import Diagnosis
    from backend.files.sync.model import Options, SyncOutcome
    from backend.health.deep.values import DeepCheck
    from backend.health.live import LiveLook

T = TypeVar("T")

_GRACE = 10.0
"""Seconds that what was interrupted may take to end."""


class BlockingFairlead:
    """`Fairlead`, whose methods return when all is done. `with` opens it; ctrl+c stops what runs, there as well."""

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
        """As `Fairlead`. `interaction` is asked in the thread of the loop."""
        self._fairlead = Fairlead(
            demo=demo,
            config=config,
            ssh_config=ssh_config,
            state_dir=state_dir,
            interaction=interaction,
            agreed=agreed,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fairlead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._done(self._fairlead.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._done(self._fairlead.__aexit__(kind, error, trace))
        finally:
            self._end()

    def run(
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
        """As `Fairlead.run`."""
        wanted = self._fairlead.run(host, command, cwd=cwd, env=env, stdin=stdin, time_limit=time_limit, keep=keep)
        return self._done(wanted)

    def detach(
        self,
        host: str,
        command: Command,
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        name: str = "",
    ) -> Job:
        """As `Fairlead.detach`."""
        return self._done(self._fairlead.detach(host, command, cwd=cwd, env=env, name=name))

    def get(
        self,
        sources: str | Sequence[str],
        destination: str | Path,
        *,
        verify: bool = True,
        on_conflict: ConflictPolicy = ConflictPolicy.OVERWRITE,
    ) -> TransferOutcome:
        """As `Fairlead.get`."""
        return self._done(self._fairlead.get(sources, destination, verify=verify, on_conflict=on_conflict))

    def put(
        self,
        sources: str | Path | Sequence[str | Path],
        destination: str,
        *,
        verify: bool = True,
        on_conflict: ConflictPolicy = ConflictPolicy.OVERWRITE,
    ) -> TransferOutcome:
        """As `Fairlead.put`."""
        return self._done(self._fairlead.put(sources, destination, verify=verify, on_conflict=on_conflict))

    def sync(
        self, source: str | Path, goal: str | Path, *, options: Options | None = None, max_delete: int | None = 100
    ) -> SyncOutcome:
        """As `Fairlead.sync`."""
        return self._done(self._fairlead.sync(source, goal, options=options, max_delete=max_delete))

    def diagnose(self, host: str) -> Diagnosis:
        """As `Fairlead.diagnose`."""
        return self._done(self._fairlead.diagnose(host))

    def report(self, host: str, *, format: str = "html") -> str:  # noqa: A002 - as the flag
        """As `Fairlead.report`."""
        return self._done(self._fairlead.report(host, format=format))

    def health(self, host: str) -> LiveLook:
        """As `Fairlead.health`."""
        return self._done(self._fairlead.health(host))

    def look_into(self, host: str) -> DeepCheck:
        """As `Fairlead.look_into`."""
        return self._done(self._fairlead.look_into(host))

    def _done(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` comes to, in the loop. Interrupted, it is cancelled, and has ended when this raises."""
        ended = threading.Event()

        async def carried() -> T:
            try:
                return await work
            finally:
                ended.set()

        running = asyncio.run_coroutine_threadsafe(carried(), self._loop)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            ended.wait(_GRACE)
            raise

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
