"""The commands screen in the demo world: typing, running, watching, stopping, looking back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from backend.commands.executor import CommandState
from backend.errors import Code
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, FakeApp, shown
from tests.tui.fakes import FakeServices
from tui.prompts.away import AwayPrompt
from tui.prompts.line import LinePrompt
from tui.screens.commands import CommandsScreen
from tui.widgets.command_field import CommandField
from tui.widgets.output_view import OutputView


class Hands:
    """A person at the commands screen of web-1."""

    def __init__(self, scene: Scene, pilot: Pilot[Any]) -> None:
        self.scene, self.pilot = scene, pilot

    async def arrive(self, host: str = "web-1", *, connected: bool = True) -> Hands:
        self.scene.app.host = host
        if connected:
            await self.scene.connect(self.pilot, host)
        await self.pilot.press("2")
        await self.scene.settle(self.pilot)
        return self

    async def type(self, line: str) -> None:
        await self.pilot.press(*line)

    async def run(self, line: str) -> None:
        """Have `line` in the line, run it, and wait for the end."""
        self.line.value = line
        await self.pilot.press("enter")
        await self.scene.finish_work(self.pilot)
        await self.drawn()

    async def ask(self, line: str) -> None:
        """Enter `line` for a host that is not there: it is asked what becomes of it."""
        self.line.value = line
        await self.pilot.press("enter")
        await self.scene.settle(self.pilot)
        assert isinstance(self.scene.app.screen, AwayPrompt)

    async def start(self, line: str) -> None:
        """Have `line` in the line, and wait until it runs."""
        self.line.value = line
        await self.pilot.press("enter")
        await self.scene.settle(self.pilot, until=lambda: self.newest.state is CommandState.RUNNING)
        await self.scene.pass_time(self.pilot, 1.0)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.drawn()

    async def drawn(self) -> None:
        await self.scene.caught_up(self.pilot, lambda: not self.view.behind)

    @property
    def newest(self) -> Any:
        return self.scene.app.services.commands.all()[-1]

    @property
    def screen(self) -> CommandsScreen:
        front = self.scene.app.front
        assert isinstance(front, CommandsScreen)
        return front

    @property
    def view(self) -> OutputView:
        return self.screen.query_one(OutputView)

    @property
    def line(self) -> CommandField:
        return self.screen.query_one(CommandField)

    @property
    def output(self) -> list[str]:
        height = self.view.scrollable_content_region.height
        return [text for y in range(height) if (text := self.view.render_line(y).text.strip())]

    @property
    def text(self) -> str:
        return shown(self.pilot)


async def test_a_host_without_runs_says_what_to_type(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        assert "Nothing has run here yet." in hands.text
        assert "web-1:~$" in hands.text
        assert hands.scene.app.focused is hands.line


async def test_without_a_host_nothing_can_be_typed(fake_app: FakeApp, services: FakeServices) -> None:
    services.book.entries = ()
    async with fake_app() as pilot:
        await pilot.press("2")
        await pilot.pause()
        assert "No host chosen" in shown(pilot)
        assert pilot.app.screen.query_one(CommandField).disabled


async def test_while_a_line_takes_the_digits_the_tabs_say_how_to_leave(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        assert "alt+3 Files" in hands.text
        await hands.run("uptime")
        await pilot.press("tab")
        await scene.settle(pilot)
        assert "alt+3 Files" not in hands.text and "3 Files" in hands.text
        await pilot.press("escape")
        await scene.settle(pilot)
        assert "alt+3 Files" in hands.text
        await pilot.press("alt+3")
        await scene.settle(pilot)
        assert "alt+" not in hands.text and "3 Files" in hands.text


async def test_a_command_runs_and_its_output_comes(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.type("echo hello there")
        await pilot.press("enter")
        await scene.finish_work(pilot)
        assert hands.output == ["hello there"]
        assert "✓ 0" in hands.text
        assert hands.line.value == ""


async def test_a_failure_shows_its_status_and_stderr_its_edge(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("ls /nowhere")
        assert "✕ 1" in hands.text or "✕ 2" in hands.text
        assert hands.output[0].startswith("┃")
        assert "stderr" in hands.text


async def test_typing_goes_on_while_output_comes(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.start("journalctl -u nginx -f")
        await hands.type("df -h")
        await scene.pass_time(pilot, 7)
        assert hands.line.value == "df -h"
        assert "running" in hands.text
        assert hands.newest.state is CommandState.RUNNING
        assert any("nginx" in line for line in hands.output)


async def test_ctrl_c_stops_the_command_and_says_what_was_confirmed(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.start("sleep 600")
        await hands.press("ctrl+c")
        await scene.finish_work(pilot)
        assert "The process on the host has ended (signal TERM)." in hands.text
        assert "stopped" in hands.text


async def test_ctrl_c_with_nothing_running_explains_itself(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo done")
        await hands.press("ctrl+c")
        assert ["ctrl+q leaves Fairlead" in toast.message for toast in scene.app._notifications] == [True]


async def test_a_lost_link_leaves_the_end_unknown(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.start("sleep 600")
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: hands.newest.outcome is not None)
        await scene.pass_time(pilot, 1)
        assert "? unknown: link lost" in hands.text
        assert "CONNECTION_LOST" in hands.text


async def test_a_host_that_cannot_be_reached_is_told_with_code_and_next_step(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        scene.world["web-1"].faults.refuses = True
        hands = await Hands(scene, pilot).arrive(connected=False)
        await hands.ask("uptime")
        await pilot.press("enter")
        await scene.finish_work(pilot)
        await hands.drawn()
        assert hands.newest.outcome.error.code is Code.TCP_REFUSED
        assert "✕ TCP_REFUSED" in hands.text
        assert "→ " in hands.text


async def test_a_command_says_what_it_waits_for(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive(connected=False)
        await hands.ask("uptime")
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: "It begins as soon as web-1 is there" in hands.text)
        assert "it is being connected." in hands.text
        await scene.finish_work(pilot)
        await hands.drawn()
        assert "It begins as soon" not in hands.text


@pytest.mark.parametrize("way", ["2", "alt+2"])
async def test_what_is_typed_right_behind_the_key_of_the_screen_stands_in_its_line(demo_app: DemoApp, way: str) -> None:
    """As over a slow link, where the keys arrive together."""
    async with demo_app((80, 24)) as (scene, pilot):
        scene.app.host = "web-1"
        await scene.settle(pilot)
        for key in (way, *"uptime"):
            scene.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await scene.settle(pilot, until=lambda: isinstance(scene.app.front, CommandsScreen))
        assert isinstance(scene.app.front, CommandsScreen)
        field = scene.app.front.line.input
        await scene.settle(pilot, until=lambda: field.value == "uptime")


async def test_history_comes_back_with_up_and_down(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo one")
        await hands.run("echo two")
        await hands.type("half")
        await hands.press("up", "up")
        assert hands.line.value == "echo one"
        await hands.press("down", "down")
        assert hands.line.value == "half"


async def test_each_host_has_its_own_runs_history_and_half_typed_line(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo one")
        await hands.type("half")
        scene.app.host = "bastion"
        await scene.settle(pilot)
        assert (hands.line.value, "Nothing has run here yet." in hands.text) == ("", True)
        scene.app.host = "web-1"
        await scene.settle(pilot)
        assert hands.line.value == "half"
        assert hands.output == ["one"]


async def test_earlier_runs_are_kept_and_shown_again(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo first")
        await hands.run("echo second")
        await hands.press("ctrl+up")
        assert hands.output == ["first"]
        await hands.press("ctrl+down")
        assert hands.output == ["second"]


async def test_the_shown_command_can_be_run_again(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo again")
        await pilot.press("alt+r")
        await scene.finish_work(pilot)
        assert [command.spec.command for command in scene.app.services.commands.all()] == [b"echo again"] * 2


async def test_cd_decides_where_the_next_commands_run(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("cd /srv/app")
        assert "web-1:/srv/app$" in hands.text
        await hands.run("pwd")
        assert hands.output == ["/srv/app"]


async def test_cd_to_nowhere_changes_nothing(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("cd /nowhere")
        assert "web-1:~$" in hands.text
        assert "✓ 0" not in hands.text


async def test_a_time_limit_stops_the_next_command(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await pilot.press("alt+t")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, LinePrompt)
        await pilot.press(*"soon", "enter")
        assert isinstance(scene.app.screen, LinePrompt), "no number was given"
        await pilot.press(*["backspace"] * 4, *"5", "enter")
        await scene.settle(pilot)
        assert "limit 5.0 s" in hands.text
        await hands.run("sleep 600")
        assert hands.newest.outcome.error.code is Code.TIME_LIMIT
        assert "time limit" in hands.text


async def test_tab_goes_round_and_escape_comes_back_to_the_line(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo one")
        focused = []
        for _ in range(3):
            await hands.press("tab")
            focused.append(type(scene.app.focused).__name__)
        assert focused == ["OutputView", "RunList", "CommandField"]
        await hands.press("tab", "escape")
        assert scene.app.focused is hands.line


async def test_pages_of_output_turn_while_typing(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("seq 1 500")
        assert hands.output[-1] == "500"
        await hands.type("x")
        await hands.press("pageup")
        assert hands.output[-1] != "500"
        await hands.press("pagedown")
        assert (hands.output[-1], hands.line.value) == ("500", "x")


async def test_the_output_is_saved_as_it_came_and_never_over_a_file(demo_app: DemoApp, own_home: Path) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run("echo kept")
        await pilot.press("tab")
        for _ in range(2):
            await pilot.press("s")
            await scene.settle(pilot)
            await pilot.press("enter")
            await scene.settle(pilot)
        assert (own_home / "web-1-echo-kept.log").read_bytes() == b"kept\n"
        assert "EXISTS" in hands.text


async def test_leaving_the_screen_stops_nothing(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.start("journalctl -u nginx -f")
        await pilot.press("alt+1")
        await scene.pass_time(pilot, 7)
        await pilot.press("2")
        await scene.pass_time(pilot, 1)
        assert hands.newest.state is CommandState.RUNNING
        assert any("nginx" in line for line in hands.output)


@pytest.mark.parametrize("line", [r"printf '\033[31mred\033[0m [bold]x\n'", r"printf '[/] [red]\n'"])
async def test_output_is_never_markup(demo_app: DemoApp, line: str) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.run(line)
        assert hands.output[0] in {"red [bold]x", "[/] [red]"}


async def test_output_that_came_while_another_screen_was_in_front_is_there_on_coming_back(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        await hands.start("sleep 30; echo done")
        await pilot.press("alt+1")
        await scene.pass_time(pilot, 60)
        await scene.finish_work(pilot)
        await pilot.press("alt+2")
        await hands.drawn()
        assert hands.output == ["done"]
        assert "│  done" in hands.text
