"""The modules of one host: a few letters find them, enter chooses, and the next commands run with them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from backend.commands.modules.values import SET_MARK, Listing
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.hosts.draft import HostDraft
from backend.matching import best
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.messages import Notice
from tui.prompts.base import Prompt, Words
from tui.widgets.explanation import explain_error
from tui.widgets.row_list import RowList
from tui.widgets.text_line import TextLine

if TYPE_CHECKING:
    from backend.container import Container

ACTIONS = (
    Action("modules.done", "escape", "done", "Take what is chosen.", scope="prompts", rank=4, key_display="esc"),
    Action("modules.up", "up", "up", "One line up.", scope="prompts", does="move(-1)"),
    Action("modules.down", "down", "down", "One line down.", scope="prompts", does="move(1)"),
    Action("modules.clear", "ctrl+n", "none", "Choose none.", scope="prompts", rank=3),
    Action("modules.keep", "f2,ctrl+s", "keep", "Write them into the host's entry: all its commands load them.",
           scope="prompts", rank=2),
)  # fmt: skip
CHOOSE = Action("modules.choose", "enter", "choose", "Load this module, or leave it out.", scope="prompts", rank=1,
                does="submit")  # fmt: skip
_ROWS = 10


class ModulesLine(TextLine):
    """Where a few letters are typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((CHOOSE,))]


@dataclass(frozen=True, slots=True)
class ModuleRow:
    """One module, or a saved set."""

    name: str
    about: str
    chosen: bool


class ModuleRows(RowList[ModuleRow]):
    """The modules that fit what is typed."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="choices")
        self.can_focus = False
        self._glyphs = glyphs

    def key_of(self, row: ModuleRow) -> Hashable:
        return row.name

    def draw(self, row: ModuleRow, width: int) -> Content:
        sign = (self._glyphs.passed, "$success") if row.chosen else (" ", "")
        return Content.assemble(sign, " ", (clean_line(row.name), "bold" if row.chosen else ""), "  ",
                                (clean_line(row.about), "$quiet"))  # fmt: skip


class ModulesPrompt(Prompt[tuple[str, ...]]):
    """Answers with the modules that are chosen, in the order of choosing."""

    BINDINGS = bindings_of(ACTIONS)
    DEFAULT_CSS = f"""
    ModulesPrompt #choices {{ height: auto; max-height: {_ROWS}; margin-top: 1; }}
    ModulesPrompt #modules-say {{ margin-top: 1; }}
    """

    def __init__(self, host: str, services: Container, glyphs: Glyphs, chosen: tuple[str, ...]) -> None:
        super().__init__(f"modules of {clean_line(host)}")
        self._host = host
        self._services = services
        self._glyphs = glyphs
        self._chosen = chosen
        self._listing: Listing | None = None
        self._problem: FairleadError | None = None

    def compose_body(self) -> ComposeResult:
        yield Words("", id="modules-chosen")
        yield ModulesLine(placeholder="a few letters of a module's name", select_on_focus=False, compact=True)
        yield ModuleRows(self._glyphs)
        yield Words("", id="modules-say", classes="quiet")

    def on_mount(self) -> None:
        self._fit()
        self._load()

    @work(exclusive=True, group="modules", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._listing = await self._services.modules.available(self._host)
        except FairleadError as error:
            self._problem = error
        self._fit()

    def _fit(self) -> None:
        typed = self.query_one(ModulesLine).value
        rows = best(typed, self._rows(), lambda row: (row.name, row.about))
        shown = self.query_one(ModuleRows)
        shown.set_rows(rows)
        shown.styles.height = min(_ROWS, max(1, len(rows)))
        shown.display = bool(rows)
        chosen = " ".join(self._chosen) or "none"
        self.query_one("#modules-chosen", Words).update(Content.assemble(("chosen  ", "$quiet"), clean_line(chosen)))
        self.query_one("#modules-say", Words).update(self._says(len(rows)))

    def _rows(self) -> list[ModuleRow]:
        """What is chosen first, then the saved sets, then all there is."""
        sets = self._services.book.settings.module_sets
        about = {f"{SET_MARK}{name}": f"set: {' '.join(held)}" for name, held in sets.items()}
        for module in self._listing.modules if self._listing is not None else ():
            about[module.name] = "default" if module.default else ""
        names = dict.fromkeys((*self._chosen, *about))
        return [ModuleRow(name, about.get(name, ""), name in self._chosen) for name in names]

    def _says(self, shown: int) -> str | Content:
        if self._problem is not None:
            return explain_error(self._problem, max(20, self.query_one("#content").content_size.width))
        if self._listing is None:
            return f"Asking {clean_line(self._host)}{self._glyphs.ellipsis}"
        count = len(self._listing.modules)
        return clean_line(f"{shown} of {count} modules. {self._listing.system}.")

    # --- keys -----------------------------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fit()
        self.query_one(ModuleRows).cursor = 0

    @on(Input.Submitted)
    @on(RowList.Chosen)
    def _toggle(self) -> None:
        row = self.query_one(ModuleRows).current
        if row is None:
            return
        if row.chosen:
            self._chosen = tuple(name for name in self._chosen if name != row.name)
        else:
            self._chosen = (*self._chosen, row.name)
        line = self.query_one(ModulesLine)
        if line.value:
            line.value = ""
        self._fit()

    def action_move(self, step: int) -> None:
        """Move the cursor while the line keeps the keys."""
        self.query_one(ModuleRows).cursor += step

    def action_clear(self) -> None:
        self._chosen = ()
        self._fit()

    def action_done(self) -> None:
        self.dismiss(self._chosen)

    @work(exclusive=True, group="keep", exit_on_error=False)
    async def action_keep(self) -> None:
        """Write the choice into the host's own entry."""
        own = self._services.book.settings.hosts.get(self._host)
        if own is None:
            words = f"{clean_line(self._host)} is in ~/.ssh/config only: first make an own entry for it (e on 1)."
            self.query_one("#modules-say", Words).update(words)
            return
        draft = HostDraft.of_settings(self._host, own)
        try:
            await self._services.host_editor.change(draft, draft.saying({"modules": self._chosen}))
        except FairleadError as error:
            self.query_one("#modules-say", Words).update(explain_error(error, 70))
            return
        words = f"{clean_line(self._host)} has them in its entry; it is read when you connect next."
        self.app.post_message(Notice(words))
        self.dismiss(self._chosen)
