"""What a form is made of: a line to type into, a choice of few words, a part that folds, and the keys to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import Suggester
from textual.widget import Widget

from backend.dataclass import dataclass
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
FOLD = Action(
    "form.fold", "space", "open / shut", "Open this part of the form, or shut it.", scope="form", palette=False
)
INTO = Action(
    "form.into",
    "enter,right",
    "open",
    "Open this part of the form and go into it.",
    scope="form",
    rank=2,
    palette=False,
)
OUT = Action("form.out", "left", "shut", "Shut this part of the form.", scope="form", palette=False)
TURN = Action("form.turn", "space,right", "change", "Take the next choice.", scope="form", rank=3, palette=False)


@dataclass
class FormMoved(Message):
    """The person goes on to the field after or before this one."""

    step: int
    done: bool = False
    """Past the last one, the form is filled in."""


class FormLine(TextLine):
    """A line of a form."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((NEXT, AFTER, BEFORE, COMPLETE))]

    def __init__(self, value: str, *, id: str, placeholder: str, suggester: Suggester | None) -> None:  # noqa: A002
        super().__init__(value, id=id, placeholder=placeholder, suggester=suggester, select_on_focus=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.suggester is not None if action == "complete" else True

    async def action_submit(self) -> None:
        self.post_message(FormMoved(1, done=True))

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
        self.post_message(FormMoved(1, done=True))

    def action_after(self) -> None:
        self.post_message(FormMoved(1))

    def action_before(self) -> None:
        self.post_message(FormMoved(-1))


class FormFold(Widget, can_focus=True):
    """The heading of a part of the form that is shut until somebody wants it; says what is filled in there."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((INTO, FOLD, OUT, AFTER, BEFORE))]
    DEFAULT_CSS = """
    FormFold { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    FormFold:focus { background: $panel; }
    """

    opened: reactive[bool] = reactive(False)

    class Turned(Message):
        """It was opened or shut."""

        def __init__(self, fold: FormFold) -> None:
            super().__init__()
            self.fold = fold

    def __init__(self, title: str, hint: str, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._title = title
        self._hint = hint
        self._glyphs = glyphs
        self._filled: tuple[str, ...] = ()
        self._problems = 0

    def tell(self, filled: Sequence[str], problems: int) -> None:
        """Which of its fields say something, and how many are wrong."""
        self._filled, self._problems = tuple(filled), problems
        self.refresh()

    def render(self) -> Content:
        glyph = self._glyphs.opened if self.opened else self._glyphs.closed
        words = ", ".join(self._filled) or self._hint
        said = Content.styled(words, "" if self._filled else "$quiet")
        if self._problems:
            said = Content.assemble((f"{self._glyphs.failed} ", "$error"), said)
        title = Content.styled(f"{glyph} {self._title}", "bold $accent" if self.has_focus else "$accent")
        return title if self.opened else Content.assemble(title, "  ", said)

    def watch_opened(self) -> None:
        self.post_message(self.Turned(self))

    def action_into(self) -> None:
        self.opened = True
        self.post_message(FormMoved(1))

    def action_fold(self) -> None:
        self.opened = not self.opened

    def action_out(self) -> None:
        self.opened = False

    def on_click(self) -> None:
        self.action_fold()

    def action_after(self) -> None:
        self.post_message(FormMoved(1))

    def action_before(self) -> None:
        self.post_message(FormMoved(-1))


class FormRow(Vertical):
    """A label, the line beside it, and under it what is wrong."""

    DEFAULT_CSS = """
    FormRow { height: auto; }
    FormRow > Horizontal { height: 1; }
    FormRow .label { width: 14; color: $quiet; }
    FormRow .problem { height: auto; padding-left: 16; }
    FormRow .section { display: none; color: $accent; margin-top: 1; }
    """

    def __init__(self, label: str, line: Widget, *, section: str = "") -> None:
        super().__init__()
        self._label = label
        self._line = line
        self._section = section
        self._problem: Words | None = None

    def compose(self) -> ComposeResult:
        if self._section:
            yield Words(self._section, classes="section")
        with Horizontal():
            yield Words(self._label, classes="label")
            yield self._line

    def tell(self, problem: str, *, mark: str) -> None:
        """Show what is wrong; nothing when it is empty."""
        if self._problem is None:
            if not problem:
                return  # most rows never have one, and a form that opens does not wait for them
            self._problem = Words("", classes="problem danger")
            self.mount(self._problem)
        self._problem.update(f"{mark} {problem}" if problem else "")
        self._problem.display = bool(problem)
