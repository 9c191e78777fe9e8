"""Modules, sessions and the queue of the demo world's cluster, from the commands screen."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from backend.commands.executor import CommandState
from backend.errors import Code
from screenshots.scene import Scene
from tests.support.cluster_scene import HOST, at_the_cluster, open_session, run
from tests.tui.conftest import DemoApp, shown
from tui.how_to_run import HowToRun
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.modules import ModulesPrompt
from tui.prompts.panel import Panel
from tui.prompts.shells import ShellsPanel
from tui.prompts.slurm import SlurmPanel
from tui.screens.commands import CommandsScreen


def newest_output(scene: Scene) -> bytes:
    return scene.app.services.commands.all()[-1].output.text()


async def opened(scene: Scene, pilot: Pilot[Any], key: str, what: str) -> None:
    """Press `key`, and wait until `what` is on the screen."""
    await pilot.press(key)
    await scene.settle(pilot, until=lambda: scene.app.screen.is_modal and what in shown(pilot))


async def test_chosen_modules_stand_beside_the_line_and_commands_have_them(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        front = await at_the_cluster(scene, pilot)
        await opened(scene, pilot, "alt+m", "gcc/13.2")
        assert isinstance(scene.app.screen, ModulesPrompt)
        await pilot.press(*"mpi", "enter", *"gcc 13", "enter", "escape")
        await scene.settle(pilot)
        assert front.how.modules == ("openmpi/5.0.3", "gcc/13.2")
        assert "modules: openmpi/5.0.3 gcc/13.2" in shown(pilot)
        await run(scene, pilot, "echo $LOADEDMODULES")
        assert newest_output(scene) == b"openmpi/5.0.3:gcc/13.2\n"
        await opened(scene, pilot, "alt+m", "gcc/13.2")
        await pilot.press("ctrl+n", "escape")
        await scene.settle(pilot)
        assert "modules:" not in shown(pilot)


async def test_chosen_modules_are_kept_in_the_hosts_entry(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await at_the_cluster(scene, pilot)
        await opened(scene, pilot, "alt+m", "gcc/13.2")
        await pilot.press(*"gcc 13", "enter", "f2")
        await scene.settle(pilot, until=lambda: not scene.app.screen.is_modal)
        assert scene.app.services.book.settings.hosts[HOST].modules == ("gcc/13.2",)
        assert 'modules = ["gcc/13.2"]' in scene.config.read_text()


async def test_a_host_without_modules_says_so_where_they_would_stand(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        scene.app.host = "web-1"
        await scene.connect(pilot, "web-1")
        await pilot.press("2")
        await scene.settle(pilot)
        await opened(scene, pilot, "alt+m", Code.MODULES_ABSENT.value)


async def test_commands_in_a_session_share_what_they_change_and_the_prompt_tells_where(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await at_the_cluster(scene, pilot)
        await opened(scene, pilot, "alt+n", "No session is open")
        await pilot.press("n")
        await scene.settle(pilot)
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: not scene.app.screen.is_modal)
        for line in ("cd jobs", "NAME=ada", "pwd; echo $NAME"):
            await run(scene, pilot, line)
        assert newest_output(scene) == b"/home/ada/jobs\nada\n"
        assert "cluster[work]:/home/ada/jobs$" in shown(pilot)
        await opened(scene, pilot, "alt+n", "3 commands")
        assert isinstance(scene.app.screen, ShellsPanel)
        await pilot.press("w")
        await scene.settle(pilot)
        await run(scene, pilot, "pwd; echo $NAME")
        assert newest_output(scene) == b"/home/ada\n\n"


async def test_leaving_asks_while_a_session_is_open_and_names_it(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        await at_the_cluster(scene, pilot)
        await open_session(scene, pilot, "work")
        await pilot.press("ctrl+q")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, ConfirmPrompt)
        assert "1 session would be stopped" in shown(pilot)
        assert f"session work on {HOST}" in shown(pilot)
        await pilot.press("n")
        await scene.settle(pilot)
        await scene.app.services.shells.end(HOST, "work")
        await pilot.press("ctrl+q")
        await scene.settle(pilot, until=lambda: scene.app.return_code == 0)


async def test_a_session_that_is_gone_is_told_of_and_opened_anew_on_request(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        front = await at_the_cluster(scene, pilot)
        await open_session(scene, pilot, "work")
        front.set_how(HOST, HowToRun(shell="work"))
        await run(scene, pilot, "exit 3")
        await run(scene, pilot, "echo lost")
        outcome = scene.app.services.commands.all()[-1].outcome
        assert outcome is not None
        assert outcome.error is not None
        assert outcome.error.code is Code.SHELL_GONE
        await opened(scene, pilot, "alt+n", "It is gone with its directory")
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: not scene.app.screen.is_modal)
        await run(scene, pilot, "echo fresh")
        assert newest_output(scene) == b"fresh\n"


async def test_the_prompt_says_that_its_session_is_gone_and_which_key_opens_a_new_one(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        front = await at_the_cluster(scene, pilot)
        await open_session(scene, pilot, "work")
        front.set_how(HOST, HowToRun(shell="work"))
        assert not front.check_action("reopen_shell", ())
        await run(scene, pilot, "exit 3")
        await scene.picture(pilot)
        assert "cluster[work is gone]$" in shown(pilot)
        assert "alt+a opens a new one" in shown(pilot)
        assert "alt+a new session" in shown(pilot)
        await pilot.press("alt+a")
        await scene.settle(pilot)
        assert "cluster[work]:~$" in shown(pilot)
        await run(scene, pilot, "echo fresh")
        assert newest_output(scene) == b"fresh\n"


async def test_a_job_is_submitted_seen_to_wait_and_cancelled_after_a_question(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await at_the_cluster(scene, pilot)
        await opened(scene, pilot, "alt+q", "train-xl")
        await pilot.press("n")
        await scene.settle(pilot)
        await pilot.press("enter")
        assert "Say what it runs" in shown(pilot)
        await pilot.press(*"./tides 7", "tab", "tab", "tab", *"tide", "enter")
        await scene.settle(pilot, until=lambda: "Other jobs of this partition come before it." in shown(pilot))
        panel = scene.app.screen
        assert isinstance(panel, SlurmPanel)
        job = next(row for row in panel.rows() if row.name == "tide")
        panel.list_.move_to(job.id)
        await pilot.press("x")
        await scene.settle(pilot)
        assert f"cancel job {job.id}?" in shown(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: any(row.id == job.id and row.ended for row in panel.rows()))


async def test_a_jobs_output_is_followed_in_the_output_view(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        front = await at_the_cluster(scene, pilot)
        await opened(scene, pilot, "alt+q", "train-xl")
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: b"train-xl" in newest_output(scene))
        assert not isinstance(scene.app.screen, Panel)
        command = scene.app.services.commands.all()[-1]
        assert command.state is CommandState.RUNNING
        await pilot.press("ctrl+c")
        await scene.finish_work(pilot)
        assert command.outcome is not None
        assert isinstance(front, CommandsScreen)


async def test_a_host_without_slurm_says_so(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        scene.app.host = "web-1"
        await scene.connect(pilot, "web-1")
        await pilot.press("2")
        await scene.settle(pilot)
        await opened(scene, pilot, "alt+q", Code.SLURM_ABSENT.value)
