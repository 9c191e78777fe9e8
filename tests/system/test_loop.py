"""The event loop is never kept for 50 ms by one callback, whatever the services do over a real server."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.commands.executor import CommandSpec
from backend.connection.interaction import Nobody
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.files.transfer import Direction, TransferRequest
from backend.tasks import closing
from tests.support.loop_monitor import loop_monitor
from tests.support.openssh import make_key, sshd, target
from tests.support.transfer_world import OneHost

pytestmark = [pytest.mark.sshd, pytest.mark.no_cover]  # tracing would be measured with the rest

LONGEST = 0.05
MB = 1_000_000


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Container]:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd", "LogLevel INFO") as server:
        server.authorize(key)
        vault, clock = Vault(), SystemClock()
        async with open_container(
            connector=SshConnector(vault=vault, clock=clock),
            book=OneHost(target(server.hop(keys=[key], known=server.known_hosts(tmp_path / "known")))),
            interaction=Nobody(),
            state_dir=tmp_path / "state",
            vault=vault,
            clock=clock,
        ) as container:
            await container.sessions.get("server").link()
            yield container


async def copy(services: Container, direction: Direction, source: Path, destination: Path) -> None:
    request = TransferRequest(direction, "server", (str(source),), str(destination))
    outcome = await services.transfers.submit(request).wait()
    assert outcome.error is None, outcome.error


async def test_a_large_file_both_ways(services: Container, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(random.Random(1).randbytes(100 * MB))
    with loop_monitor() as report:
        await copy(services, Direction.PUT, source, tmp_path / "there")
        await copy(services, Direction.GET, tmp_path / "there", tmp_path / "back")
    assert report.worst < LONGEST, report.culprit


async def test_a_tree_of_small_files_both_ways(services: Container, tmp_path: Path) -> None:
    for number in range(600):
        folder = tmp_path / "tree" / f"d{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number}").write_bytes(b"%d" % number * 500)
    with loop_monitor() as report:
        await copy(services, Direction.PUT, tmp_path / "tree", tmp_path / "there")
        await copy(services, Direction.GET, tmp_path / "there", tmp_path / "back")
    assert report.worst < LONGEST, report.culprit


async def test_a_directory_of_many_names(services: Container, tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    for number in range(10_000):
        (wide / f"name-{number}").touch()
    seen = 0
    with loop_monitor() as report:
        async with closing(services.files.on("server").list(str(wide).encode())) as batches:
            async for batch in batches:
                seen += len(batch)
    assert seen == 10_000
    assert report.worst < LONGEST, report.culprit


async def test_a_command_that_pours(services: Container) -> None:
    with loop_monitor() as report:
        running = services.commands.start("server", CommandSpec(b"seq 1000000"))
        outcome = await running.wait()
    assert outcome.succeeded
    assert running.output.end == 1_000_000
    assert report.worst < LONGEST, report.culprit
