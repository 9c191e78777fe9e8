"""A command's end on the screen says no more than is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from backend.commands.executor import CommandOutcome, CommandSpec, CommandState, RunningCommand
from backend.commands.output import OutputBuffer
from backend.connection.connector import ExitReport
from backend.errors import AuthError, Code, FairleadError, Interrupted, LinkLost, TimeLimitError
from tui.command_looks import command_look, end_note, run_line
from tui.glyphs import ASCII, UNICODE
from tui.widgets.command_field import History

START = datetime(2026, 3, 2, 9, 41, 2, tzinfo=UTC)
NOW = START + timedelta(seconds=14)


@dataclass
class Fake:
    outcome: CommandOutcome | None = None
    state: CommandState = CommandState.RUNNING
    spec: CommandSpec = field(default_factory=lambda: CommandSpec(b"make deploy"))
    started_at: datetime = START
    output: OutputBuffer = field(default_factory=OutputBuffer)


def _command(**values: Any) -> RunningCommand:
    return cast(RunningCommand, Fake(**values))


def _ended(exit_report: ExitReport | None = None, error: FairleadError | None = None) -> RunningCommand:
    outcome = CommandOutcome(exit_report, error, seconds=2.5, bytes_out=2_000_000, bytes_err=0)
    return _command(outcome=outcome, state=CommandState.ENDED)


def _stopped(kind: type[FairleadError], code: Code, remote: str) -> FairleadError:
    return kind(code, evidence={"remote": remote, "seconds": "5"})


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (_command(state=CommandState.STARTING), "◐ starting"),
        (_command(), "● running"),
        (_command(state=CommandState.CANCELLING), "◐ stopping"),
        (_ended(ExitReport(status=0)), "✓ 0"),
        (_ended(ExitReport(status=7)), "✕ 7"),
        (_ended(ExitReport(signal="TERM")), "↯ SIGTERM"),
        (_ended(error=LinkLost(Code.CONNECTION_LOST)), "? unknown: link lost"),
        (_ended(error=_stopped(Interrupted, Code.INTERRUPTED, "ended")), "↯ stopped"),
        (_ended(error=_stopped(Interrupted, Code.INTERRUPTED, "not started")), "↯ not started"),
        (_ended(error=_stopped(Interrupted, Code.INTERRUPTED, "unknown: silent")), "? stopped, end not confirmed"),
        (_ended(error=_stopped(TimeLimitError, Code.TIME_LIMIT, "ended")), "↯ time limit"),
        (_ended(error=_stopped(TimeLimitError, Code.TIME_LIMIT, "unknown: x")), "? time limit, end not confirmed"),
        (_ended(error=AuthError(Code.AUTH_DENIED)), "✕ AUTH_DENIED"),
    ],
)
def test_each_end_looks_different(command: RunningCommand, text: str) -> None:
    assert command_look(command, NOW, UNICODE).text == text
    assert command_look(command, NOW, ASCII).text.isascii()


def test_the_line_tells_when_what_and_how_it_ended() -> None:
    line = run_line(_ended(ExitReport(status=0)), NOW, UNICODE, 70)
    local = START.astimezone().strftime("%H:%M:%S")
    assert line.plain.split() == [local, "$", "make", "deploy", "✓", "0", "·", "2.5", "s", "·", "2.0", "MB"]
    assert line.cell_length == 70


def test_a_long_command_gives_way_to_its_end() -> None:
    command = _command(spec=CommandSpec(b"x" * 300), outcome=_ended(ExitReport(status=3)).outcome)
    assert "✕ 3" in run_line(command, NOW, UNICODE, 60).plain


def test_a_hostile_command_is_one_harmless_line() -> None:
    plain = run_line(_command(spec=CommandSpec(b"a\x1b[2J\nb")), NOW, UNICODE, 80).plain
    assert plain.isprintable()


def test_an_end_of_its_own_needs_no_note() -> None:
    assert end_note(_ended(ExitReport(status=1)), UNICODE) is None
    assert end_note(_command(), UNICODE) is None


def test_a_note_says_what_was_confirmed() -> None:
    ended = Interrupted(Code.INTERRUPTED, evidence={"remote": "ended", "exit": "signal TERM"})
    note = end_note(_ended(error=ended), UNICODE)
    assert note is not None
    assert note.plain == "INTERRUPTED  Stopped. The process on the host has ended (signal TERM)."


def test_a_note_says_what_could_not_be_confirmed_and_what_to_do() -> None:
    note = end_note(_ended(error=_stopped(TimeLimitError, Code.TIME_LIMIT, "unknown: it did not confirm")), UNICODE)
    assert note is not None
    assert "it may still be running there" in note.plain
    assert "→ " in note.plain


def test_a_lost_link_names_its_code_and_the_next_step() -> None:
    note = end_note(_ended(error=LinkLost(Code.CONNECTION_LOST, host="web-1")), UNICODE)
    assert note is not None
    assert "How the command ended is unknown; it may still be running there." in note.plain
    assert note is not None
    assert note.plain.startswith("CONNECTION_LOST  The connection to web-1 was lost.")
    assert "→ " in note.plain


class TestHistory:
    def test_it_goes_back_and_comes_forth_to_what_was_half_typed(self) -> None:
        history = History()
        history.add("one")
        history.add("two")
        assert [history.older("half"), history.older("two"), history.older("one")] == ["two", "one", None]
        assert [history.newer(), history.newer(), history.newer()] == ["two", "half", None]

    def test_the_same_line_twice_is_kept_once(self) -> None:
        history = History()
        history.add("one")
        history.add("one")
        assert [history.older(""), history.older("one")] == ["one", None]

    def test_running_a_line_starts_from_the_newest_again(self) -> None:
        history = History()
        history.add("one")
        history.add("two")
        history.older("")
        history.older("two")
        history.add("three")
        assert history.older("") == "three"

    def test_it_forgets_the_oldest(self) -> None:
        history = History(limit=2)
        for line in ("one", "two", "three"):
            history.add(line)
        assert [history.older(""), history.older(""), history.older("")] == ["three", "two", None]
