"""A production host in the workbench: one question for one thing that is done, and none for looking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from backend.errors import FileError
from backend.files.transfer import TransferState
from screenshots.scene import Scene
from tests.tui.conftest import shown
from tests.tui.test_files_screen import Hands, project
from tui.prompts.confirm import ConfirmPrompt

__all__ = ["project"]

OnHost = Callable[[], AbstractAsyncContextManager[Hands]]
HOME = b"/home/deploy"


@pytest.fixture
def on_host(own_home: Path, project: Path) -> OnHost:
    """The Files screen of web-1, a production host, on its side."""

    @asynccontextmanager
    async def run() -> AsyncIterator[Hands]:
        scene = Scene(own_home, agreed=False)
        async with scene.app.run_test(size=(80, 24)) as pilot:
            await scene.settle(pilot)
            hands = await Hands(scene, pilot).arrive()
            await hands.press("tab")
            yield hands

    return run


async def _answer(hands: Hands, *keys: str) -> str:
    """What the question says, and the answer given."""
    app = hands.scene.app
    await hands.scene.settle(hands.pilot, until=lambda: isinstance(app.screen, ConfirmPrompt))
    assert isinstance(app.screen, ConfirmPrompt)
    app.screen.armed = True
    text = shown(hands.pilot)
    await hands.pilot.press(*keys)
    await hands.scene.settle(hands.pilot)
    return text


def _there(hands: Hands, name: bytes) -> bool:
    """Whether the host has `name` in the home directory."""
    try:
        hands.scene.world["web-1"].tree.get(HOME + name)
    except FileError:
        return False
    return True


async def test_a_new_directory_is_asked_about_and_a_no_is_told(on_host: OnHost) -> None:
    async with on_host() as hands:
        await hands.pilot.press("m", *"fresh", "enter")
        text = await _answer(hands, "escape")
        assert "web-1 is a production host" in text
        assert f"Make the directory {HOME.decode()}/fresh" in text
        assert not _there(hands, b"/fresh")
        app = hands.pilot.app
        assert not app.screen.is_modal, "who says no knows it, and is not stopped by a dialog"
        assert any(toast.message.startswith("Nothing was changed") for toast in app._notifications)
        await hands.pilot.press("m", *"fresh", "enter")
        await _answer(hands, "y")
        assert _there(hands, b"/fresh")


async def test_deleting_asks_once_and_says_both(on_host: OnHost) -> None:
    async with on_host() as hands:
        await hands.stand_on("deploy.sh")
        await hands.pilot.press("d")
        text = await _answer(hands, "y")
        assert "delete on web-1, a production host?" in text
        assert not _there(hands, b"/deploy.sh")
        assert not isinstance(hands.scene.app.screen, ConfirmPrompt)


async def test_several_files_are_one_question(on_host: OnHost) -> None:
    async with on_host() as hands:
        await hands.press("space", "space")
        await hands.pilot.press("D")
        text = await _answer(hands, "escape")
        assert "copying in" in text
        assert not isinstance(hands.scene.app.screen, ConfirmPrompt)


async def test_a_copy_to_the_host_waits_for_the_answer(on_host: OnHost) -> None:
    async with on_host() as hands:
        await hands.press("tab")
        await hands.stand_on("report")
        await hands.pilot.press("c")
        text = await _answer(hands, "y")
        assert "Copy to /home/deploy" in text
        assert (await hands.copied()).state is TransferState.DONE


async def test_a_command_that_looks_runs_and_another_asks(on_host: OnHost) -> None:
    async with on_host() as hands:
        await hands.pilot.press("2")
        await hands.scene.settle(hands.pilot)
        await hands.pilot.press(*"uptime", "enter")
        await hands.scene.finish_work(hands.pilot)
        assert not isinstance(hands.scene.app.screen, ConfirmPrompt)
        assert "load average" in hands.text
        await hands.pilot.press(*"touch x", "enter")
        assert "Run: touch x" in await _answer(hands, "escape")
        assert not _there(hands, b"/x")
        assert "Nothing was changed" in hands.text
