"""Requests while away as they are told: in the detail, in their list, in full."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from backend.files.model import ConflictPolicy
from backend.priority import Priority
from backend.requests.model import OPEN, CopyFiles, Request, RequestState
from backend.text import clean_line
from tui.detail.details import HostDetails
from tui.detail.table import TableRow, first_few, room_in, side_by_side, table
from tui.format import ago_text, duration_text, moment_text
from tui.glyphs import Glyphs
from tui.looks import Look
from tui.widgets.flow import broken

_SHOWN = 3
_S = RequestState


def request_look(request: Request, glyphs: Glyphs) -> Look:
    """The look of a request's state; a command that ended with another status than 0 did not go well."""
    result = request.result
    if request.state is _S.DONE and result is not None and (result.exit_status or result.signal):
        word = f"exit {result.exit_status}" if result.exit_status else f"SIG{result.signal}"
        return Look(glyphs.failed, "$error", word)
    return {
        _S.WAITING: Look(glyphs.idle, "$warning", "waiting"),
        _S.RUNNING: Look(glyphs.busy, "$warning", "under way"),
        _S.DONE: Look(glyphs.passed, "$success", "done"),
        _S.FAILED: Look(glyphs.failed, "$error", "failed"),
        _S.EXPIRED: Look(glyphs.attention, "$warning", "too late"),
        _S.CANCELLED: Look(glyphs.dash, "$quiet", "cancelled"),
        _S.UNKNOWN: Look("?", "$warning", "end unknown"),
    }[request.state]


def waiting_row(details: HostDetails, glyphs: Glyphs, width: int) -> TableRow:
    """What waits for the host or is under way; what of it ended otherwise than well."""
    record = details.record
    if record is None:
        return "waiting", ""
    if record.problem:
        return "waiting", Content.styled(record.problem, "$error")
    lines = [_brief(request, details.now, glyphs, width) for request in record.requests if request.state in OPEN]
    if unclear := sum(request.state is _S.UNKNOWN for request in record.requests):
        lines.append(Content.styled(f"? {unclear} with an unknown end; w shows what is known", "$warning"))
    return "waiting", first_few(lines, _SHOWN, "; w shows them") if lines else ""


def _brief(request: Request, now: datetime, glyphs: Glyphs, width: int) -> Content:
    shown = request_look(request, glyphs)
    words = Content(clean_line(request.action.words)).truncate(max(8, room_in(width) - 2), ellipsis=True)
    name = Content.assemble((shown.glyph, shown.style), " ", words)
    notes = [shown.word] if request.state is not _S.WAITING else []
    notes += urgency_words(request, now)
    said = [Content.styled(f"({', '.join(notes)})", "$quiet")] if notes else []
    return side_by_side([name, *said], room_in(width))


def urgency_words(request: Request, now: datetime) -> list[str]:
    """`high priority`, `deadline 18:00`; nothing for what is usual."""
    words = [] if request.priority is Priority.NORMAL else [f"{request.priority.name.lower()} priority"]
    if request.deadline is not None:
        words.append(f"deadline {moment_text(request.deadline, now)}")
    return words


def request_line(request: Request, now: datetime, width: int, glyphs: Glyphs) -> Content:
    """One line of the list, in `width` cells; the words give way first."""
    shown = request_look(request, glyphs)
    if request.state in OPEN:
        notes = [*urgency_words(request, now), shown.word]
    else:
        notes = [shown.word, ago_text(request.ended, now) if request.ended else ""]
    right = Content.styled("  ".join(note for note in notes if note), shown.style if notes else "$quiet")
    left = Content.assemble((shown.glyph, shown.style), " ", clean_line(request.action.words))
    left = left.truncate(max(8, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def request_story(request: Request, now: datetime, width: int) -> Content:
    """All about one request."""
    action, result = request.action, request.result
    rows: list[TableRow] = [
        ("what", action.words),
        ("asked", f"{moment_text(request.asked, now)}, {ago_text(request.asked, now)}"),
        ("deadline", moment_text(request.deadline, now) if request.deadline else "none"),
        ("priority", request.priority.name.lower()),
    ]
    if isinstance(action, CopyFiles):
        rows.append(("names", conflict_words(action.on_conflict)))
    else:
        cwd = "the home directory" if action.cwd is None else action.cwd.decode("utf-8", "replace")
        rows += [("runs in", cwd), ("limit", duration_text(action.time_limit) if action.time_limit else "")]
        rows.append(("cut off", "it is begun again" if request.repeatable else "it is told as unknown, not done twice"))
    if request.attempts > 1 or request.state is not _S.WAITING:
        rows.append(("begun", "once" if request.attempts == 1 else f"{request.attempts} times"))
    if result is not None:
        rows.append(("came of it", _result_words(request)))
    meaning = _MEANING.get(request.state, "")
    blocks = [table(rows, width), broken(Content.styled(meaning, "$quiet"), width) if meaning else Content("")]
    return Content("\n\n").join([block for block in blocks if block.plain])


_MEANING = {
    _S.WAITING: "It is done as soon as the host is connected, by this program or the next one that is.",
    _S.EXPIRED: "Its deadline passed before the host was there; it was never begun. With a new one (d) it waits again.",
    _S.UNKNOWN: "It was begun, and its end was not seen. Look on the host before asking for it again.",
}


def _result_words(request: Request) -> str:
    result = request.result
    assert result is not None
    parts = [f"exit status {result.exit_status}"] if result.exit_status is not None else []
    parts += [f"ended by SIG{result.signal}"] if result.signal else []
    parts += [f"{result.files:,} file{'' if result.files == 1 else 's'}"] if result.files is not None else []
    parts += [f"{result.code}: {result.message}"] if result.code else []
    return ", ".join(parts)


def conflict_words(policy: ConflictPolicy) -> str:
    """What becomes of names that are taken when a copy is made."""
    return {
        ConflictPolicy.SKIP: "those that are taken then are left as they are",
        ConflictPolicy.OVERWRITE: "those that are taken then are overwritten",
        ConflictPolicy.NEWER: "those that are taken then are overwritten where they are older",
        ConflictPolicy.ASK: "those that are taken then are asked about",
        ConflictPolicy.RENAME: "where they are taken then, the copies get a number",
    }[policy]


def waiting_words(hosts: Sequence[str]) -> str:
    """How much waits from the last time; `hosts` has one entry for each request."""
    count, names = len(hosts), list(dict.fromkeys(hosts))
    what = "1 request waits" if count == 1 else f"{count} requests wait"
    where = clean_line(names[0]) if len(names) == 1 else f"{len(names)} hosts"
    return f"{what} for {where} from the last time; w on Connections shows them."
