"""The keys of the ladder's advice: do it and try again, choose another key; and a failure that was met elsewhere."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from backend.diagnostics.ladder import Rung
from backend.diagnostics.remedies.model import Remedy
from tui.actions import Action, bindings_of, key_shown
from tui.met import Met, is_over, met_text
from tui.remedy_words import AppliedBy, applied_by, choices, fixes
from tui.screens.base import WorkbenchScreen
from tui.widgets.ladder_view import CHOOSE_KEY, rung_explanation

_HERE = "Diagnostics"

ACTIONS = (
    Action("diagnostics.fix", "f", "do it", "Do what is marked with this key, after a question, and climb again.",
           _HERE, "diagnostics", rank=1),
    CHOOSE_KEY,
)  # fmt: skip


class Remedying(WorkbenchScreen):
    """A screen with a rung under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self) -> None:
        super().__init__()
        self._met: dict[str, Met] = {}
        """By host, the failure that led here last."""

    @property
    def rung(self) -> Rung | None:
        """The rung under the cursor."""
        raise NotImplementedError

    @property
    def met_here(self) -> Met | None:
        """The failure that led here, where the cursor is on its rung."""
        met, rung = self._met.get(self.host or ""), self.rung
        return met if met is not None and rung is not None and met.place == (rung.hop, rung.id) else None

    @property
    def remedies(self) -> tuple[Remedy, ...]:
        """What can be done about what is shown of the rung."""
        rung, met = self.rung, self.met_here
        own = rung.remedies if rung is not None else ()
        if own or rung is None or met is None or is_over(met, rung):
            return own
        return met.explanation.remedies

    @property
    def _keys(self) -> AppliedBy:
        keymap = self.workbench.options.keymap
        fix, choose = key_shown("diagnostics.fix", keymap), key_shown("diagnostics.choose_key", keymap)
        return applied_by(self.remedies, fix, choose)

    def explained(self, rung: Rung, width: int) -> Content:
        """All about the rung under the cursor."""
        words = rung_explanation(rung, self.glyphs, width, self._keys)
        if (met := self.met_here) is None:
            return words
        return Content("\n\n").join([words, met_text(met, rung, self.services.clock.now(), self._keys, width)])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "fix":
                return bool(fixes(self.remedies))
            case "choose_key":
                return bool(choices(self.remedies))
            case _:
                return super().check_action(action, parameters)

    def action_fix(self) -> None:
        self.workbench.remedy(fixes(self.remedies))

    def action_choose_key(self) -> None:
        self.workbench.remedy(choices(self.remedies))
