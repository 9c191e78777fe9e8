"""Asked of a host that is not there: connect and do it now, or queue it until the host comes; in the demo world."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from backend.commands.executor import CommandState
from backend.connection.state import SessionState
from backend.priority import Priority
from backend.requests.model import CopyFiles, Request, RequestState, RunCommand
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tui.prompts.away import AwayPrompt
from tui.prompts.line import LinePrompt
from tui.screens.commands import CommandsScreen
from tui.screens.files import FilesScreen


async def _enter(scene: Scene, pilot: Pilot[Any], line: str) -> CommandsScreen:
    """Enter a command for web-1, which nobody has connected."""
    scene.app.host = "web-1"
    await pilot.press("2")
    await scene.settle(pilot)
    front = scene.app.front
    assert isinstance(front, CommandsScreen)
    front.line.input.value = line
    await pilot.press("enter")
    await scene.settle(pilot)
    return front


async def _requests(scene: Scene) -> tuple[Request, ...]:
    return await scene.app.services.requests.all("web-1")


async def _all_done(scene: Scene, pilot: Pilot[Any]) -> Request:
    """The only request of web-1, at its end."""
    found: list[Request] = []

    def ended() -> bool:
        return bool(found) and found[0].state is RequestState.DONE

    async def look() -> None:
        found[:] = await _requests(scene)

    for _ in range(400):
        await look()
        if ended():
            return found[0]
        await scene._step()
        await scene._drawn(pilot)
    raise AssertionError(f"not done: {found}")


async def test_a_command_is_queued_and_done_when_the_host_comes(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await _enter(scene, pilot, "echo here again")
        assert "web-1 is not connected" in shown(pilot)
        assert "^c stop" not in shown(pilot), "nothing runs"
        await pilot.press("q")
        await scene.settle(pilot)
        assert scene.app.services.commands.all() == ()
        (request,) = await _requests(scene)
        assert request.action == RunCommand(b"echo here again")
        (entry,) = await scene.app.services.history.entries("web-1", most=1)
        assert entry.line == "echo here again", "what is queued was typed as well"
        await scene.connect(pilot, "web-1")
        done = await _all_done(scene, pilot)
        assert done.result is not None
        assert done.result.exit_status == 0
        assert scene.app.services.requests.output_of(done).read_bytes() == b"here again\n"


async def test_connect_and_run_now_runs_it_at_once(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await _enter(scene, pilot, "echo now")
        await pilot.press("enter")
        await scene.finish_work(pilot)
        (command,) = scene.app.services.commands.all()
        assert command.state is CommandState.ENDED
        assert await _requests(scene) == ()


async def test_leaving_the_question_does_nothing_and_keeps_what_was_typed(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        front = await _enter(scene, pilot, "make deploy")
        await pilot.press("escape")
        await scene.settle(pilot)
        assert scene.app.services.commands.all() == ()
        assert await _requests(scene) == ()
        assert front.line.input.value == "make deploy"


async def test_urgency_and_deadline_are_chosen_before_it_is_queued(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await _enter(scene, pilot, "make")
        await pilot.press("p", "t", "d")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, LinePrompt)
        await pilot.press(*"soon", "enter")
        await pilot.pause()
        assert "'soon' is no deadline" in shown(pilot)
        await pilot.press(*["backspace"] * 4, *"2h", "enter")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, AwayPrompt)
        assert "not after" in shown(pilot)
        await pilot.press("q")
        await scene.settle(pilot)
        (request,) = await _requests(scene)
        assert request.priority is Priority.HIGH
        assert request.repeatable
        assert request.deadline is not None


async def test_nobody_is_asked_while_the_host_is_there(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await scene.connect(pilot, "web-1")
        await _enter(scene, pilot, "true")
        await scene.finish_work(pilot)
        assert len(scene.app.services.commands.all()) == 1


async def test_what_is_entered_while_the_link_is_restored_is_asked_about(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await scene.connect(pilot, "web-1")
        session = scene.app.services.sessions.get("web-1")
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: session.state is SessionState.RECONNECTING)
        await _enter(scene, pilot, "uptime")
        assert "web-1 is being reconnected" in shown(pilot)
        await pilot.press("q")
        await scene.settle(pilot)
        session.retry_now()
        assert (await _all_done(scene, pilot)).action == RunCommand(b"uptime")


async def test_a_copy_to_a_host_that_is_not_there_can_wait(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        scene.app.host = "web-1"
        await pilot.press("3")
        await scene.settle(pilot)
        front = scene.app.front
        assert isinstance(front, FilesScreen)
        await scene.settle(pilot, until=lambda: front.left.settled)
        await pilot.press("end", "c")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, LinePrompt)
        await pilot.press("enter")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, AwayPrompt)
        assert "are overwritten" in shown(pilot)
        await pilot.press("k", "q")
        await scene.settle(pilot)
        (request,) = await _requests(scene)
        assert isinstance(request.action, CopyFiles)
        assert request.action.destination == "~/"
        assert request.action.sources[0].startswith("/")
        assert request.action.on_conflict.value == "skip"
