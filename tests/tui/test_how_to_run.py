"""How commands are run, chosen in a panel and shown beside the line; several lines in turn; questions about dangers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from backend.commands.executor import RunningCommand
from backend.commands.sequence import Step
from backend.commands.values import CommandOutcome, CommandSpec, Elevate
from backend.connection.connector import ExitReport
from backend.errors import Code
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tests.tui.test_commands_screen import Hands
from tui.how_to_run import HowToRun
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.how_to_run import HowToRunPrompt
from tui.screens.running import summary


async def at_panel(scene: Scene, pilot: Pilot[Any], host: str = "web-1") -> Hands:
    hands = await Hands(scene, pilot).arrive(host)
    await pilot.press("alt+o")
    await scene.settle(pilot)
    assert isinstance(scene.app.screen, HowToRunPrompt)
    return hands


async def test_commands_run_as_root_once_it_is_chosen(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await at_panel(scene, pilot)
        await pilot.press("space", "ctrl+s")
        await scene.settle(pilot)
        assert "sudo" in hands.text.splitlines()[-2]
        await hands.run("id -u")
        assert hands.newest.spec.elevate == Elevate()
        assert hands.output == ["0"]
        assert "sudo $ id -u" in hands.text
        await pilot.press("alt+o", "f8")
        await hands.run("id -un")
        assert hands.output == ["deploy"]


async def test_what_makes_no_sense_is_said_where_it_stands(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        await at_panel(scene, pilot)
        await pilot.press("down", *"mara", "ctrl+s")
        assert "Choose sudo or su" in shown(pilot)
        await pilot.press("down", *["backspace"] * 4, "down", *"soon", "ctrl+s")
        assert "A number of seconds" in shown(pilot)
        await pilot.press(*["backspace"] * 4, *"9", "down", *"x", "ctrl+s")
        assert "A number up to 100" in shown(pilot)
        await pilot.press("backspace", *"2", "down", "down", *"klingon", "ctrl+s")
        assert "no encoding" in shown(pilot)
        await pilot.press(*["backspace"] * 7, *"latin-1", "ctrl+s")
        await scene.settle(pilot)
        assert "limit 9.0 s, retry 2, iso8859-1" in shown(pilot)


async def test_several_lines_run_in_turn_and_stop_at_the_first_failure(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        before = len(scene.app.services.commands.all())

        def commands() -> Sequence[RunningCommand]:
            return scene.app.services.commands.all()[before:]

        await pilot.press(*"true", "alt+enter", *"false", "alt+enter")
        assert "after 2 lines" in hands.text
        hands.line.value = "echo no"
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: all(c.outcome for c in commands()) and len(commands()) == 2)
        await scene.settle(pilot)
        assert [command.spec.command for command in commands()] == [b"true", b"false"]
        assert hands.line.before == ()


async def test_pasted_lines_are_several_commands_and_can_be_taken_back(demo_app: DemoApp) -> None:
    async with demo_app((120, 36)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive()
        hands.line.post_message(events.Paste("echo a\n\n  echo b\necho c\n"))
        await pilot.pause()
        assert (hands.line.before, hands.line.value) == (("echo a", "echo b"), "echo c")
        await pilot.press(*["backspace"] * 7)
        assert (hands.line.before, hands.line.value) == (("echo a",), "echo b")


async def test_what_may_wreck_the_host_is_asked_about_and_named(own_home: Path) -> None:
    scene = Scene(own_home, agreed=False)
    async with scene.app.run_test(size=(120, 36)) as pilot:
        await scene.settle(pilot)
        hands = await Hands(scene, pilot).arrive()
        hands.line.value = "cd /tmp && sudo rm -rf /usr"
        await pilot.press("enter")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ConfirmPrompt))
        assert "'rm -rf /usr' removes all of /usr" in hands.text
        await pilot.press("escape")
        await scene.finish_work(pilot)
        assert hands.newest.outcome.error.code is Code.COMMAND_DANGEROUS


def test_what_became_of_several_commands_is_summed_up() -> None:
    spec = CommandSpec(b"make test")
    well, badly = (CommandOutcome(ExitReport(status), None, 1.0, 0, 0) for status in (0, 1))
    done, failed, left = Step(spec, well, 1), Step(spec, badly, 2), Step(spec, None, 0)
    assert summary([done, failed, left]) == "1 of 3 commands succeeded; 'make test' failed, 1 was not begun."
    assert summary([done, done]) == "2 of 2 commands succeeded."
    assert summary([failed]) == "The command failed at attempt 2."


def test_the_words_beside_the_line_name_what_is_unusual() -> None:
    assert HowToRun().words == ()
    how = HowToRun(Elevate(user="mara"), 10, 3, keep_going=True, encoding="koi8-r")
    assert how.words == ("sudo as mara", "limit 10 s", "retry 3", "keep going", "koi8-r")
    assert how.spec("привет", None).command == "привет".encode("koi8-r")


async def test_what_is_typed_while_a_password_is_checked_is_no_command(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        hands = await Hands(scene, pilot).arrive("web-1")
        field = hands.line
        checking = True
        field.checking = lambda: checking
        await pilot.press(*"secret", "enter")
        field.post_message(events.Paste("secret\nsecret"))
        await scene.settle(pilot)
        assert (field.value, field.before) == ("", ())
        assert any("still being checked" in toast.message for toast in scene.app._notifications)
        checking = False
        await pilot.press(*"id")
        assert field.value == "id"
