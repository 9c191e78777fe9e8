"""What lies over a screen until it is answered or closed: it tells its keys, and can leave from below another."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.screen import ModalScreen

from tui.actions import bindings
from tui.breakpoints import take_size
from tui.widgets.footer import set_behind

if TYPE_CHECKING:
    from tui.app import WorkbenchApp

T = TypeVar("T")


class Modal(ModalScreen[T], Generic[T]):
    """A modal screen that can be dismissed at any time. Textual takes away the one in front, whichever is dismissed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app.help")]
    _leaves: tuple[T | None] | None = None
    """It is dismissed with this as soon as nothing lies over it any more."""

    @property
    def workbench(self) -> WorkbenchApp:
        """The app, by its own type."""
        return cast("WorkbenchApp", self.app)

    def action_toggle_help(self) -> None:
        """What the keys do: modals do not hear the app's own."""
        self.workbench.action_toggle_help()

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """End it with `result`, at once or when it is in front again."""
        if self.is_active:
            return super().dismiss(result)
        self._leaves = (result,)
        return AwaitComplete()

    def on_compose(self) -> None:
        take_size(self)

    def on_screen_suspend(self) -> None:
        set_behind(self, True)

    def on_screen_resume(self) -> None:
        set_behind(self, False)
        if self._leaves is not None:
            super().dismiss(*self._leaves)
