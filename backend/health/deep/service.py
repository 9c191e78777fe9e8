"""The deep check of a host: one exec over its session's link, read, judged, and kept in the history.

It connects only where it is told to (`check`); over a link that is up it can be had without (`check_over`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from backend.clock import Clock
from backend.connection.connector import Link
from backend.connection.sessions import Sessions
from backend.connection.target import Hop, Target
from backend.diagnostics.clock_offset import Offset, offset_of
from backend.diagnostics.clock_offset import Reading as ClockReading
from backend.errors import FairleadError
from backend.events import EventBus
from backend.health.deep.asking import Answer, ask_deep
from backend.health.deep.certificates import Certificate, read_files
from backend.health.deep.judging import Judge, problems, rebooted
from backend.health.deep.parts import read_answer
from backend.health.deep.seen import Seen
from backend.health.deep.thresholds import Thresholds
from backend.health.deep.told import Told
from backend.health.deep.values import DeepCheck, DeepChecked
from backend.health.history.service import MetricHistory
from backend.tasks import within

_PING = 5.0
"""Seconds for the one round trip that is measured."""


class OwnLimits(Protocol):
    """What the settings say about a host's thresholds (`HostBook.health_options`)."""

    def __call__(self, host: str) -> Mapping[str, Sequence[float]]: ...


class DeepChecks:
    """Looks into hosts."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        history: MetricHistory,
        bus: EventBus,
        clock: Clock,
        limits: OwnLimits | None = None,
        certificates: Callable[[Sequence[Path]], tuple[Certificate, ...]] = read_files,
    ) -> None:
        self._sessions = sessions
        self._history = history
        self._bus = bus
        self._clock = clock
        self._limits = limits
        self._certificates = certificates

    async def check(self, host: str) -> DeepCheck:
        """Look into `host`; connects where that was not done yet.

        Raises what `Session.link` raises, SessionError where the host runs no POSIX shell or gives no answer, and
        LinkLost. Publishes DeepChecked.
        """
        session = self._sessions.get(host)
        return await self.check_over(host, await session.link(), session.target)

    async def check_over(self, host: str, link: Link, target: Target | None) -> DeepCheck:
        """Look into `host` over `link`. As `check`, without connecting."""
        latency = await self._round_trip(link)
        answer = await ask_deep(link, self._clock, host)
        told = await asyncio.to_thread(read_answer, bytes(answer.output))
        seen = Seen(
            now=self._clock.now().timestamp(),
            offset=_offset(told, answer),
            latency=latency,
            certificates=await self._own_certificates(target),
            host_key=link.facts.host_key,
            previous=await self._previous(host),
        )
        check = self._judged(host, told, answer, seen)
        self._history.keep(check)
        self._bus.publish(DeepChecked(host, check))
        return check

    def _judged(self, host: str, told: Told, answer: Answer, seen: Seen) -> DeepCheck:
        thresholds = Thresholds(self._limits(host) if self._limits is not None else None)
        return DeepCheck(
            host=host,
            at=self._clock.now(),
            seconds=answer.seconds,
            readings=Judge(told, seen, thresholds).readings(),
            problems=problems(told),
            boot_id=told.boot_id,
            rebooted=rebooted(told, seen.previous),
            system=told.system,
            failed_units=tuple(told.failed_units),
        )

    async def _round_trip(self, link: Link) -> float | None:
        with suppress(TimeoutError):
            return await within(_PING, link.ping(), self._clock)
        return None

    async def _previous(self, host: str) -> DeepCheck | None:
        """The check before; a history that cannot be read keeps nobody from looking."""
        with suppress(FairleadError):
            return await self._history.previous(host)
        return None

    async def _own_certificates(self, target: Target | None) -> tuple[Certificate, ...]:
        if target is None:
            return ()
        return await asyncio.to_thread(self._certificates, certificate_files(target.host))


def certificate_files(hop: Hop) -> tuple[Path, ...]:
    """Where the person's certificates for `hop` may lie: those that are named, and beside each key."""
    beside = (path.with_name(f"{path.name}-cert.pub") for path in hop.identity_files)
    return (*hop.certificate_files, *beside)


def _offset(told: Told, answer: Answer) -> Offset | None:
    if told.clock is None or answer.clock_came is None:
        return None
    return offset_of([ClockReading(answer.sent, answer.clock_came, *told.clock)])
