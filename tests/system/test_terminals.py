"""Programs that people use, in terminals of the service over a real server; tmux of the same size is the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from backend.clock import SystemClock
from backend.commands.terminals.emulator import MouseMode
from backend.commands.terminals.keys import key_bytes, paste_bytes
from backend.commands.terminals.mouse import Act, Button, MouseEvent, mouse_bytes
from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import TerminalState
from backend.connection.interaction import Nobody
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.errors import LinkLost
from mocks.relay import Relay
from tests.support.openssh import make_key, sshd, target
from tests.support.tiers import need_program
from tests.support.tmux import TmuxScreen, tmux_screen
from tests.support.transfer_world import OneHost

pytestmark = pytest.mark.sshd

COLUMNS, ROWS = 80, 24
PATIENCE = 30.0
LOCALE = "LC_ALL=C.UTF-8 TZ=UTC"
VIM = f"env {LOCALE} vim -u NONE -i NONE -N -n -c 'set nomore shortmess+=I'"


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Container]:
    async with hosted(tmp_path) as (container, _):
        yield container


@asynccontextmanager
async def hosted(root: Path) -> AsyncIterator[tuple[Container, Relay]]:
    """The services over a real server, behind a relay that can cut the way to it."""
    key = make_key(root / "key")
    async with AsyncExitStack() as stack:
        server = stack.enter_context(sshd(root / "sshd", "LogLevel INFO"))
        server.authorize(key)
        relay = await stack.enter_async_context(Relay("127.0.0.1", server.port))
        known = server.known_hosts(root / "known", f"[127.0.0.1]:{relay.port}")
        vault, clock = Vault(), SystemClock()
        container = await stack.enter_async_context(
            open_container(
                connector=SshConnector(vault=vault, clock=clock),
                book=OneHost(target(server.hop(keys=[key], known=known, port=relay.port))),
                interaction=Nobody(),
                state_dir=root / "state",
                vault=vault,
                clock=clock,
            )
        )
        yield container, relay


def rows_of(terminal: Terminal) -> list[str]:
    emulator = terminal.emulator
    return ["".join(run.text for run in emulator.row(number)).rstrip() for number in range(emulator.rows)]


async def comes(condition: Callable[[], bool], terminal: Terminal, beside: TmuxScreen | None = None) -> None:
    """Wait until `condition` holds; what is on the screens is told where it never does."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        other = "\n".join(beside.rows) if beside is not None else ""
        pytest.fail(
            f"it did not come about; {terminal.state}:\n" + "\n".join(rows_of(terminal)) + "\n-- tmux\n" + other
        )


async def ended(terminal: Terminal) -> None:
    await comes(lambda: terminal.state is TerminalState.ENDED, terminal)


class Pair:
    """One program twice: in a terminal of ours, and under tmux."""

    def __init__(self, ours: Terminal, theirs: TmuxScreen) -> None:
        self.ours = ours
        self.theirs = theirs

    async def agree(self, *words: str) -> None:
        """Both have come to show the same, `words` among it, with the cursor in the same place."""

        def equal() -> bool:
            rows = rows_of(self.ours)
            cursor = self.ours.emulator.cursor
            if not all(word in "\n".join(rows) for word in words) or rows != self.theirs.rows:
                return False
            return not cursor.visible or (cursor.column, cursor.row) == self.theirs.cursor

        await comes(equal, self.ours, self.theirs)

    def press(self, *keys: str) -> None:
        """Keys by Textual's names; texts in `<>` as they are. tmux translates its own."""
        for key in keys:
            ours = key[1:-1].encode() if key[0] == "<" else key_bytes(key, None, self.ours.emulator.modes)
            self.ours.type(ours)
            self.theirs.type(ours)

    def resize(self, columns: int, rows: int) -> None:
        self.ours.resize(columns, rows)
        self.theirs.resize(columns, rows)


@asynccontextmanager
async def pair(services: Container, command: str) -> AsyncIterator[Pair]:
    need_program(next(word for word in command.split()[1:] if "=" not in word))
    with tmux_screen(command, columns=COLUMNS, rows=ROWS) as theirs:
        yield Pair(services.terminals.open("server", command=command.encode(), columns=COLUMNS, rows=ROWS), theirs)


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    path = tmp_path / "poem"
    words = (
        "the quick brown fox",
        "日本語 and 한국어",
        "e\N{COMBINING ACUTE ACCENT}t\N{COMBINING ACUTE ACCENT}",
        "\ttabs",
    )
    path.write_text("".join(f"line {number} {words[number % 4]}\n" for number in range(1, 301)))
    return path


async def test_vim_is_typed_in_resized_pasted_into_and_split(services: Container, poem: Path) -> None:
    async with pair(services, f"{VIM} {poem}") as both:
        await both.agree("line 1 ", "300L")
        assert both.ours.emulator.modes.alternate
        both.press("<:set nu|120\r>")
        await both.agree("120 line 120")
        both.press("o", "<x日y>", "escape", "<:vsplit\r>")
        await both.agree("x日y")
        both.resize(100, 30)
        await both.agree("x日y")
        both.press("<:only|set paste\r>", "G", "o")
        await both.agree("INSERT (paste)")
        assert both.ours.emulator.modes.bracketed_paste
        both.ours.type(paste_bytes("one\n  two\nthree", both.ours.emulator.modes))
        both.theirs.paste("one\n  two\nthree")
        await both.agree("302 one\n303   two\n304 three")
        both.press("escape", "<:q!\r>")
        await ended(both.ours)
    assert (both.ours.state, both.ours.emulator.modes.alternate) == (TerminalState.ENDED, False)
    assert both.ours.report is not None
    assert both.ours.report.status == 0


async def test_vim_knows_where_the_mouse_was_and_what_is_marked(services: Container, poem: Path) -> None:
    need_program("vim")
    command = f"{VIM} -c 'set mouse=a ttymouse=sgr hlsearch' {poem}"
    terminal = services.terminals.open("server", command=command.encode())
    await comes(
        lambda: terminal.emulator.modes.mouse is not MouseMode.NONE and "300L" in rows_of(terminal)[-1], terminal
    )
    for act in (Act.PRESSED, Act.RELEASED):
        terminal.type(mouse_bytes(MouseEvent(act, Button.LEFT, 9, 4), terminal.emulator.modes))
    await comes(lambda: (terminal.emulator.cursor.column, terminal.emulator.cursor.row) == (9, 4), terminal)
    terminal.type(b"/fox\r")
    await comes(lambda: any(run.text == "fox" for run in terminal.emulator.row(7)), terminal)
    plain, marked = terminal.emulator.row(7)[:2]
    assert marked.look != plain.look
    terminal.type(b":syntax on|set ft=c\r:q!\r")
    await ended(terminal)


async def test_less_pages_and_searches(services: Container, poem: Path) -> None:
    async with pair(services, f"env {LOCALE} less -R {poem}") as both:
        await both.agree("line 1 ")
        both.press("space")
        await both.agree("line 40 ")
        both.press("</fox\r>")
        await comes(lambda: both.ours.emulator.row(0)[-1].look.reverse, both.ours)
        assert both.ours.emulator.row(0)[-1].text == "fox"
        await both.agree("line 24 ")
        both.press("end", "<G>")
        await both.agree("(END)")
        both.resize(60, 10)
        await both.agree("line 286 ")


async def test_nano_draws_its_help_and_takes_text(services: Container, tmp_path: Path) -> None:
    async with pair(services, f"env {LOCALE} nano --ignorercfiles {tmp_path / 'new'}") as both:
        await both.agree("^X", "New File")
        both.press("<one\rtwo 日本>", "up", "home", "<zero >", "down", "end")
        await both.agree("zero one", "two 日本")
        both.press("ctrl+x")
        await both.agree("Save modified buffer")
        both.press("ctrl+c", "f1")
        await both.agree("help")


async def test_dialog_draws_its_boxes_and_answers(services: Container) -> None:
    command = f"env {LOCALE} dialog --title Menu --menu choose 12 40 4 a apple b banana c cherry"
    async with pair(services, command) as both:
        await both.agree("apple", "┌", "┘")
        both.press("down", "down")
        await both.agree("cherry")
        backgrounds = {run.look.background for number in range(ROWS) for run in both.ours.emulator.row(number)}
        assert len(backgrounds - {None}) > 1
        both.press("tab", "enter")
        await ended(both.ours)
    assert both.ours.report is not None
    assert both.ours.report.status == 1  # the second button cancels


async def test_a_python_prompt_edits_its_lines(services: Container) -> None:
    async with pair(services, f"env {LOCALE} PYTHON_BASIC_REPL=1 PYTHONSTARTUP= /usr/bin/python3 -q") as both:
        await both.agree(">>>")
        both.press("<'ab' * 4\r>")
        await both.agree("'abababab'")
        both.press("up", "backspace", "<2>", "enter")
        await both.agree(">>> 'ab' * 2\n'abab'\n")
        both.press("<import time; time.sleep(60)\r>")
        await both.agree("sleep(60)")
        both.press("ctrl+c")
        await both.agree("KeyboardInterrupt")


async def test_watch_shows_what_changes(services: Container, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("first\n")
    async with pair(services, f"env {LOCALE} watch -t -n 0.2 cat {tmp_path / 'state'}") as both:
        await both.agree("first")
        (tmp_path / "state").write_text("second and longer\n" * 3)
        await both.agree("second and longer")
        (tmp_path / "state").write_text("third\n")
        await both.agree("third")


async def test_htop_draws_its_help_and_is_left_with_the_mouse(services: Container) -> None:
    async with pair(services, f"env {LOCALE} htop") as both:
        await comes(lambda: "F10Quit" in rows_of(both.ours)[-1] or "Quit" in rows_of(both.ours)[-1], both.ours)
        assert both.ours.emulator.modes.mouse is not MouseMode.NONE
        both.press("f1")
        await comes(lambda: "kernel threads" in "\n".join(rows_of(both.ours)), both.ours)
        await both.agree("Swap bar")
        both.press("q")
        await comes(lambda: "Quit" in rows_of(both.ours)[-1], both.ours)
        column = rows_of(both.ours)[-1].index("Quit") + 1
        for act in (Act.PRESSED, Act.RELEASED):
            both.ours.type(mouse_bytes(MouseEvent(act, Button.LEFT, column, ROWS - 1), both.ours.emulator.modes))
        await ended(both.ours)
    assert both.ours.report is not None
    assert both.ours.report.status == 0


async def test_tmux_runs_inside(services: Container, tmp_path: Path) -> None:
    need_program("tmux")
    (tmp_path / "conf").write_text("set -g assume-paste-time 0\n")  # else what comes at once counts as pasted
    call = f"env {LOCALE} TMUX= TMUX_TMPDIR={tmp_path} tmux -f {tmp_path / 'conf'}"
    terminal = services.terminals.open("server", command=f"{call} new-session 'PS1=ready: exec sh'".encode())
    await comes(lambda: "ready:" in rows_of(terminal)[0] and "[0]" in rows_of(terminal)[-1], terminal)
    terminal.type(b"\x02%")
    await comes(lambda: sum(row[40:41] == "│" for row in rows_of(terminal)) == ROWS - 1, terminal)
    terminal.resize(100, 30)
    await comes(lambda: "[0]" in rows_of(terminal)[-1] and len(rows_of(terminal)[-1]) > COLUMNS, terminal)
    terminal.type(b"\x02:")
    await comes(lambda: rows_of(terminal)[-1] == ":", terminal)
    terminal.type(b"kill-server\r")
    await ended(terminal)


async def test_colours_arrive_as_they_were_sent(services: Container) -> None:
    script = rb"printf '\033[38;5;202mA\033[48;2;1;2;3mB\033[0;1;3;9;93mC\033[m\n'; sleep 60"
    terminal = services.terminals.open("server", command=script)
    await comes(lambda: rows_of(terminal)[0] == "ABC", terminal)
    first, second, third = (run.look for run in terminal.emulator.row(0))
    assert (first.foreground, first.background) == (202, None)
    assert (second.foreground, second.background) == (202, (1, 2, 3))
    assert (third.foreground, third.bold, third.italic, third.strike) == (11, True, True, True)


async def test_a_cut_link_keeps_the_screen_and_a_shell_opens_again(tmp_path: Path) -> None:
    async with hosted(tmp_path) as (services, relay):
        terminal = services.terminals.open("server", command=b"echo before the cut; exec cat")
        await comes(lambda: rows_of(terminal)[0] == "before the cut", terminal)
        relay.cut()
        await terminal.wait()
        assert terminal.state is TerminalState.LOST
        assert isinstance(terminal.error, LinkLost)
        assert rows_of(terminal)[0] == "before the cut"
        assert not terminal.type(b"lost\r")
        services.sessions.get("server").retry_now()
        terminal.reopen()
        await comes(lambda: rows_of(terminal)[0] == "before the cut", terminal)
        terminal.type(b"after\r")
        await comes(lambda: rows_of(terminal)[1:3] == ["after", "after"], terminal)
        assert "lost" not in "\n".join(rows_of(terminal))


async def test_the_end_of_the_service_hangs_up(services: Container, tmp_path: Path) -> None:
    command = f"trap 'echo hung up > {tmp_path / 'told'}; exit' HUP; echo ready; while :; do sleep 0.1; done"
    terminal = services.terminals.open("server", command=command.encode())
    await comes(lambda: rows_of(terminal)[0] == "ready", terminal)
    await services.terminals.close_one(terminal)
    await comes((tmp_path / "told").exists, terminal)
    assert services.terminals.all() == ()
