"""The host switcher: a few letters, enter, and the whole workbench is on another host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from backend.connection.state import SessionState
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.hosts.book import HostEntry
from backend.matching import best
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.looks import look
from tui.prompts.base import Prompt, Words
from tui.widgets.row_list import RowList
from tui.widgets.text_line import TextLine

if TYPE_CHECKING:
    from backend.container import Container

ACTIONS = (
    Action("switcher.decline", "escape", "back", "Stay where you are.", scope="prompts", rank=3, key_display="esc"),
    Action("switcher.up", "up", "up", "One line up.", scope="prompts", does="move(-1)"),
    Action("switcher.down", "down", "down", "One line down.", scope="prompts", does="move(1)"),
)


GO = Action("switcher.go", "enter", "go", "Take this host.", scope="prompts", rank=1, does="submit")


class SwitcherLine(TextLine):
    """Where a few letters are typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((GO,))]


@dataclass(frozen=True, slots=True)
class HostChoice:
    """One host on offer."""

    name: str
    """As it is answered with."""
    about: str
    state: SessionState
    found_by: tuple[str, ...]
    """What may be typed to find it."""

    @classmethod
    def of(cls, entry: HostEntry, state: SessionState) -> HostChoice:
        about = "  ".join(part for part in (entry.group, " ".join(entry.tags), entry.note) if part)
        return cls(entry.name, about, state, (entry.name, entry.group, *entry.tags, entry.address))


HERE = ""
"""The name of this machine, among those of hosts."""
THIS_MACHINE = HostChoice(HERE, "", SessionState.READY, ("this machine", "local"))


class HostChoices(RowList[HostChoice]):
    """The hosts that fit what is typed."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="choices")
        self.can_focus = False
        self._glyphs = glyphs

    def draw(self, row: HostChoice, width: int) -> Content:
        name = clean_line(row.name) or "this machine"
        shown = look(row.state, self._glyphs)
        return Content.assemble(
            (shown.glyph, shown.style), " ", f"{name:<20}", (f"  {clean_line(row.about)}", "$quiet")
        )


class HostSwitcher(Prompt[str | None]):
    """Answers with a host's name; None for: stay."""

    BINDINGS = bindings_of(ACTIONS)
    HEADING = "go to a host"

    def __init__(self, services: Container, glyphs: Glyphs) -> None:
        super().__init__(self.HEADING)
        self._services = services
        self._glyphs = glyphs
        self._entries: tuple[HostEntry, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield SwitcherLine(placeholder="name, group or tag; or user@address", select_on_focus=False, compact=True)
        yield HostChoices(self._glyphs)
        yield Words("", id="choices-empty", classes="quiet")

    def on_mount(self) -> None:
        self._load()

    @work(exclusive=True, group="hosts", exit_on_error=False)
    async def _load(self) -> None:
        try:
            self._entries = await self._services.book.list()
        except FairleadError as error:
            self._fit("")
            self.query_one("#choices-empty", Words).update(error.message)
            return
        self._fit("")

    def _fit(self, typed: str) -> None:
        known = {session.host: session.state for session in self._services.sessions.all()}
        hosts = [HostChoice.of(entry, known.get(entry.name, SessionState.IDLE)) for entry in self._entries]
        choices = best(typed, self.offered(hosts), lambda choice: choice.found_by)
        self.query_one(HostChoices).set_rows(choices)
        self.query_one(HostChoices).cursor = 0
        nothing = f"enter goes to {typed.strip()} as it is typed" if typed.strip() else "no hosts are known yet"
        self.query_one("#choices-empty", Words).update("" if choices else nothing)

    def offered(self, hosts: Sequence[HostChoice]) -> Sequence[HostChoice]:
        """What there is to choose from."""
        return hosts

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fit(event.value)

    def on_row_list_chosen(self) -> None:
        self.on_input_submitted()

    def action_move(self, step: int) -> None:
        """Move the cursor while the line keeps the keys."""
        choices = self.query_one(HostChoices)
        choices.cursor += step

    def on_input_submitted(self) -> None:
        """The host under the cursor, or what is typed when nothing fits."""
        choice = self.query_one(HostChoices).current
        typed = self.query_one(Input).value.strip()
        if choice is not None:
            self.dismiss(choice.name)
        elif typed:
            self.dismiss(typed)


class MachineSwitcher(HostSwitcher):
    """Answers with a host's name, or with `HERE`."""

    HEADING = "show which machine?"

    def __init__(self, services: Container, glyphs: Glyphs, *, shown: str | None) -> None:
        """`shown` is the host that is shown now; None for this machine, which is offered last then."""
        super().__init__(services, glyphs)
        self._shown = shown

    def offered(self, hosts: Sequence[HostChoice]) -> Sequence[HostChoice]:
        return (*hosts, THIS_MACHINE) if self._shown is None else (THIS_MACHINE, *hosts)
