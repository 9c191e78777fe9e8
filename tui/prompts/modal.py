"""What lies over a screen until it is answered or closed: it tells its keys, and can leave from below another."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.screen import ModalScreen

from tui.actions import bindings
from tui.frame import Frame

T = TypeVar("T")


class Modal(ModalScreen[T], Frame[T], Generic[T]):
    """A modal screen that can be dismissed at any time. Textual takes away the one in front, whichever is dismissed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app.help")]
    _leaves: tuple[T | None] | None = None
    """It is dismissed with this as soon as nothing lies over it any more."""

    def action_toggle_help(self) -> None:
        """What the keys do: modals do not hear the app's own."""
        self.workbench.action_toggle_help()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """End it with `result`, at once or when it is in front again."""
        if self.is_active:
            return super().dismiss(result)
        self._leaves = (result,)
        return AwaitComplete()

    def on_screen_resume(self) -> None:
        if self._leaves is not None:
            super().dismiss(*self._leaves)
