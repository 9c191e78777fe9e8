"""What all prompts share: a box in the middle, its own line of keys, and a moment in which stray keys do nothing."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.actions import Action, bindings_of
from tui.prompts.modal import Modal
from tui.widgets.footer import Footer
from tui.widgets.soon import soon
from tui.widgets.text_line import TextLine

T = TypeVar("T")

ARMED_AFTER = 0.4
"""Seconds for which a prompt that is answered by one letter ignores the keys: they were meant for something else."""

FRAME_LINES = 5
"""Border, padding and the line of keys."""

SCROLL = (
    Action("prompts.scroll_up", "pageup,up", "up", "Scroll up.", scope="prompts", palette=False),
    Action("prompts.scroll_down", "pagedown,down", "down", "Scroll down.", scope="prompts", palette=False),
)
SUBMIT = Action("prompts.submit", "enter", "send", "Hand over what is typed.", scope="prompts", rank=1)


class Prompt(Modal[T], Generic[T]):
    """A modal question. Subclasses give `heading`, `compose_body` and their keys."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(SCROLL)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - Textual's own kind
    DANGER: ClassVar[bool] = False
    LINES_BELOW: ClassVar[int] = 0
    """What `compose_below` takes of the height."""
    armed: reactive[bool] = reactive(False, bindings=True)
    """Whether one-letter answers count yet."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="-danger" if self.DANGER else "") as box:
            box.border_title = Content(self._heading)
            with VerticalScroll(id="content", can_focus=False):
                yield from self.compose_body()
            yield from self.compose_below()
            yield Footer(always=())

    def compose_body(self) -> ComposeResult:
        """What stands in the box."""
        raise NotImplementedError

    def compose_below(self) -> ComposeResult:
        """What stays in sight below it when it scrolls."""
        yield from ()

    def on_mount(self) -> None:
        soon(self, ARMED_AFTER, self._arm)

    def on_resize(self) -> None:
        """Long content scrolls; the keys stay in sight."""
        self.query_one("#content").styles.max_height = max(1, self.app.size.height - FRAME_LINES - self.LINES_BELOW)

    def _arm(self) -> None:
        self.armed = True

    def action_scroll_up(self) -> None:
        self.query_one("#content").scroll_page_up(animate=False)

    def action_scroll_down(self) -> None:
        self.query_one("#content").scroll_page_down(animate=False)

    def action_decline(self) -> None:
        """Back out: the safe answer of every prompt."""
        self.dismiss(None)


class Words(Static):
    """Text that is never markup: most of it comes from elsewhere."""

    def __init__(self, text: str | Content = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(text, markup=False, id=id, classes=classes)


class SecretInput(TextLine):
    """A line that shows dots and gives nothing to the clipboard."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((SUBMIT,))]

    def __init__(self, *, masked: bool = True, id: str | None = None) -> None:  # noqa: A002
        super().__init__(password=masked, id=id, select_on_focus=False)

    def action_copy(self) -> None:
        self._keep_secret()

    def action_cut(self) -> None:
        self._keep_secret()

    def _keep_secret(self) -> None:
        self.app.bell()
