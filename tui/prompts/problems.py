"""What went wrong in a transfer, item by item. Pure."""

from __future__ import annotations

from textual.content import Content

from backend.files.transfer import ItemProblem, TransferItems, TransferOutcome
from backend.text import clean_line
from tui.widgets.explanation import explain

SHOWN = 200
"""Items that are listed; the others are counted."""


def problem_text(outcome: TransferOutcome | None, items: TransferItems) -> Content:
    """Why it ended, and each item that was skipped or failed; `outcome` is None while it goes on."""
    error = outcome.error if outcome is not None else None
    problems = items.problems
    blocks = [explain(error.message, error.code, error.evidence, error.advice)] if error is not None else []
    if problems:
        blocks.append(Content("\n").join([_item(problem) for problem in problems[:SHOWN]]))
    if items.notes:
        blocks.append(Content("\n").join([_line("note", note.path, note.note) for note in items.notes[:SHOWN]]))
    beyond = max(0, len(problems) - SHOWN) + (outcome.problems_dropped if outcome is not None else 0)
    if beyond:
        blocks.append(Content(f"and {beyond:,} more"))
    return Content("\n\n").join(blocks or [Content("Nothing went wrong so far.")])


def _item(problem: ItemProblem) -> Content:
    if problem.error is None:
        return _line("skipped", problem.path, problem.note)
    head = Content.assemble((f"{problem.error.code.value}  ", "$error"), clean_line(problem.path))
    return Content.assemble(head, "\n    ", (problem.error.message, "$quiet"))


def _line(word: str, path: str, note: str) -> Content:
    return Content.assemble((f"{word}  ", "$quiet"), clean_line(path), (f"  {clean_line(note)}", "$quiet"))
