"""The ladder: one real connection attempt, told rung by rung, each with evidence, time and verdict.

It uses the same connector, book and checks as every other connection, so it cannot tell another story than they do.
It stops explaining at the first broken rung and never retries.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from backend.clock import Clock
from backend.connection.connector import Connector, Link
from backend.connection.interaction import Interaction
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault
from backend.diagnostics.checks import Check
from backend.diagnostics.climb import Climb
from backend.diagnostics.rungs import Diagnosis, Rung, RungId, RungStatus
from backend.hosts.book import HostBook
from backend.tasks import cancel_all

if TYPE_CHECKING:
    from backend.diagnostics.circumstances import Known

Afterwards = Callable[[Link, Hop, Sequence[Rung]], Awaitable[None]]
"""Work over a ladder's link once its rungs have their verdicts."""

__all__ = ["Diagnosis", "Diagnostics", "Rung", "RungId", "RungStatus"]


class Diagnostics:
    """Climbs ladders."""

    def __init__(
        self,
        *,
        connector: Connector,
        book: HostBook,
        interaction: Interaction,
        clock: Clock,
        vault: Vault | None = None,
        in_use: Callable[[str], bool] = lambda host: False,
        as_connected: Callable[[str], Target | None] = lambda host: None,
        known: Callable[[], Known] | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """`vault` is where `connector` keeps what a login needed: what a climb has put there goes with the climb,
        unless the host is `in_use` by a session. `as_connected`: how a session reaches it. `known` is who knows more of
        a failure; without it, the book alone."""
        self._known = known or self._book_alone
        self._vault = vault or Vault()
        self._in_use = in_use
        self._as_connected = as_connected
        self._connector = connector
        self._book = book
        self._interaction = interaction
        self._clock = clock
        self._chance = chance or random.SystemRandom()

    async def climb(
        self,
        host: str,
        *,
        on_check: Callable[[Check], None] | None = None,
        afterwards: Afterwards | None = None,
        adjust: Callable[[Target], Target] | None = None,
    ) -> AsyncGenerator[Rung, None]:
        """Each rung as it changes: RUNNING when it begins, then once with its verdict; at the end SKIP for the rest.

        With `on_check`, the connection is verified over the same login once the rungs have their verdicts: it hears
        each check as it finishes, after the rungs. `afterwards` gets the same login last, and the rungs. `adjust`
        changes what this one attempt does, as a remedy wants it.

        Closing the iterator (`contextlib.aclosing`) stops the attempt and closes what it opened.
        """
        told: asyncio.Queue[Rung | None] = asyncio.Queue()
        climbed: list[Rung] = []

        def tell(rung: Rung) -> None:
            climbed.append(rung)
            told.put_nowait(rung)

        async def then(link: Link, hop: Hop) -> None:
            if on_check is not None:
                await self._verify(host, link, hop, marker, on_check)
            if afterwards is not None:
                await afterwards(link, hop, climbed)

        marker = f"fairlead-{self._chance.getrandbits(64):016x}"
        climb = Climb(
            host,
            connector=self._connector,
            book=self._book,
            interaction=self._interaction,
            clock=self._clock,
            marker=marker,
            tell=tell,
            then=then,
            adjust=adjust,
            as_connected=self._as_connected,
            known=self._known,
        )
        with self._vault.lent(host, in_use=lambda: self._in_use(host)):
            task = asyncio.create_task(climb.run(), name=f"ladder to {host}")
            task.add_done_callback(lambda _: told.put_nowait(None))
            try:
                while (rung := await told.get()) is not None:
                    yield rung
            finally:
                await cancel_all([task])

    def _book_alone(self) -> Known:
        from backend.diagnostics.circumstances import Known

        return Known(self._book)

    async def _verify(self, host: str, link: Link, hop: Hop, marker: str, on_check: Callable[[Check], None]) -> None:
        from backend.diagnostics.checker import Checker
        from backend.diagnostics.explain import explain_around

        explained = partial(explain_around, host=host, hop=hop, book=self._book, known=self._known)
        async with aclosing(Checker(link, hop, marker, self._clock, explained).run()) as checks:
            async for check in checks:
                on_check(check)

    async def diagnose(self, host: str) -> Diagnosis:
        """Climb to the end."""
        async with aclosing(self.climb(host)) as climb:
            rungs = [rung async for rung in climb if rung.status is not RungStatus.RUNNING]
        return Diagnosis(host, tuple(rungs))
