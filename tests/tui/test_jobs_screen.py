"""Jobs and processes beside the commands, in the demo world: seen, followed, stopped, removed, signalled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from textual.content import Content
from textual.pilot import Pilot

from backend.commands.jobs.model import JobState
from backend.commands.processes.model import Process, ProcessTable, Row
from backend.errors import Code, SessionError
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, FakeApp, settled, shown
from tests.tui.fakes import NOW, FakeServices
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.failure import FailurePrompt
from tui.prompts.job_output import JobOutputView
from tui.prompts.jobs import JobsPanel
from tui.prompts.line import AnswerLine, LinePrompt
from tui.prompts.processes import ProcessesPanel
from tui.screens.commands import CommandsScreen


async def arrive(scene: Scene, pilot: Pilot[Any], host: str = "gpu-7") -> CommandsScreen:
    """At the commands of `host`, connected."""
    await scene.settle(pilot)
    scene.app.host = host
    await scene.connect(pilot, host)
    await pilot.press("2")
    await scene.settle(pilot)
    await scene.picture(pilot)
    front = scene.app.front
    assert isinstance(front, CommandsScreen)
    return front


async def jobs_panel(scene: Scene, pilot: Pilot[Any]) -> JobsPanel:
    await pilot.press("alt+j")
    panel = scene.app.screen
    assert isinstance(panel, JobsPanel)
    await scene.settle(pilot, until=lambda: panel._loaded)
    return panel


async def output_view(scene: Scene, pilot: Pilot[Any]) -> JobOutputView:
    await pilot.press("enter")
    view = scene.app.screen
    assert isinstance(view, JobOutputView)
    await scene.settle(pilot, until=lambda: view.pane.view.buffer.end >= 9 and not view.pane.view.behind)
    return view


async def processes_panel(scene: Scene, pilot: Pilot[Any]) -> ProcessesPanel:
    await pilot.press("alt+p")
    panel = scene.app.screen
    assert isinstance(panel, ProcessesPanel)
    await scene.settle(pilot, until=lambda: bool(panel.rows()))
    return panel


def jobs_now(scene: Scene) -> dict[str, JobState]:
    panel = scene.app.screen
    assert isinstance(panel, JobsPanel)
    return {job.name or job.command.decode(): job.state for job in panel.rows()}


async def test_jobs_are_listed_followed_stopped_and_removed(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        await arrive(scene, pilot)
        await jobs_panel(scene, pilot)
        assert list(jobs_now(scene).values()) == [JobState.RUNNING, JobState.ENDED, JobState.VANISHED]
        text = shown(pilot)
        assert "22.6 GB" in text and "run-12" in text and "1 running" in text
        await output_view(scene, pilot)
        assert "epoch 08" in shown(pilot)
        assert "learning rate" in shown(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        await pilot.press("s")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, ConfirmPrompt)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: jobs_now(scene)["run-12"] is JobState.ENDED)
        assert "SIGTERM" in shown(pilot)
        await pilot.press("r")
        await scene.settle(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: "run-12" not in jobs_now(scene))


async def test_a_line_is_run_detached_and_outlives_its_panel(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        screen = await arrive(scene, pilot)
        screen.line.input.value = "sleep 30; exit 4"
        await pilot.press("alt+d")
        await scene.settle(pilot)
        assert screen.line.input.value == ""
        await jobs_panel(scene, pilot)
        assert jobs_now(scene)["sleep 30; exit 4"] is JobState.RUNNING
        await pilot.press("n")
        await scene.settle(pilot)
        scene.app.screen.query_one(AnswerLine).value = "exit 2"
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, JobsPanel) and "exit 2" in jobs_now(scene))
        await scene.pass_time(pilot, 60)
        await pilot.press("L")
        await scene.settle(pilot, until=lambda: jobs_now(scene)["sleep 30; exit 4"] is JobState.ENDED)


async def test_jobs_of_a_host_that_is_away_are_shown_as_they_were(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        await arrive(scene, pilot)
        await jobs_panel(scene, pilot)
        await pilot.press("escape")
        await scene.app.services.sessions.get("gpu-7").disconnect()
        await scene.clock.advance(timedelta(minutes=5).total_seconds())
        await jobs_panel(scene, pilot)
        assert jobs_now(scene)["run-12"] is JobState.RUNNING
        assert "seen 5 min ago" in shown(pilot)


async def test_processes_are_sorted_filtered_and_signalled(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        await arrive(scene, pilot)
        panel = await processes_panel(scene, pilot)
        assert panel.rows()[0].process.pid == 2210
        await pilot.press("slash")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, LinePrompt)
        scene.app.screen.query_one(AnswerLine).value = "init"
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: [row.process.pid for row in panel.rows()] == [1])
        await pilot.press("x")
        await scene.settle(pilot)
        assert "/sbin/init" in shown(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, FailurePrompt))
        assert "PROCESS_REFUSED" in shown(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        await pilot.press("slash")
        await scene.settle(pilot)
        scene.app.screen.query_one(AnswerLine).value = "train.py"
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: [row.process.pid for row in panel.rows()] == [2210])
        await pilot.press("X")
        await scene.settle(pilot)
        await pilot.press("y")
        await scene.settle(pilot, until=lambda: not panel.rows())


class ManyProcesses:
    """A host with ten thousand processes."""

    looks = 0

    async def table(self, host: str) -> ProcessTable:
        self.looks += 1
        some = [
            Process(pid, pid // 3, f"user{pid % 50}", "S", pid * 1000, pid / 10, 5000.0, str(pid), b"worker %d" % pid)
            for pid in range(1, 10_001)
        ]
        return ProcessTable(host, NOW, tuple(some), 64 << 30)


def _counted(panel: ProcessesPanel) -> list[int]:
    """The PIDs of the rows that are drawn from now on."""
    drawn: list[int] = []
    draw = panel.list_.draw

    def counting(row: Row, width: int) -> Content:
        drawn.append(row.process.pid)
        return draw(row, width)

    panel.list_.draw = counting  # type: ignore[method-assign]
    return drawn


async def test_ten_thousand_processes_do_not_hold_up_the_keys(fake_app: FakeApp, services: FakeServices) -> None:
    many = ManyProcesses()
    cast(Any, services).processes = many
    async with fake_app((120, 36)) as pilot:
        panel = ProcessesPanel("web-1", cast(Any, services), pilot.app.glyphs)  # type: ignore[attr-defined]
        await pilot.app.push_screen(panel)
        await settled(pilot)
        assert len(panel.rows()) == 10_000
        assert "10,000 processes" in shown(pilot)
        drawn = _counted(panel)
        await pilot.press("end")
        await settled(pilot)
        assert panel.current is not None
        assert panel.current.process.pid == 1
        assert len(drawn) < 300, "only the lines in view are drawn"
        await pilot.press("t")
        await settled(pilot)
        assert panel.rows()[0].depth == 0


async def test_a_host_that_tells_no_processes_is_explained(fake_app: FakeApp, services: FakeServices) -> None:
    class Silent:
        async def table(self, host: str) -> ProcessTable:
            raise SessionError(Code.JOB_FAILED, "web-1 does not tell its processes: it runs no commands", host=host)

    cast(Any, services).processes = Silent()
    async with fake_app((80, 24)) as pilot:
        panel = ProcessesPanel("web-1", cast(Any, services), pilot.app.glyphs)  # type: ignore[attr-defined]
        await pilot.app.push_screen(panel)
        await settled(pilot)
        assert "does not tell its processes" in shown(pilot)
