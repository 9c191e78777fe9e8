"""How the answer to "why is it slow" looks: a line for each step, limit and figure, and what is said of one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from backend.dataclass import dataclass
from backend.diagnostics.slowness.report import Limit, SlowReport
from backend.diagnostics.slowness.table import Row, limit_word, step_word, table
from backend.diagnostics.slowness.values import Progress, Step, StepStatus
from backend.text import clean_line
from tui.glyphs import Glyphs
from tui.remedy_words import AppliedBy
from tui.widgets.explanation import explain
from tui.widgets.flow import broken

_LABEL = 18
_VALUE = 9
_STEP = 18


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of the measurement."""

    step: Step
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit that is felt."""

    limit: Limit
    binds: bool
    """It is the one that hurts most."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure with its bar."""

    row: Row
    most: float
    """What the longest bar of its group stands for."""


SlowRow = StepRow | LimitRow | FigureRow


def figure_rows(rows: Sequence[Row]) -> list[SlowRow]:
    """The figures, each with the scale of its group."""
    return [FigureRow(row, max(one.size for one in rows if one.group == row.group)) for row in rows]


def slow_line(row: SlowRow, width: int, glyphs: Glyphs) -> Content:
    """One row in `width` cells."""
    match row:
        case StepRow():
            return _step_line(row, width, glyphs)
        case LimitRow():
            mark = (glyphs.attention, "$warning") if row.binds else (glyphs.dot, "$quiet")
            name = limit_word(row.limit.kind)
            told = name if row.binds else f"also {name}: {clean_line(row.limit.sentence)}"
            words = Content.styled(told, "bold" if row.binds else "$quiet")
            return Content.assemble(mark, " ", words.truncate(max(8, width - 2), ellipsis=True))
        case FigureRow():
            return _figure_line(row, width, glyphs)


def _step_line(row: StepRow, width: int, glyphs: Glyphs) -> Content:
    word = f"{step_word(row.step):<{_STEP}}"
    if row.progress is None:
        return Content.assemble((glyphs.not_reached, "$faint"), " ", (word, "$quiet"))
    glyph, style = {
        StepStatus.RUNNING: (glyphs.busy, "$warning"),
        StepStatus.DONE: (glyphs.passed, "$success"),
        StepStatus.MISSING: (glyphs.dash, "$quiet"),
        StepStatus.NOT_NEEDED: (glyphs.dash, "$quiet"),
    }[row.progress.status]
    said = Content.styled(clean_line(row.progress.text), "$quiet").truncate(max(8, width - _STEP - 3), ellipsis=True)
    return Content.assemble((glyph, style), " ", word, " ", said)


def _figure_line(row: FigureRow, width: int, glyphs: Glyphs) -> Content:
    figure = row.row
    label = Content.styled(clean_line(figure.label), "$quiet").truncate(_LABEL, ellipsis=True, pad=True)
    head = Content.assemble("  ", label, " ", f"{figure.value:>{_VALUE}}", "  ")
    room = max(0, width - head.cell_length)
    if figure.group == "missing":
        return Content.assemble(head, Content.styled(clean_line(figure.note), "$quiet").truncate(room, ellipsis=True))
    longest = max(1, room)
    length = max(1, round(longest * figure.size / row.most)) if row.most > 0 else 1
    return Content.assemble(head, (glyphs.bar_done * length, "$accent"))


def slow_story(row: SlowRow, report: SlowReport | None, width: int, keys: AppliedBy | None = None) -> Content:
    """What is said below of the row under the cursor; `keys` stand beside the advice that they apply."""
    match row:
        case StepRow():
            text = row.progress.text if row.progress is not None else ""
            return broken(Content.styled(clean_line(text), "$quiet"), width)
        case LimitRow():
            limit = row.limit
            how = f"{clean_line(limit.arithmetic)} Certain to {limit.confidence * 100:.0f} %."
            words = how if row.binds else f"{clean_line(limit.sentence)} {how}"
            return explain("", None, {"how": words}, limit.remedies, keys=keys, width=width)
        case FigureRow():
            notes = " ".join(clean_line(note) for note in report.notes) if report is not None else ""
            return broken(f"{clean_line(row.row.note)}\n{notes}".strip(), width)


def as_text(report: SlowReport) -> str:
    """The answer for the clipboard."""
    lines = [clean_line(report.sentence), clean_line(report.arithmetic), ""]
    lines += [
        f"- {clean_line(advice.text)}" + (f" `{advice.command}`" if advice.command else "")
        for advice in report.remedies
    ]
    lines += ["", *(f"{row.label:<22} {row.value:>10}  {row.note}".rstrip() for row in table(report.measurements))]
    return "\n".join(lines) + "\n"
