"""Why is a host slow: one login of its own, measured phase by phase, then everything else over that connection."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress

from backend.clock import Clock
from backend.connection.connector import Connector, Link, PhaseEvent, PhasePassed
from backend.connection.interaction import Interaction
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault
from backend.diagnostics.remedies.entries import own_entry
from backend.diagnostics.remedies.slow import remedied
from backend.diagnostics.routes import Attempt
from backend.diagnostics.rungs import Rung, RungId, RungStatus
from backend.diagnostics.slowness.ciphers import cipher_speed
from backend.diagnostics.slowness.judge import judge
from backend.diagnostics.slowness.measure import Measurer
from backend.diagnostics.slowness.report import SlowReport
from backend.diagnostics.slowness.values import Measurements, PhaseTime, Progress, Step, StepStatus
from backend.diagnostics.verify import new_marker
from backend.hosts.book import HostBook
from backend.tasks import cancel_all

_CLOSE_LIMIT = 3.0
_HANDSHAKE = (RungId.NAME, RungId.TCP, RungId.BANNER, RungId.KEX, RungId.HOST_KEY, RungId.AUTH)


class Slowness:
    """Measures hosts, and says what limits them."""

    def __init__(
        self,
        *,
        connector: Connector,
        book: HostBook,
        interaction: Interaction,
        clock: Clock,
        vault: Vault | None = None,
        in_use: Callable[[str], bool] = lambda host: False,
        chance: random.Random | None = None,
        speed: Callable[[str], float | None] = cipher_speed,
    ) -> None:
        """`vault` and `in_use` as for `backend.diagnostics.ladder.Diagnostics`."""
        self._connector, self._book, self._interaction = connector, book, interaction
        self._clock = clock
        self._vault = vault or Vault()
        self._in_use = in_use
        self._chance = chance or random.SystemRandom()
        self._speed = speed

    async def measure(self, host: str) -> AsyncGenerator[Progress | SlowReport, None]:
        """Each step as it goes, at the end the report.

        One fresh login, which no other connection is used for, and everything over it. Closing the iterator
        (`contextlib.aclosing`) stops it and closes the connection. Raises what connecting raises; what cannot be
        measured afterwards is missing in the report.
        """
        told: asyncio.Queue[Progress | SlowReport | None] = asyncio.Queue()
        with self._vault.lent(host, in_use=lambda: self._in_use(host)):
            task = asyncio.create_task(self._run(host, told.put_nowait), name=f"measuring {host}")
            task.add_done_callback(lambda _: told.put_nowait(None))
            try:
                while (item := await told.get()) is not None:
                    yield item
                task.result()
            finally:
                await cancel_all([task])

    def after_a_ladder(
        self, host: str, tell: Callable[[Progress | SlowReport], None]
    ) -> Callable[[Link, Hop, Sequence[Rung]], Awaitable[None]]:
        """What measures over the login of a ladder that was climbed, whose rungs have the handshake's times."""

        async def measure(link: Link, hop: Hop, rungs: Sequence[Rung]) -> None:
            phases = [
                PhaseTime(rung.hop, rung.id.value, rung.ms / 1000)
                for rung in rungs
                if rung.id in _HANDSHAKE and rung.status is RungStatus.PASS and rung.ms is not None
            ]
            first = next((rung.ms for rung in rungs if rung.id is RungId.SESSION and rung.ms is not None), None)
            await self._over(link, hop, host, phases, None if first is None else first / 1000, tell)

        return measure

    async def _run(self, host: str, tell: Callable[[Progress | SlowReport], None]) -> None:
        tell(Progress(Step.LOGIN, StepStatus.RUNNING))
        targets = await self._book.routes(host)
        chosen: list[Target] = []
        phases: list[PhaseTime] = []

        def heard(event: PhaseEvent) -> None:
            if isinstance(event, PhasePassed):
                phases.append(PhaseTime(event.hop.name, event.phase.value, event.seconds))
                tell(Progress(Step.LOGIN, StepStatus.RUNNING, f"{event.hop.name}: {event.phase.value}"))

        attempt = Attempt(targets, connector=self._connector, interaction=self._interaction, clock=self._clock)
        link = await attempt.connect(chosen.append, heard)
        try:
            await self._over(link, chosen[0].host, host, phases, None, tell)
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(link.close(), _CLOSE_LIMIT)

    async def _over(
        self,
        link: Link,
        hop: Hop,
        host: str,
        phases: Sequence[PhaseTime],
        first_command: float | None,
        tell: Callable[[Progress | SlowReport], None],
    ) -> None:
        known = Measurements(
            host,
            route=" → ".join(link.facts.route) or "direct",
            cipher=link.facts.cipher,
            server=link.facts.server_version,
            compression=hop.compression,
            phases=tuple(phases),
            first_command=first_command,
        )
        measurer = Measurer(link, hop, new_marker(self._chance), self._clock, tell, speed=self._speed)
        report, own = judge(await measurer.run(known)), own_entry(self._book, hop.name)
        tell(remedied(report, hop, link.facts.ciphers_offered, own))
