"""What went wrong in a transfer, item by item; it can be copied."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from backend.files.transfer import ItemProblem, Transfer
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.widgets.explanation import explain

SHOWN = 200
"""Items that are listed; the others are counted."""

ACTIONS = (
    Action("problems.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("problems.decline", "escape,enter", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)


class ProblemsPrompt(Prompt[None]):
    """One transfer: why it ended, and each item that was skipped or failed."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, transfer: Transfer, heading: str) -> None:
        super().__init__(heading)
        self._content = problem_text(transfer)

    def compose_body(self) -> ComposeResult:
        yield Words(self._content)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(f"{self._heading}\n\n{self._content.plain}\n")
        self.notify("Copied.", markup=False)


def problem_text(transfer: Transfer) -> Content:
    """The whole explanation."""
    outcome = transfer.outcome
    error = outcome.error if outcome is not None else None
    problems = list(transfer.problems)
    blocks = [explain(error.message, error.code, error.evidence, error.advice)] if error is not None else []
    if problems:
        blocks.append(Content("\n").join([_item(problem) for problem in problems[:SHOWN]]))
    if outcome is not None and outcome.notes:
        blocks.append(Content("\n").join([_line("note", note.path, note.note) for note in outcome.notes[:SHOWN]]))
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
