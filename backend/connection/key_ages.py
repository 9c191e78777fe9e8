"""Since when each host key is known: the first time that a connection trusted it, kept in SQLite by fingerprint.

known_hosts files hold no dates. A person who is asked about a changed key is told how long the old one was good; where
that is not known, or cannot be read, nothing is said.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from backend.clock import Clock
from backend.connection.connector import Phase, PhasePassed
from backend.connection.interaction import Between, HostKeyDecision, HostKeyQuestion, Interaction
from backend.connection.session import PhaseSeen
from backend.errors import FairleadError
from backend.events import EventBus
from backend.store import Store
from backend.tasks import Beside

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0
"""For what is not written yet; it is seen again with the next connection."""


class KeyAges:
    """When each host key was trusted first. It listens from the start."""

    def __init__(self, *, bus: EventBus, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: set[str] = set()
        """By this process: written, or about to be."""
        self._writing = Beside(CLOSE_SECONDS)
        self._subscription = bus.subscribe(PhaseSeen, self._hear)

    async def since(self, fingerprints: Iterable[str]) -> Mapping[str, datetime]:
        """What is known of these; empty where the state file cannot be read."""
        await self._writing.caught_up()
        asked = tuple(fingerprints)
        if not await asyncio.to_thread(self._store.path.exists):
            return {}
        try:
            return await self._store.run(lambda connection: _read(connection, asked))
        except FairleadError as error:
            log.warning("since when host keys are known cannot be read: %s", error.message)
            return {}

    async def close(self) -> None:
        """Listen no more; bounded, never raises."""
        self._subscription.cancel()
        await self._writing.close()

    def _hear(self, event: PhaseSeen) -> None:
        phase = event.phase
        if not isinstance(phase, PhasePassed) or phase.phase is not Phase.HOST_KEY:
            return
        fingerprint = phase.evidence.get("fingerprint", "")
        if not fingerprint or fingerprint in self._seen:
            return
        self._seen.add(fingerprint)
        self._writing.begin(self._keep(fingerprint), "age of a host key")

    async def _keep(self, fingerprint: str) -> None:
        at = self._clock.now().timestamp()
        try:
            await self._store.run(lambda connection: _write(connection, fingerprint, at))
        except FairleadError as error:
            log.warning("since when a host key is known is not kept: %s", error.message)


class Dated(Between):
    """`person`, who is told since when the keys are known that a host showed until now."""

    def __init__(self, person: Interaction, ages: KeyAges) -> None:
        super().__init__(person)
        self._ages = ages

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        if question.known:
            since = await self._ages.since(key.fingerprint for key in question.known)
            known = tuple(
                replace(key, since=_told(since[key.fingerprint])) if key.fingerprint in since else key
                for key in question.known
            )
            question = replace(question, known=known)
        return await self.person.host_key(question)


def _told(at: datetime) -> str:
    """`9 March 2026`, in the person's zone."""
    here = at.astimezone()
    return f"{here.day} {here:%B %Y}"


def _read(connection: sqlite3.Connection, fingerprints: tuple[str, ...]) -> dict[str, datetime]:
    rows = (
        connection.execute("SELECT fingerprint, first FROM host_keys WHERE fingerprint = ?", (one,)).fetchone()
        for one in fingerprints
    )
    return {row[0]: datetime.fromtimestamp(row[1], UTC) for row in rows if row is not None}


def _write(connection: sqlite3.Connection, fingerprint: str, at: float) -> None:
    """Nothing is written where it is there: a connection should cost no write."""
    if not _read(connection, (fingerprint,)):
        connection.execute("INSERT OR IGNORE INTO host_keys VALUES (?, ?)", (fingerprint, at))
