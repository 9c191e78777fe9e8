"""Commands end with a truth: a status, a signal, or an error that says what is not known. Time is virtual here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from backend.commands.elevation.elevation import Elevation
from backend.commands.executor import (
    CommandChanged,
    CommandOutput,
    CommandService,
    CommandSpec,
    CommandState,
    RunningCommand,
)
from backend.commands.opening import ElevationOf
from backend.commands.policy.guard import admits_all
from backend.commands.values import Elevate
from backend.connection.connector import Chunk, Link, PtyRequest, StdStream
from backend.errors import (
    AuthError,
    Code,
    FairleadError,
    FileError,
    Interrupted,
    LinkLost,
    SessionError,
    TimeLimitError,
)
from backend.events import Event, EventBus
from backend.production.guard import never_asks
from mocks.clock import VirtualClock
from tests.support.scripted import ScriptedLink, ScriptedProcess, ScriptedSessions, nobody_else
from tests.support.waiting import no_tasks_left, until

Script = Callable[[ScriptedProcess], object]


class Bench:
    """A command service over one scripted link, with everything it says noted."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        reacts: Callable[[ScriptedProcess, str], object] | None = None,
        elevation: ElevationOf = nobody_else,
    ):
        self.elevation = elevation
        self.clock = VirtualClock()
        self.events: list[Event] = []
        self.bus = EventBus()
        self.bus.subscribe(Event, self.events.append)
        self.link = ScriptedLink(lambda command: self._make(script, reacts))
        self.over(self.link)

    def over(self, link: Link | FairleadError) -> None:
        self.sessions = ScriptedSessions(link)
        self.service = CommandService(
            sessions=self.sessions.as_sessions(),
            bus=self.bus,
            clock=self.clock,
            admit=admits_all,
            permit=never_asks,
            elevation=self.elevation,
        )

    def _make(self, script: Script | None, reacts: Callable[[ScriptedProcess, str], object] | None) -> ScriptedProcess:
        process = ScriptedProcess(reacts)
        if script is not None:
            script(process)
        return process

    def start(self, command: bytes = b"make", **spec: object) -> RunningCommand:
        return self.service.start("web-1", CommandSpec(command, **spec))  # type: ignore[arg-type]

    async def running(self, command: RunningCommand) -> ScriptedProcess:
        await until(lambda: command.state is CommandState.RUNNING)
        return self.link.processes[-1]

    @property
    def states(self) -> list[CommandState]:
        return [event.state for event in self.events if isinstance(event, CommandChanged)]


@pytest.fixture(autouse=True)
async def nothing_goes_on() -> AsyncIterator[None]:
    async with no_tasks_left():
        yield


def ends_on(*words: str) -> Callable[[ScriptedProcess, str], object]:
    """A process that ends by the signal (or what is typed) when it is one of `words`."""

    def reacts(process: ScriptedProcess, word: str) -> None:
        if word in words:
            process.end(None, word)

    return reacts


async def test_both_streams_the_status_and_the_counts_are_told() -> None:
    bench = Bench(lambda p: p.say(b"out\n").say(b"err\n", StdStream.ERR).say(b"more\n").end(3))
    heard: list[Chunk] = []
    outcome = await bench.service.run("web-1", CommandSpec(b"make"), heard.append)
    assert outcome.exit is not None
    assert (outcome.exit.status, outcome.error, outcome.succeeded) == (3, None, False)
    assert (outcome.bytes_out, outcome.bytes_err) == (9, 4)
    assert [chunk.data for chunk in heard] == [b"out\n", b"err\n", b"more\n"]
    assert bench.link.commands == [b"make"]
    assert bench.states == [CommandState.STARTING, CommandState.RUNNING, CommandState.ENDED]


async def test_a_signal_is_told_as_such() -> None:
    bench = Bench(lambda p: p.end(None, "SEGV"))
    outcome = await bench.start().wait()
    assert outcome.exit is not None
    assert outcome.exit.signal == "SEGV"
    assert not outcome.succeeded


async def test_a_lost_link_is_an_error_and_keeps_what_was_received() -> None:
    bench = Bench(lambda p: p.say(b"half a li").lose())
    command = bench.start()
    outcome = await command.wait()
    assert isinstance(outcome.error, LinkLost)
    assert outcome.exit is None
    assert command.output.text() == b"half a li"


async def test_a_channel_that_closes_without_a_word_is_no_success() -> None:
    bench = Bench(lambda p: p.say(b"all of it?\n").end(None))
    outcome = await bench.start().wait()
    assert isinstance(outcome.error, LinkLost)
    assert outcome.error.code is Code.SERVER_ENDED
    assert not outcome.succeeded


async def test_without_a_connection_the_outcome_says_why() -> None:
    bench = Bench()
    bench.over(AuthError(Code.AUTH_DENIED, host="web-1"))
    outcome = await bench.start().wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.AUTH_DENIED


async def test_a_refused_session_is_the_outcome() -> None:
    bench = Bench()
    bench.link.refuses = SessionError(Code.SESSION_REFUSED, evidence={"reason": "MaxSessions"})
    outcome = await bench.start().wait()
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.host) == (Code.SESSION_REFUSED, "web-1")


async def test_stdin_is_sent_whole_and_then_ended() -> None:
    bench = Bench()
    command = bench.start(stdin=b"input")
    process = await bench.running(command)
    await until(lambda: process.ended_input)
    assert process.written == b"input"
    process.end(0)
    assert (await command.wait()).succeeded


async def test_a_terminal_gets_its_own_end_of_input_and_none_when_nothing_is_sent() -> None:
    bench = Bench()
    given = bench.start(stdin=b"input\n", pty=PtyRequest())
    process = await bench.running(given)
    await until(lambda: process.written.endswith(b"\x04"))
    process.end(0)
    await given.wait()
    silent = bench.start(pty=PtyRequest())
    process = await bench.running(silent)
    process.end(0)
    await silent.wait()
    assert process.written == b""
    assert not process.ended_input


async def pieces(*parts: bytes | OSError) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, OSError):
            raise part
        yield part


async def test_input_that_comes_piece_by_piece_is_passed_on_and_then_ended() -> None:
    bench = Bench()
    command = bench.start(stdin=b"one ", stdin_stream=pieces(b"two ", b"three"))
    process = await bench.running(command)
    await until(lambda: process.ended_input)
    assert process.written == b"one two three"
    process.end(0)
    assert (await command.wait()).succeeded


async def test_input_that_cannot_be_read_stops_the_command_before_it_takes_a_part_for_the_whole() -> None:
    bench = Bench(reacts=lambda p, word: p.end(None, word) if word == "TERM" else None)
    command = bench.start(stdin_stream=pieces(b"half", OSError(5, "Input/output error")))
    outcome = await command.wait()
    assert isinstance(outcome.error, FileError)
    assert "Input/output error" in outcome.error.message
    assert outcome.error.evidence["remote"] == "ended"
    assert not bench.link.processes[0].ended_input


async def test_a_slow_taker_holds_the_reading_back() -> None:
    bench = Bench(lambda p: p.say(b"one").say(b"two").end(0))
    room = asyncio.Event()
    heard: list[bytes] = []

    async def take(chunk: Chunk) -> None:
        heard.append(chunk.data)
        await room.wait()

    command = bench.service.start("web-1", CommandSpec(b"make", keep_output=False), take)
    await until(lambda: bool(heard))
    await bench.clock.sleep(1)
    assert heard == [b"one"]
    room.set()
    outcome = await command.wait()
    assert heard == [b"one", b"two"]
    assert (outcome.bytes_out, command.output.end) == (6, 0)


async def test_a_command_whose_output_nobody_takes_can_still_be_cancelled() -> None:
    bench = Bench(lambda p: p.say(b"one"), reacts=ends_on("TERM"))

    async def never(chunk: Chunk) -> None:
        await asyncio.Event().wait()

    command = bench.service.start("web-1", CommandSpec(b"make"), never)
    await bench.running(command)
    assert isinstance((await command.cancel()).error, Interrupted)


async def test_directory_and_environment_are_wrapped_round_the_command() -> None:
    bench = Bench(lambda p: p.end(0))
    await bench.start(b"make", cwd=b"/srv", env={"CI": "1"}).wait()
    assert bench.link.commands[0].startswith(b"exec sh -c ")
    assert b"/srv" in bench.link.commands[0]


async def test_a_bad_name_in_the_environment_is_told_before_anything_runs() -> None:
    bench = Bench()
    outcome = await bench.start(env={"A B": "1"}).wait()
    assert outcome.error is not None
    assert outcome.error.code is Code.USAGE
    assert bench.link.commands == []


@pytest.mark.parametrize(("dies_of", "signals", "seconds"), [("TERM", ["TERM"], 5.0), ("KILL", ["TERM", "KILL"], 7.0)])
async def test_the_time_limit_asks_then_insists_and_says_that_it_ended(
    dies_of: str, signals: list[str], seconds: float
) -> None:
    bench = Bench(reacts=ends_on(dies_of))
    command = bench.start(time_limit=5.0)
    outcome = await command.wait()
    assert isinstance(outcome.error, TimeLimitError)
    assert outcome.error.evidence["remote"] == "ended"
    assert outcome.error.evidence["exit"] == f"signal {dies_of}"
    assert outcome.error.evidence["seconds"] == "5"
    assert outcome.exit is None
    assert bench.link.processes[0].signals == signals
    assert outcome.seconds == pytest.approx(seconds)


async def test_a_process_that_does_not_confirm_is_let_go_and_called_unknown() -> None:
    bench = Bench()
    command = bench.start(time_limit=5.0)
    outcome = await command.wait()
    assert outcome.error is not None
    assert outcome.error.evidence["remote"] == "unknown: it did not confirm"
    assert "unknown: it did not confirm" in outcome.error.advice[0].text
    assert outcome.seconds == pytest.approx(9.0)
    assert bench.link.processes[0].closed


async def test_the_time_to_connect_is_not_the_commands() -> None:
    bench = Bench(lambda p: p.end(0))
    bench.sessions.ready.clear()
    command = bench.start(time_limit=1.0)
    await bench.clock.sleep(30)
    assert command.state is CommandState.STARTING
    bench.sessions.ready.set()
    outcome = await command.wait()
    assert outcome.succeeded
    assert outcome.seconds < 1.0


async def test_cancelling_is_told_as_interrupted_with_all_that_was_said_until_then() -> None:
    bench = Bench(lambda p: p.say(b"working\n"), reacts=lambda p, word: p.say(b"bye\n").end(143))
    command = bench.start()
    await bench.running(command)
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "ended"
    assert command.output.text() == b"working\nbye\n"
    assert bench.states[-2:] == [CommandState.CANCELLING, CommandState.ENDED]


async def test_a_child_that_holds_the_stream_does_not_hide_that_the_process_ended() -> None:
    bench = Bench(reacts=lambda p, word: p.exit(None, "TERM"))
    command = bench.start()
    await bench.running(command)
    outcome = await command.cancel()
    assert outcome.error is not None
    assert outcome.error.evidence["remote"] == "ended"


async def test_with_a_terminal_cancelling_presses_interrupt_first() -> None:
    bench = Bench(reacts=ends_on("\x03"))
    command = bench.start(pty=PtyRequest())
    process = await bench.running(command)
    outcome = await command.cancel()
    assert process.written == b"\x03"
    assert outcome.error is not None
    assert outcome.error.evidence["remote"] == "ended"


async def test_cancelling_before_it_started_says_so() -> None:
    bench = Bench()
    bench.sessions.ready.clear()
    command = bench.start()
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "not started"
    assert bench.link.commands == []


def answers_late(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """The host is asked to start something (the first event), and answers when the second is set."""
    asked, answer = asyncio.Event(), asyncio.Event()
    opens = bench.link.open_process

    async def opening(*given: Any, **more: Any) -> Any:
        process = await opens(*given, **more)
        asked.set()
        await answer.wait()
        return process

    monkeypatch.setattr(bench.link, "open_process", opening)
    return asked, answer


async def test_what_was_asked_for_and_starts_while_it_is_cancelled_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(reacts=ends_on("TERM"))
    asked, answer = answers_late(bench, monkeypatch)
    command = bench.start()
    await asked.wait()
    command.stop()
    await asyncio.sleep(0)
    answer.set()
    outcome = await command.wait()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "ended"


async def test_what_was_asked_for_and_is_not_answered_may_have_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.commands.running._ANSWER", 0.01)
    bench = Bench()
    asked, _ = answers_late(bench, monkeypatch)
    command = bench.start()
    await asked.wait()
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "unknown: it may have been started"


class Gatekeeper:
    """Another user's shell that lets a command begin when it is told to, and never says more."""

    def __init__(self) -> None:
        self.asked, self.lets, self.begun = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def open_command(self, *given: Any, begins: Callable[[], None], **more: Any) -> Any:
        self.asked.set()
        await self.lets.wait()
        begins()
        self.begun.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(("lets", "told"), [(False, "not started"), (True, "unknown: it may have been started")])
async def test_as_another_user_it_may_have_started_from_the_moment_on_in_which_it_was_let(
    lets: bool, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.commands.running._ANSWER", 0.01)
    keeper = Gatekeeper()
    bench = Bench(elevation=lambda host: cast(Elevation, keeper))
    command = bench.start(elevate=Elevate())
    await keeper.asked.wait()
    if lets:
        keeper.lets.set()
        await keeper.begun.wait()
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == told


async def test_a_link_that_goes_while_cancelling_leaves_the_end_unknown() -> None:
    bench = Bench(reacts=lambda p, word: p.lose())
    command = bench.start()
    await bench.running(command)
    outcome = await command.cancel()
    assert isinstance(outcome.error, Interrupted)
    assert outcome.error.evidence["remote"] == "unknown: the connection was lost"


async def test_cancelling_twice_or_after_the_end_changes_nothing() -> None:
    bench = Bench(lambda p: p.end(0))
    command = bench.start()
    outcome = await command.wait()
    assert await command.cancel() is outcome
    assert outcome.succeeded


async def test_giving_up_the_wait_does_not_stop_the_command() -> None:
    bench = Bench()
    command = bench.start()
    process = await bench.running(command)
    waiting = asyncio.create_task(command.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    process.end(0)
    assert (await command.wait()).succeeded


async def test_cancelling_run_cancels_the_command() -> None:
    bench = Bench(reacts=ends_on("TERM"))
    run = asyncio.create_task(bench.service.run("web-1", CommandSpec(b"make")))
    await until(lambda: bool(bench.link.processes))
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    (command,) = bench.service.all()
    assert isinstance((await command.wait()).error, Interrupted)


async def test_a_flood_of_chunks_is_told_sixty_times_a_second_and_its_end_is_never_missed() -> None:
    bench = Bench()
    command = bench.start()
    process = await bench.running(command)
    for tenth in range(10):
        for number in range(100):
            process.say(b"%d\n" % number)
        await until(lambda tenth=tenth: command.output.end == 100 * (tenth + 1))  # type: ignore[misc]
        await bench.clock.sleep(0.1)
    told = [event for event in bench.events if isinstance(event, CommandOutput)]
    assert 10 <= len(told) <= 20
    process.say(b"last").end(0)
    await command.wait()
    assert isinstance(bench.events[-2], CommandOutput)
    assert isinstance(bench.events[-1], CommandChanged)


async def test_a_listener_that_fails_becomes_an_error_of_ours_and_the_process_is_closed() -> None:
    bench = Bench(lambda p: p.say(b"x").end(0))

    def broken(chunk: Chunk) -> None:
        raise ZeroDivisionError

    outcome = await bench.service.run("web-1", CommandSpec(b"make"), broken)
    assert outcome.error is not None
    assert outcome.error.code is Code.INTERNAL
    assert bench.link.processes[0].closed


async def test_the_service_keeps_what_runs_and_the_last_hundred() -> None:
    bench = Bench()
    first = bench.start()
    await bench.running(first)
    for _ in range(105):
        command = bench.start()
        (await bench.running(command)).end(0)
        await command.wait()
    kept = bench.service.all()
    assert len(kept) == 101
    assert kept[0] is first
    bench.link.processes[0].end(0)
    await first.wait()
    assert len({command.id for command in kept}) == 101


async def test_what_ended_commands_said_is_bounded_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.commands.executor._ENDED_BYTES", 1000)
    bench = Bench(lambda p: p.say(b"x" * 400).end(0))
    for _ in range(5):
        await bench.start().wait()
    assert [command.output.size for command in bench.service.all()] == [400, 400]


async def test_closing_the_service_stops_everything_within_its_bound() -> None:
    bench = Bench(reacts=ends_on("KILL"))
    commands = [bench.start() for _ in range(3)]
    for command in commands:
        await until(lambda command=command: command.state is CommandState.RUNNING)  # type: ignore[misc]
    await bench.service.close()
    assert [command.outcome is not None for command in commands] == [True] * 3


async def test_closing_lets_go_of_a_command_whose_time_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.commands.executor._CLOSE_LIMIT", 0.05)
    bench = Bench()
    bench.clock = VirtualClock(automatic=False)
    bench.over(bench.link)
    command = bench.start()
    await bench.running(command)
    await bench.service.close()
    assert command.outcome is not None
    assert command.outcome.error is not None
    assert command.outcome.error.evidence["remote"].startswith("unknown")
    assert bench.link.processes[0].closed


async def test_the_whole_output_goes_to_a_private_file_when_asked(tmp_path: Path) -> None:
    bench = Bench(lambda p: p.say(b"10%\r").say(b"warn\n", StdStream.ERR).say(b"100%\n").end(0))
    bench.clock = VirtualClock(grace=0.01)
    bench.over(bench.link)
    command = bench.start(save_to=tmp_path / "out")
    assert (await command.wait()).succeeded
    assert (tmp_path / "out").read_bytes() == b"10%\rwarn\n100%\n"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    assert command.save_error is None


async def test_a_file_that_is_there_is_not_written_over_and_the_command_goes_on(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    bench = Bench(lambda p: p.say(b"x\n").end(0))
    command = bench.start(save_to=tmp_path / "out")
    assert (await command.wait()).succeeded
    assert (tmp_path / "out").read_text() == "precious"
    assert command.save_error is not None
    assert command.save_error.code is Code.EXISTS


async def test_a_full_disk_is_told_and_the_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.commands.saving._create", lambda path: Path("/dev/full").open("wb"))  # noqa: SIM115
    bench = Bench(lambda p: p.say(b"x\n" * 10_000).say(b"more\n").end(0))
    command = bench.start(save_to=tmp_path / "out")
    assert (await command.wait()).succeeded
    assert command.save_error is not None
    assert command.save_error.code is Code.DISK_FULL
    assert command.output.end == 10_001


async def test_saving_later_writes_what_is_kept_and_counts_what_is_not(tmp_path: Path) -> None:
    bench = Bench(lambda p: p.say(b"one\ntwo\n").end(0))
    command = bench.start()
    await command.wait()
    saved = await command.save(tmp_path / "kept")
    assert (saved.bytes, saved.dropped_lines) == (8, 0)
    assert (tmp_path / "kept").read_bytes() == b"one\ntwo\n"
    with pytest.raises(FileError) as caught:
        await command.save(tmp_path / "kept")
    assert caught.value.code is Code.EXISTS
