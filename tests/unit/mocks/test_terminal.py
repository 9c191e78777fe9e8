"""Typing at a simulated host: the line editor by itself, and a shell at its prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.connector import ExitReport, PtySize
from mocks.clock import VirtualClock
from mocks.shell.terminal import Complete, Echo, EndOfInput, Interrupt, Line, LineEditor
from tests.unit.mocks.shells import Screen, small_host


def typed(editor: LineEditor, keys: str) -> list[object]:
    """Everything but the echo."""
    return [event for event in editor.feed(keys.encode()) if not isinstance(event, Echo)]


def at_prompt() -> LineEditor:
    editor = LineEditor()
    editor.prompt("$ ")
    return editor


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("hello\r", "hello"),
        ("helo\x1b[Dl\r", "hello"),
        ("hellx\x7fo\r", "hello"),
        ("ello\x01h\r", "hello"),
        ("xhello\x01\x1b[3~\r", "hello"),
        ("hello world\x17\x7f\r", "hello"),
        ("nonsense\x15hello\r", "hello"),
        ("hello rest\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x0b\r", "hello"),
        ("\x7f\x7fhello\x1b[C\x1b[C\r", "hello"),
        ("h\x1bOD\x1bOC\x05ello\r", "hello"),
        ("héllo ☃\r", "héllo ☃"),
        ("hel\x00\x1flo\r", "hello"),
    ],
)
def test_keys_edit_the_line(keys: str, line: str) -> None:
    assert typed(at_prompt(), keys) == [Line(line)]


def test_earlier_lines_come_back() -> None:
    editor = at_prompt()
    for line in ("one", "two"):
        editor.remember(line)
    editor.prompt("$ ")
    assert typed(editor, "\x1b[A\x1b[A\r") == [Line("one")]
    editor.prompt("$ ")
    assert typed(editor, "\x1b[A\x1b[A\x1b[B\r") == [Line("two")]
    editor.prompt("$ ")
    assert typed(editor, "\x1b[A\x1b[B\x1b[Bnew\r") == [Line("new")]


def test_control_keys_are_told() -> None:
    assert typed(at_prompt(), "abc\x03") == [Interrupt()]
    assert typed(at_prompt(), "\x04") == [EndOfInput()]
    assert typed(at_prompt(), "abc\x04") == []
    assert typed(at_prompt(), "ls /ho\t") == [Complete("/ho")]


KEYS = [
    "a",
    "b",
    " ",
    "é",
    "\r",
    "\x7f",
    "\x15",
    "\x17",
    "\x03",
    "\x04",
    "\t",
    "\x01",
    "\x05",
    "\x1b[D",
    "\x1b[A",
    "\x1b[",
]


@given(st.lists(st.sampled_from(KEYS), max_size=30))
def test_it_does_not_matter_how_the_bytes_arrive(keys: list[str]) -> None:
    whole, single = at_prompt(), at_prompt()
    raw = "".join(keys).encode()
    at_once = list(whole.feed(raw))
    one_by_one = [event for position in range(len(raw)) for event in single.feed(raw[position : position + 1])]
    assert at_once == one_by_one


async def test_a_prompt_says_who_and_where() -> None:
    screen = Screen(small_host())
    assert await screen.until("$ ") == b"ada@box:~$ "
    await screen.type("cd /var/log\r")
    assert (await screen.until("$ ")).endswith(b"ada@box:/var/log$ ")
    await screen.process.close()


async def test_what_is_typed_is_echoed_and_run() -> None:
    screen = Screen(small_host())
    await screen.until("$ ")
    await screen.type("echo hi\r")
    assert await screen.until("$ ") == b"echo hi\r\nhi\r\nada@box:~$ "
    await screen.process.close()


async def test_the_message_of_the_day_comes_first_on_a_terminal() -> None:
    host = small_host()
    host.motd = "Welcome.\n"
    screen = Screen(host)
    assert await screen.until("$ ") == b"Welcome.\r\nada@box:~$ "
    await screen.process.close()


async def test_ctrl_c_ends_what_runs_and_not_the_shell() -> None:
    clock = VirtualClock(automatic=False)
    screen = Screen(small_host(clock))
    await screen.until("$ ")
    await screen.type("sleep 1000; echo never\r")
    await clock.advance(1)
    await screen.type("\x03")
    await screen.until("ada@box:~$ ")
    await screen.type("echo $?\r")
    assert b"130" in await screen.until("$ ")
    assert b"never" not in screen.shown.replace(b"echo never", b"")
    await screen.process.close()


async def test_ctrl_c_at_the_prompt_drops_the_line() -> None:
    screen = Screen(small_host())
    await screen.until("$ ")
    await screen.type("half a li\x03")
    assert await screen.until("$ ") == b"half a li^C\r\nada@box:~$ "
    await screen.process.close()


async def test_ctrl_d_leaves_with_the_last_status() -> None:
    screen = Screen(small_host())
    await screen.until("$ ")
    await screen.type("false\r")
    await screen.until("$ ")
    await screen.type("\x04")
    await screen.until("logout")
    assert await screen.process.wait() == ExitReport(1)
    await screen.process.close()


async def test_a_program_reads_lines_from_the_terminal() -> None:
    screen = Screen(small_host())
    await screen.until("$ ")
    await screen.type("cat\r")
    await screen.until("cat\r\n")
    await screen.type("to cat\r")
    assert await screen.until("to cat\r\nto cat\r\n")
    await screen.type("\x04")
    assert await screen.until("$ ")
    await screen.process.close()


async def test_tab_completes_files_and_commands() -> None:
    host = small_host()
    host.add_text("/home/ada/report-long-name.txt", "inside\n", owner="ada")
    screen = Screen(host)
    await screen.until("$ ")
    await screen.type("cat rep\t\r")
    assert b"inside" in await screen.until("ada@box:~$ ")
    await screen.type("hostn\t\r")
    assert b"box\r\n" in await screen.until("ada@box:~$ ")
    await screen.process.close()


async def test_a_new_size_is_known_at_once() -> None:
    screen = Screen(small_host())
    await screen.until("$ ")
    screen.process.resize(PtySize(132, 50))
    await screen.type("stty size; tput cols\r")
    assert b"50 132\r\n132\r\n" in await screen.until("ada@box:~$ ")
    await screen.process.close()


@pytest.mark.parametrize("signal", ["TERM", "KILL", "INT", "HUP"])
async def test_signals_end_a_command(signal: str) -> None:
    screen = Screen(small_host(VirtualClock(automatic=False)), b"sleep 1000")
    screen.process.send_signal(signal)
    assert await screen.process.wait() == ExitReport(None, signal)
    await screen.process.close()


async def test_other_signals_pass_unnoticed() -> None:
    screen = Screen(small_host(), b"sleep 5; echo slept")
    screen.process.send_signal("USR1")
    await screen.until("slept")
    assert await screen.process.wait() == ExitReport(0)
    await screen.process.close()


async def test_an_account_without_a_shell_is_told_so() -> None:
    host = small_host()
    host.users["ada"] = replace(host.users["ada"], shell="/usr/sbin/nologin")
    screen = Screen(host)
    await screen.until("not available")
    assert await screen.process.wait() == ExitReport(1)
    await screen.process.close()
