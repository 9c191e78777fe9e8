"""Keys that arrive together take effect in the order in which they were pressed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

import tui
from backend.connection.interaction import SecretKind, SecretRequest
from tests.tui.conftest import FakeApp, settled, workbench
from tui.prompts.base import SecretInput
from tui.prompts.secret import SecretPrompt
from tui.widgets.command_field import CommandLine
from tui.widgets.text_line import TextLine


class Typing(App[None]):
    """One command line, and what was handed over."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[str] = []

    def compose(self) -> ComposeResult:
        yield CommandLine()

    def on_command_line_submitted(self, message: CommandLine.Submitted) -> None:
        self.submitted.append(message.lines[0])


async def at_once(pilot: Pilot[Any], *keys: str) -> None:
    """Press `keys` without waiting in between."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()
    await pilot.pause()


async def test_a_letter_after_backspace_is_not_taken_away() -> None:
    async with Typing().run_test() as pilot:
        await at_once(pilot, "l", "x", "backspace", "s")
        assert pilot.app.query_one(TextLine).value == "ls"


async def test_a_line_that_is_cleared_takes_what_follows() -> None:
    async with Typing().run_test() as pilot:
        await at_once(pilot, "x", "y", "ctrl+u", "l", "s")
        assert pilot.app.query_one(TextLine).value == "ls"


async def test_two_commands_in_one_go_are_two_commands() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        await at_once(pilot, *"ls", "enter", *"pwd", "enter", "d")
        assert app.submitted == ["ls", "pwd"]
        assert app.query_one(TextLine).value == "d"


async def test_what_was_typed_before_comes_back_in_between() -> None:
    app = Typing()
    async with app.run_test() as pilot:
        await at_once(pilot, *"ls", "enter", "up", "a", "enter")
        assert app.submitted == ["ls", "lsa"]


async def test_a_key_that_means_nothing_here_goes_up_to_the_screen() -> None:
    async with Typing().run_test() as pilot:
        heard: list[str] = []
        pilot.app.bind("f9", "heard", description="")
        pilot.app.action_heard = lambda: heard.append("f9")  # type: ignore[attr-defined]
        await at_once(pilot, "f9")
        assert heard == ["f9"]


async def test_a_secret_is_what_stood_there_when_enter_was_pressed(fake_app: FakeApp) -> None:
    async with fake_app() as pilot:
        answers: list[Any] = []
        prompt = SecretPrompt(SecretRequest(SecretKind.PASSWORD, "web-1", "deploy"))
        workbench(pilot).push_screen(prompt, answers.append)
        await settled(pilot)
        assert isinstance(workbench(pilot).focused, SecretInput)
        await at_once(pilot, "x", "ctrl+u", *"demo", "enter", "x")
        await settled(pilot)
        assert [answer.reveal() for answer in answers] == ["demo"]


def test_no_line_of_the_workbench_is_of_textual_s_own_kind() -> None:
    modules = Path(tui.__file__).parent.rglob("*.py")
    others = [path.name for path in modules if re.search(r"\bInput\(|\(Input\):", path.read_text())]
    assert others == ["text_line.py"]


async def test_what_a_name_holds_for_the_terminal_does_not_reach_it() -> None:
    class Renaming(App[None]):
        def compose(self) -> ComposeResult:
            yield TextLine("\x1b[31mred\n\x07caf\udce9\u202egnp")

    async with Renaming().run_test() as pilot:
        line = pilot.app.query_one(TextLine)
        shown = line.render_line(0).text
        assert (
            shown.rstrip()
            == "\N{REPLACEMENT CHARACTER}[31mred \N{REPLACEMENT CHARACTER}caf"
            + 2 * ("\N{REPLACEMENT CHARACTER}")
            + "gnp"
        )
        await pilot.press("end", "x")
        assert line.value == "\x1b[31mred\n\x07caf\udce9\u202egnpx", "what is there stays as it is"


async def test_alt_and_a_letter_is_a_key_and_not_typed() -> None:
    """Terminals send ESC and the letter; Textual tells the letter as the key's character."""

    class Bound(Typing):
        BINDINGS = [("alt+q", "bound", "")]  # noqa: RUF012 - Textual's own kind
        pressed = 0

        def action_bound(self) -> None:
            self.pressed += 1

    app = Bound()
    async with app.run_test() as pilot:
        pilot.app.query_one(TextLine).focus()
        pilot.app.post_message(events.Key("alt+q", "q"))
        await pilot.pause()
        await pilot.pause()
        assert (app.pressed, pilot.app.query_one(TextLine).value) == (1, "")
