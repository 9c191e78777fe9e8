"""How a sync looks: a line for each name of its plan, headings with counts, and what came of it. No widgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from backend.connection.connector import FileKind
from backend.dataclass import dataclass
from backend.files.paths import Location, to_bytes
from backend.files.sync.model import CARRIED, Action, Counts, Do, SyncOutcome
from backend.sizes import size_text
from backend.text import clean_line, show_bytes
from tui.file_words import short_path
from tui.glyphs import Glyphs

_SIZE_WIDTH = 8
_REASON_WIDTH = 24
_VERB_WIDTH = 7
_VERBS = {Do.EXCLUDE: "exclude", Do.SKIP: "skip", Do.BLOCK: "blocked", Do.EXTRA: "stays"}


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above rows of one kind."""

    text: str
    danger: bool = False


PlanRow = Action | Heading


def plan_line(row: PlanRow, width: int, glyphs: Glyphs, *, ticked: bool | None) -> Content:
    """One line of a plan; `ticked` is None for what cannot be chosen."""
    if isinstance(row, Heading):
        return Content.styled(row.text, "bold $error" if row.danger else "bold $accent")
    tick = {True: f"[{glyphs.passed}]", False: "[ ]", None: "   "}[ticked]
    quiet = ticked is not True
    style = "$quiet" if quiet else "$error" if row.do is Do.DELETE else ""
    size = size_text(row.size) if row.kind is FileKind.FILE and row.do in (*CARRIED, Do.DELETE) else ""
    verb = f"{_VERBS.get(row.do, row.do.value):<{_VERB_WIDTH}}"
    reason_width = min(_REASON_WIDTH, max(0, width // 3))
    room = max(8, width - 3 - 1 - _VERB_WIDTH - 2 - _SIZE_WIDTH - 2 - reason_width)
    name = Content(path_text(row, glyphs)).truncate(room, ellipsis=True, pad=True)
    head = Content.assemble((tick, "$quiet" if quiet else "$accent"), " ", (verb, style), " ")
    reason = Content(f" {row.reason}").truncate(reason_width, ellipsis=True)
    return Content.assemble(
        head, (f"{size:>{_SIZE_WIDTH}}", "$quiet"), "  ", name.stylize(style), reason.stylize("$quiet")
    )


def path_text(action: Action, glyphs: Glyphs) -> str:
    """A name of a plan: directories end in a slash, links say where they point."""
    path = show_bytes(b"/".join(action.parts) or b".")
    if action.kind is FileKind.DIRECTORY:
        return f"{path}/"
    return path if action.points_to is None else f"{path} {glyphs.arrow} {show_bytes(action.points_to)}"


def changes_words(counts: Counts) -> str:
    """`copy 3 files (12 kB), make 2 directories, change mode or time of 1`"""
    of = counts.of
    parts = [f"copy {some(counts.files, 'file')} ({size_text(counts.bytes)})"] if counts.files else []
    parts += [f"make {some(of[Do.MAKE], 'directory', 'directories')}"] if of[Do.MAKE] else []
    parts += [f"change mode or time of {of[Do.ADJUST]:,}"] if of[Do.ADJUST] else []
    return ", ".join(parts) or "copy nothing"


def deletions_words(counts: Counts) -> str:
    """`delete 5 names (1.2 MB)`"""
    return f"delete {some(counts.deletions, 'name')} ({size_text(counts.deleted_bytes)})"


def left_words(counts: Counts) -> str:
    """`1,204 the same, 3 excluded`: what is left as it is."""
    words = {
        "the same": Do.KEEP,
        "only at the goal": Do.EXTRA,
        "excluded": Do.EXCLUDE,
        "skipped": Do.SKIP,
        "blocked": Do.BLOCK,
    }
    return ", ".join(f"{counts.of[do]:,} {word}" for word, do in words.items() if counts.of[do])


def some(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def ends_words(source: Location, goal: Location, glyphs: Glyphs) -> str:
    """`~/projects/shop/ → web-1:/srv/app`"""
    return f"{_end_text(source)} {glyphs.arrow} {_end_text(goal)}"


def _end_text(end: Location) -> str:
    if end.host is not None:
        return clean_line(str(end))
    slash = "/" if end.path.endswith("/") and end.path != "/" else ""
    return short_path(to_bytes(end.path.rstrip("/") or "/"), bytes(Path.home())) + slash


def outcome_words(outcome: SyncOutcome) -> str:
    """What came of it, for a toast."""
    done = outcome.done.of
    parts = [f"{some(outcome.files, 'file')} copied ({size_text(outcome.bytes)})"] if outcome.files else []
    parts += [f"{some(done[Do.MAKE], 'directory', 'directories')} made"] if done[Do.MAKE] else []
    parts += [f"{done[Do.ADJUST]:,} given mode or time"] if done[Do.ADJUST] else []
    parts += [f"{done[Do.DELETE]:,} deleted"] if done[Do.DELETE] else []
    parts += [f"{outcome.verified:,} verified"] if outcome.verified else []
    return (", ".join(parts) or "Nothing was changed") + "."


def problems_text(outcome: SyncOutcome, most: int) -> Sequence[Content]:
    """What still differs or could not be read, and what else should be known, a line for each."""
    lines = [
        Content.assemble(("failed  ", "$error"), clean_line(one.path), "\n    ", (clean_line(one.note), "$quiet"))
        for one in outcome.problems[:most]
    ]
    lines += [
        Content.assemble(("note  ", "$quiet"), clean_line(one.path), (f"  {clean_line(one.note)}", "$quiet"))
        for one in outcome.notes[:most]
    ]
    beyond = max(0, outcome.failed - most)
    return [*lines, Content(f"and {beyond:,} more")] if beyond else lines
