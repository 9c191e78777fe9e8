"""Transfers by seed that are cut, swallowed, stopped, killed, and given too small a disk or a source that changes.

Whatever happens: what has its own name is whole at every moment, and after going on the two ends are the same in names,
contents, modes, times and links; nothing unfinished is left, nothing is outside the destination, and what an end of it
called done was done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.clock import SystemClock
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Keepalive
from backend.connection.vault import Vault
from backend.errors import Code, ConnectError
from backend.files.transfer import Direction, TransferOutcome
from tests.support.crashes import Crash, Scene, scene_of, shown
from tests.support.memory_files import QuickClock
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.program import Program
from tests.support.transfer_world import snapshot, workbench

pytestmark = [pytest.mark.sshd, pytest.mark.timeout(180)]

BOUND = 90.0
"""Seconds for a run, most of them for machines with much else to do."""
MOST_ATTEMPTS = 8
MOST_AGAIN = 6_000_000
"""Bytes that one blow may cost: what was under way, and what was not yet in the journal."""


class Brisk(QuickClock):
    """Waits of backoff are short; those of the network are as long as they are."""

    SPEED = 8


KEEPALIVE = Keepalive(interval=0.2 * Brisk.SPEED, late_after=0.2 * Brisk.SPEED, misses=4)


def seeds(short: int, long: int) -> list[object]:
    """The short campaign always runs; the long one has seeds of its own."""
    return [*range(short), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1000, 1000 + long))]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    (root / "home").mkdir()  # without login files, which would be killed half-way and complain
    with sshd(root, "LogLevel INFO", f"SetEnv HOME={root / 'home'}") as running:
        running.authorize(make_key(root / "key"))
        yield running


# --- the services ------------------------------------------------------------------------------------------------


async def of_services(scene: Scene) -> TransferOutcome | None:
    """One attempt with the services in this process; None where they were ended before it."""
    server = scene.server
    known = server.known_hosts(scene.directory / "known", f"[127.0.0.1]:{scene.relay.port}")
    hop = replace(server.hop(keys=[server.root / "key"], known=known), port=scene.relay.port, keepalive=KEEPALIVE)
    vault = Vault()
    connector = SshConnector(vault=vault, clock=SystemClock())
    async with workbench(connector, target(hop), scene.directory / "state", vault=vault, clock=Brisk()) as bench:
        transfer = bench.transfers.submit(scene.request())
        waiting, striking = asyncio.create_task(transfer.wait()), asyncio.create_task(scene.strike())
        try:
            while not waiting.done():
                await asyncio.wait({waiting, *([] if striking.done() else [striking])}, return_when="FIRST_COMPLETED")
                if striking.done() and striking.result():
                    return None
            return waiting.result()
        finally:
            for task in (waiting, striking):
                task.cancel()
            await asyncio.wait({waiting, striking})


def judge(scene: Scene, outcome: TransferOutcome) -> bool:
    """Whether the copy is said to be complete; whatever is said has to be so."""
    error, progress = outcome.error, outcome.progress
    assert progress.files_done <= len(snapshot(scene.copy)), outcome
    if error is None:
        assert progress.failed == 0, outcome
        assert progress.verified == len(shown(scene.source)) or scene.crash.changes, outcome
        return True
    assert error.advice and error.message, error
    if isinstance(error, ConnectError) and error.retryable:  # the server was away when it was asked for first
        return False
    codes = {problem.error.code for problem in outcome.problems if problem.error is not None} | {error.code}
    expected = {Code.SOME_FAILED}
    if scene.ballast is not None:
        expected |= {Code.DISK_FULL}
    if scene.crash.changes:
        expected |= {Code.SOURCE_CHANGED, Code.NOT_FOUND}
    assert codes <= expected, outcome
    return scene.ballast is None and codes <= {Code.NOT_FOUND, Code.SOME_FAILED} and bool(scene.vanished)


# --- the program -------------------------------------------------------------------------------------------------


async def of_program(scene: Scene) -> list[dict[str, Any]] | None:
    """One attempt of the program in a process of its own: what it reports, or None where it was killed."""
    home = scene.directory / "home"
    home.mkdir(exist_ok=True)
    known = scene.server.known_hosts(scene.directory / "known", f"[127.0.0.1]:{scene.relay.port}")
    remote = f"{scene.server.user}@127.0.0.1:"
    get = scene.crash.direction is Direction.GET
    places = (f"{remote}{scene.source}", f"{scene.goal}/") if get else (str(scene.source), f"{remote}{scene.goal}/")
    reach = ("-p", str(scene.relay.port), "-i", str(scene.server.root / "key"), "--known-hosts", str(known))
    process = await Program(home).start(scene.crash.direction.value, *places, *reach, "--batch", "--json", "-F", "none")
    told, striking = asyncio.create_task(process.communicate()), asyncio.create_task(scene.strike())
    try:
        while not told.done():
            await asyncio.wait({told, *([] if striking.done() else [striking])}, return_when="FIRST_COMPLETED")
            if striking.done() and striking.result() and process.returncode is None:
                process.kill()
                await told
                return None
        out, err = told.result()
        return [json.loads(line) for line in out.splitlines()] or [{"error": {"code": err.decode()}}]
    finally:
        striking.cancel()
        await asyncio.wait({striking})
        if process.returncode is None:
            process.kill()
            await process.wait()


def judge_report(scene: Scene, report: list[dict[str, Any]]) -> bool:
    """As `judge`, of what the program says."""
    *errors, total = report
    if not errors:
        assert (total["failed"], total["verified"]) == (0, len(shown(scene.source))), report
        return True
    if errors[0]["error"]["retryable"] and not total["bytes"]:  # the server was away when it was asked for first
        return False
    assert {line["error"]["code"] for line in errors} == {"DISK_FULL"}, report
    assert scene.ballast is not None, report
    return False


# --- the campaign ------------------------------------------------------------------------------------------------


async def complete(scene: Scene) -> int:
    """Attempt after attempt until one says that it is complete; how many there were."""
    for attempt in range(1, MOST_ATTEMPTS):
        if scene.crash.program:
            report = await of_program(scene)
            done = report is not None and judge_report(scene, report)
        else:
            outcome = await of_services(scene)
            done = outcome is not None and judge(scene, outcome)
        scene.check_shown()
        if done:
            return attempt
        if scene.ballast is not None:
            scene.make_room()
    pytest.fail("it never comes to an end")


@pytest.mark.parametrize("seed", seeds(30, 300))
async def test_whatever_happens_the_two_ends_become_the_same(server: Sshd, tmp_path: Path, seed: int) -> None:
    crash = Crash.of(seed)
    print(crash)  # noqa: T201 - to be seen when it fails
    async with asyncio.timeout(BOUND), scene_of(crash, server, tmp_path) as scene:
        attempts = await complete(scene)
        if scene.ballast is not None:
            scene.make_room()
        if crash.changes:  # what was copied before it changed is as it was then
            scene.left.clear()
            attempts += await complete(scene)
        scene.check_same()
        again = (attempts - 1 + len(crash.blows)) * MOST_AGAIN
        assert len(scene.left) < len(crash.blows) or crash.changes, "it was too quick for all of them"
        assert crash.changes or scene.carried < 1.4 * scene.size + again
