"""Names that are taken on the other side: one question for all of them."""

from __future__ import annotations

from textual.app import ComposeResult

from backend.files.transfer import ConflictPolicy
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words

SHOWN = 6
"""Names that are listed."""

ACTIONS = (
    Action("conflict.skip", "s", "skip", "Leave those that are there as they are; copy the others.",
           scope="prompts", rank=1, does="answer('skip')"),
    Action("conflict.newer", "n", "newer", "Copy over those that are older than what is copied.",
           scope="prompts", rank=2, does="answer('newer')"),
    Action("conflict.keep_both", "k", "keep both", "Give the copies a number.",
           scope="prompts", rank=3, does="answer('rename')"),
    Action("conflict.overwrite", "o", "overwrite", "Replace those that are there.",
           scope="prompts", rank=4, does="answer('overwrite')"),
    Action("conflict.ask", "a", "ask each", "Ask about each file that is there; the others are copied meanwhile.",
           scope="prompts", rank=6, does="answer('ask')"),
    Action("conflict.decline", "escape", "cancel", "Copy nothing.", scope="prompts", rank=5, key_display="esc"),
)  # fmt: skip


class ConflictPrompt(Prompt[ConflictPolicy | None]):
    """Asks what becomes of what is there. The answer goes for all names; None copies nothing."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, names: tuple[str, ...], total: int, place: str) -> None:
        """`names` are those that are taken, of `total` that are to be copied."""
        super().__init__("already there")
        self._names = names
        self._total = total
        self._place = place

    def compose_body(self) -> ComposeResult:
        count = len(self._names)
        what = "It is" if self._total == 1 else f"{count} of {self._total} names {'is' if count == 1 else 'are'}"
        yield Words(f"{what} already in {self._place}:")
        more = [f"and {count - SHOWN:,} more"] if count > SHOWN else []
        yield Words("\n".join(f"  {name}" for name in [*self._names[:SHOWN], *more]), classes="title")
        yield Words("\nThe answer goes for all of them, and for files inside directories.", classes="quiet")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "answer" and not self.armed else True

    def action_answer(self, policy: str) -> None:
        self.dismiss(ConflictPolicy(policy))
