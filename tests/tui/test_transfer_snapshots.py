"""Pictures of the queue of transfers. Look at them before accepting a change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from backend.files.model import NameTaken
from backend.files.transfer import TransferState
from screenshots.scene import Scene
from tests.support.past_transfers import other_process
from tui.prompts.taken import TakenPrompt

S = TransferState
QUEUE = {
    "moving": S.COPYING,
    "waits-1": S.WAITING,
    "waits-2": S.WAITING,
    "held": S.PAUSED,
    "cut-off": S.INTERRUPTED,
    "broken": S.FAILED,
    "stopped": S.CANCELLED,
    "ready": S.DONE,
}


@pytest.fixture
def queue(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The demo with a queue that another process works on."""
    monkeypatch.chdir(scene.local_project())
    with asyncio.Runner() as runner:

        @asynccontextmanager
        async def living() -> Any:
            async with other_process(scene.state, scene.clock, QUEUE):
                yield

        process = living()
        runner.run(process.__aenter__())
        yield scene
        runner.run(process.__aexit__(None, None, None))


async def _arrive(scene: Scene, pilot: Pilot[Any], *keys: str) -> None:
    await scene.settle(pilot)
    scene.app.host = "web-1"
    await pilot.press("3")
    await scene.picture(pilot)  # what is told of the last time is seen elsewhere
    await pilot.press("t", "home", *keys)
    await scene.settle(pilot)
    await scene.settle(pilot, until=lambda: not scene.workers_busy())  # a prompt reads what it shows
    await scene.picture(pilot)


def test_the_queue_beside_the_files(queue: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await _arrive(queue, pilot, "t")

    assert snap_compare(queue.app, terminal_size=size, run_before=look)


def test_the_queue_that_is_worked_on(queue: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await _arrive(queue, pilot, "down", "down", "down")

    assert snap_compare(queue.app, terminal_size=size, run_before=look)


def test_all_about_one_transfer(queue: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await _arrive(queue, pilot, *["down"] * 5, "enter")

    assert snap_compare(queue.app, terminal_size=size, run_before=look)


def test_a_name_that_is_taken(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    question = NameTaken(
        "web-1",
        "deploy.yml",
        "web-1:/srv/app/releases/41/deploy.yml",
        size=18_204,
        modified=1_772_440_000.0,
        there_size=17_990,
        there_modified=1_771_000_000.0,
    )

    async def ask(pilot: Pilot[Any]) -> None:
        await scene.settle(pilot)
        scene.app.push_screen(TakenPrompt(question))
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=ask)
