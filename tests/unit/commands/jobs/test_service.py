"""What the service asks before it changes a host, and how it names jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.commands.jobs.model import JobSpec
from backend.commands.jobs.service import JobService
from backend.commands.processes.model import Process
from backend.commands.processes.service import ProcessService
from backend.connection.sessions import Sessions
from backend.errors import Code, ConfigError, FairleadError
from backend.events import EventBus
from backend.production.guard import never_asks
from backend.store import Store

JOB = "20260302-094000-0123456789"
NOBODY = cast(Sessions, None)
"""Connecting to anything would fail at once."""
PROCESS = Process(7, 1, "root", "S", 0, 0.0, None, "5", b"x\x1b y")


async def _refuse(host: str, change: str | bytes) -> None:
    raise FairleadError(Code.PRODUCTION_HOST, evidence={"why": "you did not agree", "change": change}, host=host)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "fairlead.db")
    yield store
    await store.close()


async def test_nothing_is_started_or_stopped_where_nobody_agreed(store: Store) -> None:
    jobs = JobService(
        sessions=NOBODY, store=store, bus=EventBus(), clock=SystemClock(), permit=_refuse, permit_to_run=_refuse
    )
    for change in (jobs.start("web-1", JobSpec(b"make")), jobs.stop("web-1", JOB)):
        with pytest.raises(FairleadError) as refused:
            await change
        assert refused.value.code is Code.PRODUCTION_HOST
    assert await jobs.noted() == ()


async def test_nothing_is_signalled_where_nobody_agreed() -> None:
    with pytest.raises(FairleadError) as refused:
        await ProcessService(sessions=NOBODY, clock=SystemClock(), permit=_refuse).signal("web-1", PROCESS, "KILL")
    assert refused.value.evidence["change"] == "Send KILL to process 7: x\\x1b y"


async def test_a_signal_is_one_of_those_that_can_be_sent() -> None:
    with pytest.raises(ConfigError) as odd:
        await ProcessService(sessions=NOBODY, clock=SystemClock(), permit=never_asks).signal("web-1", PROCESS, "TERM;x")
    assert odd.value.code is Code.USAGE
