"""The named sessions of one host: shells that keep their directory, variables, functions and modules."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content

from backend.commands.shells.service import checked_name, shell_note
from backend.commands.shells.session import ShellSession, ShellState
from backend.errors import FairleadError
from backend.text import clean_line, show_bytes
from tui.actions import Action, bindings_of
from tui.detail.table import table
from tui.format import ago_text, bytes_text
from tui.messages import OperationFailed
from tui.prompts.line import LinePrompt
from tui.prompts.panel import Panel, PanelList
from tui.widgets.flow import broken
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

_GROUP = "Sessions"

ACTIONS = (
    Action("shells.add", "n,a", "new", "Open a session.", _GROUP, "shells", rank=2),
    Action("shells.leave", "w", "without", "Run the next commands by themselves, in no session.", _GROUP, "shells",
           rank=3),
    Action("shells.end", "x", "close", "Close this session, with what runs in it.", _GROUP, "shells", rank=4),
)  # fmt: skip
TAKE = Action(
    "shells.take", "enter", "use", "Run the next commands in it; one that is gone is opened afresh.", _GROUP, "shells",
    rank=1,
)  # fmt: skip
_LOOKS = {
    ShellState.READY: ("ready", "$success", "ready"),
    ShellState.BUSY: ("busy", "$warning", "a command runs in it"),
    ShellState.GONE: ("failed", "$error", "gone"),
}


class ShellList(PanelList[ShellSession]):
    """The sessions, one line each."""

    HELP = """
    A session is a shell that stays open on the host: commands run in it one after another, and what they change, as
    the directory, variables and functions, is there for the next one. It ends with the connection.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((TAKE,))]

    def __init__(self, glyphs: Glyphs, used: str) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs
        self._used = used

    def key_of(self, row: ShellSession) -> Hashable:
        return row.name

    def draw(self, row: ShellSession, width: int) -> Content:
        glyph, style, word = _LOOKS[row.state]
        where = show_bytes(row.directory) if row.directory else "~"
        mark = "  in use" if row.name == self._used else ""
        return Content.assemble((getattr(self._glyphs, glyph), style), f" {clean_line(row.name):<16} ",
                                (f"{where:<24} ", "$accent"), (word, style), (mark, "$quiet"))  # fmt: skip

    def action_take(self) -> None:
        self.action_choose()


class ShellsPanel(Panel[ShellSession]):
    """Opened with `alt+n`; `choose` is told the name of the session to use, or nothing for none."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(
        self, host: str, services: Container, glyphs: Glyphs, used: str, choose: Callable[[str], None]
    ) -> None:
        super().__init__(host, services, glyphs)
        self._used = used
        self._choose = choose

    @property
    def heading(self) -> str:
        return f"sessions on {clean_line(self.host)}"

    def make_list(self) -> ShellList:
        return ShellList(self.glyphs, self._used)

    def on_mount(self) -> None:
        self.call_after_refresh(self.redraw)
        self.set_interval(1.0, self.redraw)

    def rows(self) -> list[ShellSession]:
        return list(self.services.shells.all(self.host))

    def story(self, row: ShellSession, width: int) -> Content:
        now = self.services.clock.now()
        facts = table(
            [
                ("shell", f"{row.shell}  {shell_note(row)}"),
                ("opened", ago_text(row.opened_at, now)),
                ("used", f"{ago_text(row.used_at, now)}, {row.commands} command{'' if row.commands == 1 else 's'}"),
                ("stray", f"{bytes_text(row.between)} came between commands, from the background" * bool(row.between)),
            ],
            width,
        )
        if row.state is not ShellState.GONE:
            return facts
        gone = f"It is gone with its directory, variables and functions: {row.gone}. Enter opens a fresh one."
        return Content.assemble(broken(Content.styled(clean_line(gone), "$warning"), width), "\n\n", facts)

    def nothing(self, width: int) -> Content:
        words = (
            "No session is open. In a session, commands share a shell: cd, variables, functions and loaded modules stay"
            " from one command to the next. Press n to open one."
        )
        return broken(words, width)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "take" | "end":
                return self.current is not None
            case "leave":
                return bool(self._used)
            case _:
                return True

    # --- what is done ---------------------------------------------------------------------------------------------

    @on(RowList.Chosen)
    def _take_chosen(self) -> None:
        if (row := self.current) is not None:
            self._use(row.name)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_add(self) -> None:
        detail = "Commands of one session share their directory, variables and functions."
        name = await self.app.push_screen_wait(
            LinePrompt("a session's name", detail, value="" if self.rows() else "work", check=_objection, replaced=True)
        )
        if name is not None:
            self._use(name.strip())

    @work(group="open", exclusive=True, exit_on_error=False)
    async def _use(self, name: str) -> None:
        try:
            await self.services.shells.open(self.host, name)
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "opening a session"))
            return
        self._choose(name)
        self.dismiss(None)

    def action_leave(self) -> None:
        self._choose("")
        self.dismiss(None)

    @work(group="end", exit_on_error=False)
    async def action_end(self) -> None:
        if (row := self.current) is not None:
            if row.name == self._used:
                self._choose("")
                self._used = ""
            await self.services.shells.end(self.host, row.name)
            self.redraw()


def _objection(answer: str) -> str:
    try:
        checked_name(answer.strip())
    except FairleadError:
        return "A short name, as work or build."
    return ""
