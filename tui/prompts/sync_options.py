"""What a sync is to do, asked before anything is looked at: which way, how to compare, what may go, what stays out."""

from __future__ import annotations

import shlex
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from backend.dataclass import dataclass
from backend.files.paths import Location, to_bytes
from backend.files.sync.model import Options, SyncRequest
from backend.files.sync.patterns import Rule, Rules
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.prompts.base import Prompt, Words
from tui.sync_looks import ends_words
from tui.widgets.form_lines import ChoiceLine, FormLine, FormMoved, FormRow

ACTIONS = (
    Action("sync_options.go", "ctrl+s,f2", "compare", "Compare the two sides; nothing is changed yet.", scope="form",
           rank=1, palette=False),
    Action("sync_options.decline", "escape", "cancel", "Leave it as it is.", scope="form", rank=5, key_display="esc",
           palette=False),
)  # fmt: skip
_HINTS = {
    "way": "space changes which side is made the same as the other.",
    "compare": "By content: SHA-256 of both ends; slower, and sees what size and time hide.",
    "extra": "Deletions are shown before anything is done, and can be unticked.",
    "exclude": "rsync's patterns, blanks between them: .git/ *.pyc /build. With + before it, one is included.",
}


@dataclass(frozen=True, slots=True)
class Ends:
    """The directories of the two panes."""

    here: Location
    """Where the person is."""
    there: Location


class SyncOptionsPrompt(Prompt[SyncRequest | None]):
    """Answers with what is to be compared."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]
    AUTO_FOCUS = "#sync-way"
    LINES_BELOW = 4
    CSS_PATH = "sync.tcss"

    def __init__(self, ends: Ends, glyphs: Glyphs) -> None:
        super().__init__("sync")
        self._ends = ends
        self._glyphs = glyphs

    def compose_body(self) -> ComposeResult:
        yield Words("", id="sync-ends", classes="title")
        yield FormRow(
            "which way", self._choice("way", f"to {self._machine(there=True)}", f"to {self._machine(there=False)}")
        )
        yield FormRow("compare", self._choice("compare", "size and time", "content"))
        yield FormRow("only there", self._choice("extra", "leave it", "delete it"))
        example = "e.g. .git/ *.pyc"
        yield FormRow("exclude", FormLine("", id="sync-exclude", placeholder=example, suggester=None))

    def compose_below(self) -> ComposeResult:
        yield Words("", id="sync-hint", classes="quiet")
        yield Words("", id="sync-objection", classes="danger")

    def _choice(self, name: str, *words: str) -> ChoiceLine:
        return ChoiceLine(words, 0, self._glyphs, id=f"sync-{name}")

    def _machine(self, *, there: bool) -> str:
        end = self._ends.there if there else self._ends.here
        return clean_line(end.host or "this machine")

    def on_mount(self) -> None:
        self._show()

    # --- what is chosen ------------------------------------------------------------------------------------------

    def _chosen(self, name: str) -> bool:
        return self.query_one(f"#sync-{name}", ChoiceLine).chosen == 1

    @property
    def ends(self) -> tuple[Location, Location]:
        """Source and goal."""
        here, there = self._ends.here, self._ends.there
        return (there, here) if self._chosen("way") else (here, there)

    @property
    def request(self) -> SyncRequest:
        """What is asked for. Raises ValueError for patterns that cannot be read, as with a quote that never ends."""
        source, goal = self.ends
        rules = rules_of(self.query_one("#sync-exclude", FormLine).value)
        options = Options(delete=self._chosen("extra"), checksum=self._chosen("compare"), rules=rules)
        return SyncRequest(Location(source.path.rstrip("/") + "/", source.host), goal, options)

    @on(ChoiceLine.Changed)
    def _show(self) -> None:
        self.query_one("#sync-ends", Words).update(ends_words(*self.ends, self._glyphs))

    def on_descendant_focus(self) -> None:
        focused = self.focused
        name = (focused.id or "").removeprefix("sync-") if focused is not None else ""
        self.query_one("#sync-hint", Words).update(_HINTS.get(name, ""))

    @on(FormMoved)
    def _move(self, message: FormMoved) -> None:
        lines = list(self.query("FormRow ChoiceLine, FormRow FormLine"))
        at = next((number for number, line in enumerate(lines) if line is self.focused), 0) + message.step
        if at >= len(lines):
            self.action_go()
        else:
            lines[max(0, at)].focus()

    def action_go(self) -> None:
        try:
            self.dismiss(self.request)
        except ValueError as error:
            self.query_one("#sync-objection", Words).update(f"The patterns cannot be read: {error}.")


def rules_of(text: str) -> Rules:
    """`.git/ +keep.pyc *.pyc`, in order. Raises ValueError where a quote does not end."""
    words = shlex.split(text)
    rules = (Rule(to_bytes(word.removeprefix("+")), include=word.startswith("+")) for word in words)
    return Rules(tuple(rule for rule in rules if rule.pattern))
