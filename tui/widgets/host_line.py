"""The line above the host list: a few letters to narrow it, or an address that is written nowhere."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.reactive import reactive

from tui.actions import Action, bindings_of
from tui.widgets.text_line import TextLine

TAKE = Action(
    "connections.take", "enter", "take", "Go on with what is typed.", "Connections", "connections",
    rank=1, does="submit",
)  # fmt: skip


class HostLine(TextLine):
    """Closed, it takes no room."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TAKE,))]
    typed_only: reactive[bool] = reactive(False)
    """It takes an address rather than a filter."""

    def __init__(self) -> None:
        super().__init__(id="filter", select_on_focus=False, compact=True)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    @property
    def typed(self) -> str:
        return self.value.strip()

    @property
    def filter_text(self) -> str:
        """What the list is narrowed by."""
        return "" if self.typed_only else self.typed

    def open(self, *, typed_only: bool) -> None:
        """Be there, empty, and take the keys."""
        self.typed_only = typed_only
        self.placeholder = "user@host:port, or ssh://…" if typed_only else "name, group, tag, address or note"
        self.value = ""
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Be gone, and narrow nothing."""
        self.value = ""
        self.typed_only = False
        self.remove_class("-open")
