"""What a form is made of: a line to type into, a choice of few words, and between them the keys to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import Suggester
from textual.widget import Widget

from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.prompts.base import Words
from tui.widgets.text_line import TextLine

NEXT = Action(
    "form.next", "enter", "next", "Go to the next field; past the last one, save.", scope="form", rank=2,
    palette=False, does="submit",
)  # fmt: skip
AFTER = Action("form.after", "down", "after", "Go to the field after this one.", scope="form", palette=False)
BEFORE = Action("form.before", "up", "before", "Go back to the field before.", scope="form", palette=False)
COMPLETE = Action(
    "form.complete", "ctrl+e", "complete", "Take the rest of the word that stands there dim; right does so, too.",
    scope="form", rank=4, palette=False,
)  # fmt: skip
TURN = Action("form.turn", "space,right", "change", "Take the next choice.", scope="form", rank=3, palette=False)


@dataclass
class FormMoved(Message):
    """The person goes on to the field after or before this one."""

    step: int


class FormLine(TextLine):
    """A line of a form."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((NEXT, AFTER, BEFORE, COMPLETE))]

    def __init__(self, value: str, *, id: str, placeholder: str, suggester: Suggester | None) -> None:  # noqa: A002
        super().__init__(value, id=id, placeholder=placeholder, suggester=suggester, select_on_focus=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.suggester is not None if action == "complete" else True

    async def action_submit(self) -> None:
        self.post_message(FormMoved(1))

    def action_after(self) -> None:
        self.post_message(FormMoved(1))

    def action_before(self) -> None:
        self.post_message(FormMoved(-1))

    def action_complete(self) -> None:
        self.action_end()
        self.action_cursor_right()


class ChoiceLine(Widget, can_focus=True):
    """One of a few words; space takes the next one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TURN, NEXT, AFTER, BEFORE))]
    DEFAULT_CSS = """
    ChoiceLine { height: 1; width: 1fr; padding: 0 1; background: $panel; border-left: outer $border-blurred; }
    ChoiceLine:focus { border-left: outer $accent; }
    """

    chosen: reactive[int] = reactive(0)

    class Changed(Message):
        """Another word was taken."""

    def __init__(self, words: Sequence[str], chosen: int, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._words = tuple(words)
        self._glyphs = glyphs
        self.set_reactive(ChoiceLine.chosen, chosen)

    def render(self) -> Content:
        return Content("   ").join([self._word(number, word) for number, word in enumerate(self._words)])

    def _word(self, number: int, word: str) -> Content:
        if number == self.chosen:
            return Content.styled(f"{self._glyphs.ready} {word}", "bold")
        return Content.styled(f"{self._glyphs.idle} {word}", "$quiet")

    def watch_chosen(self) -> None:
        self.post_message(self.Changed())

    def action_turn(self) -> None:
        self.chosen = (self.chosen + 1) % len(self._words)

    def on_click(self) -> None:
        self.action_turn()

    def action_submit(self) -> None:
        self.post_message(FormMoved(1))

    def action_after(self) -> None:
        self.post_message(FormMoved(1))

    def action_before(self) -> None:
        self.post_message(FormMoved(-1))


class FormRow(Vertical):
    """A label, the line beside it, and under it what is wrong."""

    DEFAULT_CSS = """
    FormRow { height: auto; }
    FormRow > Horizontal { height: 1; }
    FormRow .label { width: 12; color: $quiet; }
    FormRow .problem { display: none; height: auto; padding-left: 14; }
    FormRow .problem.-there { display: block; }
    FormRow .section { display: none; color: $accent; margin-top: 1; }
    """

    def __init__(self, label: str, line: Widget, *, section: str = "") -> None:
        super().__init__()
        self._label = label
        self._line = line
        self._section = section

    def compose(self) -> ComposeResult:
        if self._section:
            yield Words(self._section, classes="section")
        with Horizontal():
            yield Words(self._label, classes="label")
            yield self._line
        yield Words("", classes="problem danger")

    def tell(self, problem: str, *, mark: str) -> None:
        """Show what is wrong; nothing when it is empty."""
        words = self.query_one(".problem", Words)
        words.update(f"{mark} {problem}" if problem else "")
        words.set_class(bool(problem), "-there")
