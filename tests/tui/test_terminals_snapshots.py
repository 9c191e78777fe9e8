"""Pictures of terminals in the demo world. Look at them before accepting a change."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from backend.commands.terminals.values import TerminalState
from screenshots.scene import Scene
from tests.tui.test_terminals import fed, opened, prompted

EDITOR = (
    b"\x1b[?1049h\x1b[H\x1b[33m  1 \x1b[m\x1b[38;5;75mdef\x1b[m \x1b[1mmain\x1b[m() -> \x1b[36mint\x1b[m:\r\n"
    b"\x1b[33m  2 \x1b[m    \x1b[38;2;120;180;90m# \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e, \xc3\xbc\x1b[m\r\n"
    b"\x1b[33m  3 \x1b[m    \x1b[4mreturn\x1b[m \x1b[7m0\x1b[m\r\n"
    b"\x1b[34m~\r\n~\r\n~\x1b[m\x1b[2;9H\x1b]2;vim deploy.py\x07"
)


async def arrive(scene: Scene, pilot: Pilot[Any]) -> None:
    await scene.settle(pilot)


def test_a_shell_and_an_editor_in_tabs(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def work(pilot: Pilot[Any]) -> None:
        await arrive(scene, pilot)
        shell = await opened(scene, pilot)
        await pilot.press("ctrl+right_square_bracket", "c")
        editor = await prompted(scene, pilot)
        await fed(scene, pilot, editor, EDITOR)
        await fed(scene, pilot, shell, b"\x07")
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=work)


def test_going_back_with_a_match(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await arrive(scene, pilot)
        terminal = await opened(scene, pilot, "db-2")
        await fed(scene, pilot, terminal, b"".join(b"request %d took %d ms\r\n" % (n, n * 7 % 50) for n in range(300)))
        await pilot.press("ctrl+right_square_bracket", "slash")
        await scene.settle(pilot)
        await pilot.press(*"request 21", "enter")
        await scene.settle(pilot)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=look)


def test_a_lost_link(scene: Scene, size: tuple[int, int], snap_compare: Any) -> None:
    async def lose(pilot: Pilot[Any]) -> None:
        await arrive(scene, pilot)
        terminal = await opened(scene, pilot)
        scene.cut("web-1")
        await scene.settle(pilot, until=lambda: terminal.state is TerminalState.LOST)
        await scene.picture(pilot)

    assert snap_compare(scene.app, terminal_size=size, run_before=lose)
