"""Terminals over a scripted link: what comes is on the screen, what is typed arrives in order, every end is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from backend.commands.terminals.engines import make_emulator
from backend.commands.terminals.service import TerminalService
from backend.commands.terminals.terminal import TERM, Terminal
from backend.commands.terminals.typed import LIMIT
from backend.commands.terminals.values import TerminalChanged, TerminalOutput, TerminalState
from backend.connection.connector import Link, PtySize
from backend.errors import AuthError, Code, FairleadError, LinkLost, SessionError
from backend.events import Event, EventBus
from mocks.clock import VirtualClock
from tests.support.scripted import ScriptedLink, ScriptedProcess, ScriptedSessions
from tests.support.waiting import no_tasks_left, until


class Bench:
    """A terminal service over one scripted link, with everything it says noted."""

    def __init__(self, reacts: Callable[[ScriptedProcess, str], object] | None = None) -> None:
        self.clock = VirtualClock()
        self.events: list[Event] = []
        self.asked: list[tuple[str, str]] = []
        self.refusal: FairleadError | None = None
        self.bus = EventBus()
        self.bus.subscribe(Event, self.events.append)
        self.link = ScriptedLink(lambda command: ScriptedProcess(reacts))
        self.over(self.link)

    def over(self, link: Link | FairleadError) -> None:
        self.sessions = ScriptedSessions(link)
        self.service = TerminalService(
            sessions=self.sessions.as_sessions(),
            bus=self.bus,
            clock=self.clock,
            permit=self._permit,
            make_emulator=make_emulator,
        )

    async def _permit(self, host: str, change: str) -> None:
        self.asked.append((host, change))
        if self.refusal is not None:
            raise self.refusal

    async def running(self, terminal: Terminal) -> ScriptedProcess:
        await until(lambda: terminal.state is TerminalState.RUNNING)
        return self.link.processes[-1]

    @property
    def states(self) -> list[TerminalState]:
        return [event.state for event in self.events if isinstance(event, TerminalChanged)]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with no_tasks_left():
        bench = Bench()
        yield bench
        await bench.service.close()


def line(terminal: Terminal, number: int) -> str:
    return "".join(run.text for run in terminal.emulator.row(number)).rstrip()


def history(terminal: Terminal) -> list[str]:
    rows = (terminal.emulator.history_row(number) for number in range(terminal.emulator.history))
    return ["".join(run.text for run in row).rstrip() for row in rows]


async def test_a_login_shell_on_a_pty_of_the_asked_size(bench: Bench) -> None:
    terminal = bench.service.open("web-1", columns=100, rows=30)
    process = await bench.running(terminal)
    pty = bench.link.ptys[0]
    assert pty is not None
    assert (bench.link.commands, pty.term, pty.size) == ([b""], TERM, PtySize(100, 30))
    process.say(b"deploy@web-1:~$ ")
    await until(lambda: line(terminal, 0) == "deploy@web-1:~$")
    assert terminal.emulator.cursor.column == 16
    assert terminal.fresh
    assert TerminalOutput("web-1", terminal.id) in bench.events


async def test_a_given_command_and_its_title(bench: Bench) -> None:
    terminal = bench.service.open("web-1", command=b"htop -d 5")
    process = await bench.running(terminal)
    assert bench.link.commands == [b"htop -d 5"]
    assert terminal.title == "htop -d 5"
    process.say(b"\x1b]0;load 0.7\x07")
    await until(lambda: terminal.title == "load 0.7")


async def test_what_is_typed_before_the_host_is_there_arrives_first(bench: Bench) -> None:
    bench.sessions.ready.clear()
    terminal = bench.service.open("web-1")
    assert all(terminal.type(b"%d" % number) for number in range(5))
    bench.sessions.ready.set()
    process = await bench.running(terminal)
    terminal.type(b"56789")
    await until(lambda: process.written == b"0123456789")


async def test_answers_to_a_program_s_questions_are_sent_between_the_keys(bench: Bench) -> None:
    terminal = bench.service.open("web-1")
    process = await bench.running(terminal)
    process.say(b"\x1b[6n")
    await until(lambda: process.written == b"\x1b[1;1R")
    terminal.type(b"x")
    await until(lambda: process.written == b"\x1b[1;1Rx")


async def test_more_than_can_be_sent_is_refused_whole(bench: Bench) -> None:
    bench.sessions.ready.clear()
    terminal = bench.service.open("web-1")
    assert terminal.type(b"x" * (LIMIT - 1))
    assert not terminal.type(b"yz")
    assert terminal.type(b"y")


@pytest.mark.parametrize(("status", "signal"), [(0, None), (7, None), (None, "HUP")], ids=["clean", "status", "signal"])
async def test_how_a_program_ended_is_told(bench: Bench, status: int | None, signal: str | None) -> None:
    terminal = bench.service.open("web-1")
    (await bench.running(terminal)).say(b"bye").end(status, signal)
    await terminal.wait()
    assert terminal.state is TerminalState.ENDED
    assert terminal.report is not None
    assert (terminal.report.status, terminal.report.signal, terminal.error) == (status, signal, None)
    assert line(terminal, 0) == "bye"
    assert not terminal.type(b"x")
    assert bench.states == [TerminalState.OPENING, TerminalState.RUNNING, TerminalState.ENDED]


async def test_a_lost_link_keeps_the_screen_and_another_shell_opens_under_it(bench: Bench) -> None:
    terminal = bench.service.open("web-1", columns=20, rows=4)
    process = await bench.running(terminal)
    process.say(b"\x1b[?1000h\x1b[?2004hone\r\ntwo").lose()
    await terminal.wait()
    assert terminal.state is TerminalState.LOST
    assert isinstance(terminal.error, LinkLost)
    assert [line(terminal, row) for row in range(4)] == ["one", "two", "", ""]
    assert not terminal.type(b"rm -rf build\r")

    bench.sessions.ready.clear()
    terminal.reopen()
    assert bench.states[-1] is TerminalState.OPENING
    bench.sessions.ready.set()
    second = await bench.running(terminal)
    assert second is not process
    second.say(b"$ ")
    await until(lambda: line(terminal, 0) == "$")
    assert history(terminal)[:2] == ["one", "two"]
    assert not second.written
    assert not terminal.emulator.modes.bracketed_paste
    assert terminal.emulator.modes.mouse.value == 0


async def test_a_channel_that_closes_without_a_word_is_a_loss(bench: Bench) -> None:
    terminal = bench.service.open("web-1")
    (await bench.running(terminal)).end(None)
    await terminal.wait()
    assert terminal.state is TerminalState.LOST
    assert terminal.error is not None
    assert terminal.error.code is Code.SERVER_ENDED


@pytest.mark.parametrize("failure", [AuthError(Code.AUTH_DENIED), SessionError(Code.SESSION_REFUSED)])
async def test_why_it_could_not_be_opened_is_kept(bench: Bench, failure: FairleadError) -> None:
    if isinstance(failure, AuthError):
        bench.over(failure)
    else:
        bench.link.refuses = failure
    terminal = bench.service.open("web-1")
    await terminal.wait()
    assert (terminal.state, terminal.ran) == (TerminalState.ENDED, False)
    assert terminal.error is not None
    assert (terminal.error.code, terminal.error.host) == (failure.code, "web-1")


async def test_a_production_host_is_asked_about_and_a_no_opens_nothing(bench: Bench) -> None:
    bench.refusal = FairleadError(Code.PRODUCTION_HOST, evidence={"why": "you did not agree"})
    terminal = bench.service.open("web-1")
    await terminal.wait()
    assert bench.asked == [("web-1", "Open a shell")]
    assert not bench.link.processes
    assert terminal.error is bench.refusal


async def test_a_resize_reaches_the_program_once(bench: Bench) -> None:
    bench.sessions.ready.clear()
    terminal = bench.service.open("web-1")
    bench.sessions.ready.set()
    process = await bench.running(terminal)
    terminal.resize(120, 40)
    terminal.resize(120, 40)
    assert process.sizes == [PtySize(120, 40)]
    assert (terminal.emulator.columns, terminal.emulator.rows) == (120, 40)


async def test_a_resize_while_it_opens_is_not_lost(bench: Bench) -> None:
    bench.sessions.ready.clear()
    terminal = bench.service.open("web-1")
    terminal.resize(120, 40)
    bench.sessions.ready.set()
    await bench.running(terminal)
    assert bench.link.ptys[0] is not None
    assert bench.link.ptys[0].size == PtySize(120, 40)


async def test_what_a_program_copies_and_its_bells(bench: Bench) -> None:
    terminal = bench.service.open("web-1")
    (await bench.running(terminal)).say(b"\x07\x1b]52;c;aGVsbG8=\x07\x07")
    await until(lambda: terminal.bells == 2)
    assert terminal.take_clipboard() == ("hello",)
    assert terminal.take_clipboard() == ()
    terminal.seen()
    assert (terminal.bells, terminal.fresh) == (0, False)


async def test_while_it_is_tapped_the_real_terminal_answers(bench: Bench) -> None:
    terminal = bench.service.open("web-1")
    process = await bench.running(terminal)
    heard: list[bytes] = []

    async def tap(data: bytes) -> None:
        heard.append(data)

    with terminal.tapped(tap):
        process.say(b"\x1b[6n\x1b]52;c;aGVsbG8=\x07\x07here")
        await until(lambda: line(terminal, 0) == "here")
    process.say(b"\x1b[6n")
    await until(lambda: bytes(process.written) == b"\x1b[1;5R")
    assert heard == [b"\x1b[6n\x1b]52;c;aGVsbG8=\x07\x07here"]
    assert (terminal.take_clipboard(), terminal.bells) == ((), 0)


async def test_closing_one_hangs_up_and_forgets_it(bench: Bench) -> None:
    first, second = bench.service.open("web-1"), bench.service.open("web-1")
    await until(lambda: bench.service.under_way == 2 and second.state is TerminalState.RUNNING)
    await bench.service.close_one(first)
    assert bench.service.all() == (second,)
    assert bench.service.find(first.id) is None
    assert [process.closed for process in bench.link.processes] == [True, False]
    assert bench.service.under_way == 1


async def test_the_end_of_the_program_hangs_up_all(bench: Bench) -> None:
    terminals = [bench.service.open("web-1") for _ in range(3)]
    await until(lambda: all(terminal.state is TerminalState.RUNNING for terminal in terminals))
    await bench.service.close()
    assert all(process.closed for process in bench.link.processes)
    assert bench.service.under_way == 0
