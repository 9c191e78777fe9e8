"""How a command reads on the screen: its state and its end, never more certain than what is known. Pure."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from backend.commands.executor import CommandOutcome, CommandState, RunningCommand
from backend.commands.values import UNKNOWN_END
from backend.commands.verdict import ENDED
from backend.connection.connector import ExitReport
from backend.dataclass import dataclass
from backend.errors import FairleadError, Interrupted, LinkLost, TimeLimitError
from backend.sizes import size_text
from backend.text import clean_line
from tui.format import duration_text
from tui.glyphs import Glyphs

_STEPS = 2
"""Remedies that are shown in the line."""


@dataclass(frozen=True, slots=True)
class CommandLook:
    """What is seen of a command."""

    glyph: str
    style: str
    word: str
    """`running`, `0`, `7`, `SIGTERM`, `unknown: link lost`."""
    seconds: float | None = None
    """How long it ran, or has been running; None before it started."""

    @property
    def text(self) -> str:
        """`✓ 0`"""
        return f"{self.glyph} {self.word}"


def command_look(command: RunningCommand, now: datetime, glyphs: Glyphs) -> CommandLook:
    """The look of a command at `now`."""
    elapsed = max(0.0, (now - command.started_at).total_seconds())
    if command.outcome is not None:
        return _ended(command.outcome, glyphs)
    return {
        CommandState.STARTING: CommandLook(glyphs.busy, "$warning", "starting"),
        CommandState.CANCELLING: CommandLook(glyphs.busy, "$warning", "stopping", elapsed),
    }.get(command.state, CommandLook(glyphs.ready, "$accent", "running", elapsed))


def _ended(outcome: CommandOutcome, glyphs: Glyphs) -> CommandLook:
    if outcome.exit is not None and outcome.error is None:
        return _exited(outcome.exit, glyphs, outcome.seconds)
    glyph, style, word = _broken(outcome.error, glyphs)
    return CommandLook(glyph, style, word, outcome.seconds)


def _exited(report: ExitReport, glyphs: Glyphs, seconds: float) -> CommandLook:
    if report.signal is not None:
        return CommandLook(bolt(glyphs), "$error", f"SIG{report.signal}", seconds)
    if report.status == 0:
        return CommandLook(glyphs.passed, "$success", "0", seconds)
    return CommandLook(glyphs.failed, "$error", str(report.status), seconds)


def _broken(error: FairleadError | None, glyphs: Glyphs) -> tuple[str, str, str]:
    remote = error.evidence.get("remote", "") if error is not None else ""
    match error:
        case LinkLost():
            return "?", "$warning", "unknown: link lost"
        case Interrupted() | TimeLimitError():
            why = "time limit" if isinstance(error, TimeLimitError) else "stopped"
            if remote.startswith("unknown"):
                return "?", "$warning", f"{why}, end not confirmed"
            return bolt(glyphs), "$warning", "not started" if remote == "not started" else why
        case None:
            return "?", "$warning", "unknown"
        case _:
            return glyphs.failed, "$error", error.code.value


def bolt(glyphs: Glyphs) -> str:
    """The sign of a process that was ended from outside."""
    return "↯" if glyphs.utf8 else "!"


def command_words(command: RunningCommand) -> str:
    """What was typed, on one line."""
    return clean_line(command.spec.command.decode(command.spec.encoding, "replace"))


def run_line(command: RunningCommand, now: datetime, glyphs: Glyphs, width: int) -> Content:
    """`09:41:02  $ make deploy            ✓ 0 · 14 s · 48 kB` in `width` cells; the command gives way first."""
    look = command_look(command, now, glyphs)
    parts = [look.text]
    if look.seconds is not None:
        parts.append(duration_text(look.seconds))
    parts.append(_sizes(command))
    right = Content.assemble((parts[0], look.style), ("".join(f" {glyphs.dot} {part}" for part in parts[1:]), "$quiet"))
    time = command.started_at.astimezone().strftime("%H:%M:%S")
    left = Content.assemble(
        (f"{time}  ", "$quiet"), (f"{_as_whom(command)}$ ", "$accent"), (command_words(command), "bold")
    )
    left = left.truncate(max(10, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(2, width - left.cell_length - right.cell_length), right)


def _as_whom(command: RunningCommand) -> str:
    """`sudo `, `su as mara `; nothing for the person themselves."""
    who = command.spec.elevate
    if who is None:
        return ""
    return f"{who.by.value} " if who.user == "root" else f"{who.by.value} as {clean_line(who.user)} "


def _sizes(command: RunningCommand) -> str:
    if command.outcome is None:
        return size_text(command.output.size)
    out, err = command.outcome.bytes_out, command.outcome.bytes_err
    return f"{size_text(out)}, {size_text(err)} stderr" if err else size_text(out)


def end_note(command: RunningCommand, glyphs: Glyphs, told: FairleadError | None = None) -> Content | None:
    """What else is to be said about an end that was not the command's own doing: cause, what is known, next steps.
    `told` is the same failure with more known about it."""
    error = told or (command.outcome.error if command.outcome is not None else None)
    if error is None:
        return None
    _, style, _ = _broken(error, glyphs)
    remote = error.evidence.get("remote", "")
    lines = [Content.assemble((error.code.value, style), f"  {error.message} {_remote_words(error, remote)}".rstrip())]
    if remote != ENDED or not isinstance(error, Interrupted):
        lines += [_step(item.text, item.command, glyphs) for item in error.advice[:_STEPS]]
    return Content("\n").join(lines)


def _remote_words(error: FairleadError, remote: str) -> str:
    """What was confirmed about the process itself."""
    if remote.startswith(ENDED) and remote != ENDED:
        return f"The process on the host has {remote}."
    if remote == ENDED:
        return f"The process on the host has ended{_by(error)}."
    if remote == "not started":
        return "It was never started."
    if isinstance(error, LinkLost) and not remote:
        return UNKNOWN_END
    return f"Its end is {remote}; it may still be running there." if remote else ""


def _by(error: FairleadError) -> str:
    return f" ({error.evidence['exit']})" if "exit" in error.evidence else ""


def _step(text: str, command: str | None, glyphs: Glyphs) -> Content:
    return Content.assemble((f"{glyphs.arrow} ", "$accent"), text, (f"  {command}" if command else "", "bold $accent"))
