"""Every test here runs against all kinds of hosts (OpenSSH also without `quick_packets`), and leaves no task behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.connector import FileChannel, Link
from backend.connection.ssh import quick_packets
from tests.support.worlds import TIERS, Person, Rig, rig_of

_UNHURRIED = "sshd, asyncssh's own packet code"
_PARAMETERS = [
    pytest.param(tier, marks=pytest.mark.sshd if tier.startswith("sshd") else ()) for tier in (*TIERS, _UNHURRIED)
]


@pytest.fixture(params=_PARAMETERS)
async def rig(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    tier = request.param
    if tier == _UNHURRIED:
        monkeypatch.setattr(quick_packets, "CHECKED", frozenset())
        tier = "sshd"
    before = asyncio.all_tasks()
    async with rig_of(tier, tmp_path) as ready:
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
