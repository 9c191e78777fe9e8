"""A name at the destination that another file has: asked while the rest of the transfer goes on."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.app import ComposeResult
from textual.content import Content

from backend.files.model import ConflictPolicy, NameTaken, TakenAnswer
from backend.files.taken import comparison
from tui.actions import Action, bindings_of
from tui.detail.table import TableRow, table
from tui.format import bytes_text, moment_text
from tui.prompts.base import Prompt, Words
from tui.widgets.flow import Flow

ACTIONS = (
    Action("taken.overwrite", "o", "overwrite", "Replace what is there.", scope="prompts", rank=1,
           does="answer('overwrite')"),
    Action("taken.skip", "s", "skip", "Leave what is there as it is.", scope="prompts", rank=2, does="answer('skip')"),
    Action("taken.keep_both", "k", "keep both", "Give the copy a number.", scope="prompts", rank=3,
           does="answer('rename')"),
    Action("taken.newer", "n", "if newer", "Replace what is there if it is older.", scope="prompts", rank=4,
           does="answer('newer')"),
    Action("taken.for_all", "a", "for all", "The answer goes for all other names of this transfer, too.",
           scope="prompts", rank=5),
    Action("taken.decline", "escape", "skip this one", "Leave it out, and say so in the list of its problems.",
           scope="prompts", rank=6, key_display="esc"),
)  # fmt: skip


class TakenPrompt(Prompt[TakenAnswer | None]):
    """Asks about one name; the answer may go for all. None leaves the file out."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, question: NameTaken) -> None:
        super().__init__("already there")
        self._question = question
        self._for_all = False

    def compose_body(self) -> ComposeResult:
        question = self._question
        kind = "" if question.there_kind == "file" else f" (a {question.there_kind})"
        yield Words(f"{question.name} is already there{kind}:")
        yield Words(question.place, classes="title")
        yield Flow(self._facts)
        yield Words("", id="taken-for-all")

    def on_mount(self) -> None:
        super().on_mount()
        self._draw()

    def _facts(self, width: int) -> Content:
        question = self._question
        rows: list[TableRow] = [
            ("to copy", _facts(question.size, question.modified)),
            ("there now", _facts(question.there_size, question.there_modified)),
            ("", Content.styled(comparison(question), "$quiet")),
        ]
        return table(rows, width)

    def _draw(self) -> None:
        mark = "x" if self._for_all else " "
        self.query_one("#taken-for-all", Words).update(
            Content(f"\n[{mark}] a: the answer goes for all other names of this transfer")
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action in {"answer", "for_all"} and not self.armed else True

    def action_for_all(self) -> None:
        self._for_all = not self._for_all
        self._draw()

    def action_answer(self, policy: str) -> None:
        self.dismiss(TakenAnswer(ConflictPolicy(policy), for_all=self._for_all))


def _facts(size: int | None, modified: float | None) -> str:
    parts = [] if size is None else [bytes_text(size)]
    if modified is not None:
        when = datetime.fromtimestamp(modified, UTC)
        parts.append(moment_text(when, datetime.fromtimestamp(0, UTC)))
    return ", ".join(parts) or "nothing is known of it"
