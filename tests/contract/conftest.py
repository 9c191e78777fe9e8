"""Every test of this directory runs against all three kinds of hosts, and must leave no task behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.connector import FileChannel, Link
from tests.support.worlds import TIERS, Person, Rig, rig_of

_PARAMETERS = [pytest.param(tier, marks=pytest.mark.sshd if tier == "sshd" else ()) for tier in TIERS]


@pytest.fixture(params=_PARAMETERS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    before = asyncio.all_tasks()
    async with rig_of(request.param, tmp_path) as ready:
        yield ready
    async with asyncio.timeout(5):
        # The fixture ends in a task of its own.
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=0.05)


@pytest.fixture
async def link(rig: Rig) -> AsyncIterator[Link]:
    """A live link of the rig."""
    live = await rig.connector.connect(rig.target, Person(), rig.phases.append)
    yield live
    await live.close()


@pytest.fixture
async def files(link: Link) -> AsyncIterator[FileChannel]:
    """A file channel of the link."""
    channel = await link.open_files()
    yield channel
    await channel.close()
