"""The same contract for files over commands: what a host without SFTP can, with each way to look at a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.connection.command_files.channel import over_commands
from backend.connection.command_files.records import Look
from backend.connection.connector import FileChannel, Link
from tests.contract.test_files import *  # noqa: F403
from tests.support.worlds import Rig, rig_of

pytestmark = pytest.mark.sshd


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_of("sshd", tmp_path) as ready:
        yield ready


@pytest.fixture(params=[Look.GNU, Look.LS])
async def files(link: Link, request: pytest.FixtureRequest) -> AsyncIterator[FileChannel]:
    channel = await over_commands(link)
    assert channel is not None
    channel._look = request.param
    yield channel
    await channel.close()
