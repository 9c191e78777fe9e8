"""What every screen and dialog of the workbench has: its app, the size of its window, a footer that is its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.screen import Screen

from tui.widgets.footer import Footer

if TYPE_CHECKING:
    from tui.app import WorkbenchApp

T = TypeVar("T")


class Frame(Screen[T], Generic[T]):
    """Shows keys only while it is in front, and has the classes of its breakpoints before it has parts.

    Textual gives them with the first resize, after which every part has to be styled once more.
    """

    @property
    def workbench(self) -> WorkbenchApp:
        """The app, by its own type."""
        return cast("WorkbenchApp", self.app)

    def on_compose(self) -> None:
        size = self.app.size
        self._reach(size.width, self.HORIZONTAL_BREAKPOINTS or ())
        self._reach(size.height, self.VERTICAL_BREAKPOINTS or ())

    def _reach(self, length: int, breakpoints: Iterable[tuple[int, str]]) -> None:
        if reached := [(least, name) for least, name in breakpoints if least <= length]:
            self.add_class(max(reached)[1])

    def on_screen_suspend(self) -> None:
        self._show_keys(False)

    def on_screen_resume(self) -> None:
        self._show_keys(True)

    def _show_keys(self, shown: bool) -> None:
        for footer in self.query(Footer):
            footer.behind = not shown
