"""Terminals in the demo world: what the keys do, what the program gets, what is seen when something ends."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import TerminalState
from screenshots.scene import Scene
from tests.tui.conftest import DemoApp, shown
from tui.prompts.confirm import ConfirmPrompt
from tui.prompts.help import HelpPrompt
from tui.prompts.line import LinePrompt
from tui.screens.connections import ConnectionsScreen
from tui.screens.terminals import TerminalsScreen


def screen_of(scene: Scene) -> TerminalsScreen:
    assert isinstance(scene.app.front, TerminalsScreen)
    return scene.app.front


def shown_one(scene: Scene) -> Terminal:
    terminal = screen_of(scene).shown
    assert terminal is not None
    return terminal


async def opened(scene: Scene, pilot: Pilot[Any], host: str = "web-1") -> Terminal:
    """A shell on the host, at its prompt."""
    scene.app.host = host
    await pilot.press("ctrl+t")
    return await prompted(scene, pilot)


async def prompted(scene: Scene, pilot: Pilot[Any]) -> Terminal:
    await scene.settle(pilot, until=lambda: screen_text(shown_one(scene)).rstrip().endswith("$"))
    return shown_one(scene)


def screen_text(terminal: Terminal) -> str:
    rows = (terminal.emulator.row(number) for number in range(terminal.emulator.rows))
    return "\n".join("".join(run.text for run in row).rstrip() for row in rows)


async def fed(scene: Scene, pilot: Pilot[Any], terminal: Terminal, output: bytes) -> None:
    """As if the program had written `output`."""
    await terminal._slicer.feed(terminal.emulator, output, terminal._after_slice)
    terminal._pulse.stop()
    await scene.settle(pilot)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What programs are sent, in place of their getting it."""
    sent: list[bytes] = []

    def note(terminal: Terminal, data: bytes) -> bool:
        if data:
            sent.append(data)
        return True

    monkeypatch.setattr(Terminal, "type", note)
    return sent


async def test_ctrl_t_opens_a_shell_that_takes_what_is_typed(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        assert (terminal.emulator.columns, terminal.emulator.rows) == (80, 21)
        await pilot.press(*"hostname", "enter")
        await scene.settle(pilot, until=lambda: "\nweb-1 " in shown(pilot))


async def test_every_key_reaches_the_program(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app() as (scene, pilot):
        scene.app.host = "web-1"
        await pilot.press("ctrl+t")
        await scene.settle(pilot)
        await pilot.press(
            "ctrl+c", "ctrl+q", "ctrl+o", "f1", "ctrl+p", "tab", "shift+tab", "escape", "1", "alt+2", "ctrl+t"
        )
        assert typed == [
            b"\x03",
            b"\x11",
            b"\x0f",
            b"\x1bOP",
            b"\x10",
            b"\t",
            b"\x1b[Z",
            b"\x1b",
            b"1",
            b"\x1b2",
            b"\x14",
        ]
        assert isinstance(scene.app.screen, TerminalsScreen)


async def test_the_escape_key_twice_is_sent_once(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app() as (scene, pilot):
        scene.app.host = "web-1"
        await pilot.press("ctrl+t", "ctrl+right_square_bracket", "ctrl+right_square_bracket", "x")
        assert typed == [b"\x1d", b"x"]


async def test_tabs_of_all_hosts_are_gone_through(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        first = await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "c")
        second = await prompted(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "d")
        assert isinstance(scene.app.screen, ConnectionsScreen)
        other = await opened(scene, pilot, "db-2")
        assert scene.app.services.terminals.all() == (first, second, other)
        seen = []
        for key in ("n", "n", "p", "3", "2"):
            await pilot.press("ctrl+right_square_bracket", key)
            seen.append(shown_one(scene))
        assert seen == [first, second, first, other, second]
        assert scene.app.host == "web-1"
        assert all(f"{number} ● " in shown(pilot) for number in (1, 2, 3))


async def test_leaving_ends_nothing_and_ctrl_t_comes_back(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await pilot.press("3")
        terminal = await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "escape")
        assert scene.app.front is not None
        assert scene.app.front.NAME == "files"
        assert ">_ 1" in shown(pilot)
        await pilot.press("ctrl+t")
        await scene.settle(pilot)
        assert shown_one(scene) is terminal
        assert scene.app.services.terminals.all() == (terminal,)


async def test_the_workbench_s_own_keys_work_after_the_escape_key(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "f1")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, HelpPrompt)
        assert "^] z" in shown(pilot)
        await pilot.press("escape", "ctrl+right_square_bracket", "alt+2")
        assert scene.app.front is not None
        assert scene.app.front.NAME == "commands"


async def test_closing_asks_while_something_runs(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        terminal = await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "x")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, ConfirmPrompt)
        await pilot.press("n")
        assert terminal.state is TerminalState.RUNNING
        await pilot.press(*"exit", "enter")
        await scene.settle(pilot, until=lambda: terminal.state is TerminalState.ENDED)
        assert "✓ ended" in shown(pilot)
        await pilot.press("ctrl+right_square_bracket", "x")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ConnectionsScreen))
        assert scene.app.services.terminals.all() == ()


async def test_leaving_fairlead_asks_while_a_terminal_is_open(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "ctrl+q")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, ConfirmPrompt)
        assert "1 terminal would be stopped" in shown(pilot)


async def test_a_lost_link_is_said_and_a_shell_opens_again(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: terminal.state is TerminalState.LOST)
        assert "link lost; what ran may still run there" in shown(pilot)
        assert "deploy@web-1:~$" in shown(pilot)
        await pilot.press(*"rm -rf build", "enter")
        await pilot.press("ctrl+right_square_bracket", "r")
        await scene.settle(pilot, until=lambda: terminal.state is TerminalState.RUNNING)
        await prompted(scene, pilot)
        assert "rm -rf" not in shown(pilot)


async def test_why_none_could_be_opened_stands_in_its_place(own_home: Any) -> None:
    scene = Scene(own_home, agreed=False)
    async with scene.app.run_test(size=(80, 24)) as pilot:
        await scene.settle(pilot)
        scene.app.host = "web-1"
        await pilot.press("ctrl+t")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ConfirmPrompt))
        assert "Open a shell" in shown(pilot)
        await pilot.press("escape")
        await scene.settle(pilot, until=lambda: shown_one(scene).state is TerminalState.ENDED)
        assert "PRODUCTION_HOST" in shown(pilot)
        await pilot.press("x")
        await scene.settle(pilot, until=lambda: isinstance(scene.app.screen, ConnectionsScreen))


async def test_going_back_stays_where_it_is_until_a_key_is_typed(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        await fed(scene, pilot, terminal, b"".join(b"line %d\r\n" % number for number in range(200)))
        await pilot.press("shift+pageup", "shift+pageup")
        view = screen_of(scene).view
        assert view.below == 40
        top = shown(pilot).split("\n")[2]
        await fed(scene, pilot, terminal, b"more\r\n" * 7)
        assert shown(pilot).split("\n")[2] == top
        assert "+47 lines" in shown(pilot)
        await pilot.press("x")
        await scene.settle(pilot, until=lambda: "x" in screen_text(terminal).split("\n")[-1])
        assert view.below == 0
        assert "more" in shown(pilot)


async def test_the_wheel_goes_back_where_no_program_wants_it(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        view = screen_of(scene).view
        await fed(scene, pilot, terminal, b"line\r\n" * 100)
        wheel = events.MouseScrollUp(view, 5, 5, 0, 0, 0, shift=False, meta=False, ctrl=False)
        view.post_message(wheel)
        await pilot.pause()
        assert (view.below, typed) == (3, [])
        view.to_end()
        await fed(scene, pilot, terminal, b"\x1b[?1049h")
        view.post_message(events.MouseScrollUp(view, 5, 5, 0, 0, 0, shift=False, meta=False, ctrl=False))
        await pilot.pause()
        assert (view.below, typed) == (0, [b"\x1b[A" * 3])


async def test_a_text_is_found_and_gone_to(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        await fed(scene, pilot, terminal, b"".join(b"line %d\r\n" % number for number in range(500)))
        await pilot.press("ctrl+right_square_bracket", "slash")
        await scene.settle(pilot)
        assert isinstance(scene.app.screen, LinePrompt)
        await pilot.press(*"E 1", "enter")
        await scene.settle(pilot)
        assert any("Nothing here holds E 1" in toast.message for toast in scene.app._notifications)
        await pilot.press("slash")
        await scene.settle(pilot)
        await pilot.press(*"line 17", "enter")  # in the place of what was looked for before
        await scene.settle(pilot)
        assert "line 179" in shown(pilot)
        await pilot.press("n")
        await scene.settle(pilot)
        view = screen_of(scene).view
        assert view._finder is not None
        assert view._lines is not None
        assert view._lines.text(view._finder.at or 0) == "line 178"
        await pilot.press("escape")
        assert view.below == 0
        assert not view.reading


async def test_what_is_marked_with_the_mouse_is_copied(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        await fed(scene, pilot, terminal, b"\x1b[2J\x1b[Hone two-three\r\nfour")
        view = screen_of(scene).view
        await pilot.mouse_down(view, offset=(4, 0))
        await pilot.hover(view, offset=(2, 1))
        await pilot.mouse_up(view, offset=(2, 1))
        await pilot.pause()
        assert scene.app.clipboard == "two-three\nfou"
        await pilot.click(view, offset=(6, 0), times=2)
        assert scene.app.clipboard == "two-three"
        assert typed == []


async def test_clicks_go_to_a_program_that_wants_them_but_for_shift(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        await fed(scene, pilot, terminal, b"\x1b[2J\x1b[Hone two\x1b[?1002h\x1b[?1006h")
        view = screen_of(scene).view
        await pilot.mouse_down(view, offset=(4, 2))
        await pilot.hover(view, offset=(5, 2))
        await pilot.mouse_up(view, offset=(5, 2))
        assert typed == [b"\x1b[<0;5;3M", b"\x1b[<32;6;3M", b"\x1b[<0;6;3m"]
        typed.clear()
        await pilot.mouse_down(view, offset=(0, 0), shift=True)
        await pilot.hover(view, offset=(2, 0))
        await pilot.mouse_up(view, offset=(2, 0), shift=True)
        await pilot.pause()
        assert typed == []
        assert scene.app.clipboard == "one"


async def test_a_paste_is_marked_as_one_where_the_program_asks_for_it(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app() as (scene, pilot):
        terminal = await opened(scene, pilot)
        scene.app.post_message(events.Paste("a\nb"))
        await pilot.pause()
        await fed(scene, pilot, terminal, b"\x1b[?2004h")
        scene.app.post_message(events.Paste("c\x1b[201~\nd"))
        await pilot.pause()
        assert typed == [b"a\rb", b"\x1b[200~c[201~\rd\x1b[201~"]


async def test_the_focus_is_told_to_a_program_that_asks(demo_app: DemoApp, typed: list[bytes]) -> None:
    async with demo_app() as (scene, pilot):
        terminal = await opened(scene, pilot)
        await fed(scene, pilot, terminal, b"\x1b[?1004h")
        await pilot.press("ctrl+right_square_bracket", "slash")
        await scene.settle(pilot)
        await pilot.press("escape")
        await scene.settle(pilot)
        scene.app.app_focus = False
        await pilot.pause()
        assert typed == [b"\x1b[O", b"\x1b[I", b"\x1b[O"]


async def test_what_a_program_copies_reaches_the_clipboard_and_is_said(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        terminal = await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "d")
        await fed(scene, pilot, terminal, b"\x1b]52;c;aGVsbG8=\x07")
        assert scene.app.clipboard == "hello"
        assert any("copied 5 characters" in toast.message for toast in scene.app._notifications)


async def test_a_bell_and_new_output_are_marked_where_nobody_looks(demo_app: DemoApp) -> None:
    async with demo_app() as (scene, pilot):
        first = await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "c")
        second = await prompted(scene, pilot)
        await fed(scene, pilot, first, b"news")
        assert "1 ● web-1 shell +" in shown(pilot)
        await fed(scene, pilot, first, b"\x07")
        assert "1 ● web-1 shell ♪" in shown(pilot)
        await pilot.press("ctrl+right_square_bracket", "1")
        await scene.settle(pilot)
        assert not (first.fresh or first.bells or "♪" in shown(pilot))
        assert second.state is TerminalState.RUNNING


async def test_a_resize_of_the_window_reaches_the_terminal(demo_app: DemoApp) -> None:
    async with demo_app((80, 24)) as (scene, pilot):
        terminal = await opened(scene, pilot)
        await pilot.resize_terminal(100, 30)
        await scene.settle(pilot)
        assert (terminal.emulator.columns, terminal.emulator.rows) == (100, 27)


async def test_nothing_is_written_to_a_terminal_that_another_program_has(
    demo_app: DemoApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with demo_app() as (scene, pilot):
        terminal = await opened(scene, pilot)
        rung: list[bool] = []
        monkeypatch.setattr(scene.app, "bell", lambda: rung.append(True))
        scene.app.handed_over = True
        await fed(scene, pilot, terminal, b"\x07\x1b]52;c;aGVsbG8=\x07")
        assert (rung, scene.app.clipboard) == ([], "")
        scene.app.handed_over = False
        await fed(scene, pilot, terminal, b"\x07")
        assert (rung, scene.app.clipboard) == ([True], "hello")
