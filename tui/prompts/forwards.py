"""The forwards of one host: those that are open and those that are listed, opened and closed here."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from backend.dataclass import dataclass
from backend.diagnostics.places import rung_of
from backend.errors import FairleadError
from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import ForwardSpec, read_forward
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.detail.forwards import forward_line, forward_story
from tui.messages import ForwardsUpdated, Notice
from tui.prompts.line import LinePrompt
from tui.prompts.panel import Panel, PanelList
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

_GROUP = "Forwards"
_OPEN = frozenset({ForwardState.STARTING, ForwardState.LISTENING, ForwardState.WAITING})

ACTIONS = (
    Action("forwards.add", "n,a", "new", "Open a forward that you write as ssh does.", _GROUP, "forwards", rank=2),
    Action("forwards.stop", "x", "close", "Close this forward, its connections with it.", _GROUP, "forwards", rank=3),
    Action("forwards.open_all", "A", "open all", "Open all that the host's entry lists.", _GROUP, "forwards", rank=4),
    Action(
        "forwards.diagnose",
        "d",
        "diagnose",
        "Climb the ladder of this host, to where the forward fails.",
        _GROUP,
        "forwards",
        rank=2,
    ),
    Action("forwards.copy", "c", "copy address", "Copy where it listens.", _GROUP, "forwards", rank=5),
)
OPEN = Action("forwards.open", "enter", "open", "Open this forward, or try it again.", _GROUP, "forwards", rank=1)


@dataclass(frozen=True, slots=True)
class ForwardRow:
    """One forward: open, failed, or only listed."""

    spec: ForwardSpec
    view: ForwardView | None = None
    where: str = ""
    """The file that lists it; empty for one that was typed here."""

    @property
    def is_open(self) -> bool:
        """Whether it works, or is to work as soon as its host is there."""
        return self.view is not None and self.view.state in _OPEN


class ForwardList(PanelList[ForwardRow]):
    """The forwards, one line each."""

    HELP = """
    Forwards carry connections through SSH: L from this machine to where the host can go, R from the host to this
    machine, D as a SOCKS proxy. They stay open when this is closed, and come back after a lost connection.
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((OPEN,))]

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="panel-list")
        self._glyphs = glyphs

    def key_of(self, row: ForwardRow) -> Hashable:
        return str(row.spec)

    def draw(self, row: ForwardRow, width: int) -> Content:
        return forward_line(row.spec, row.view, width, self._glyphs)

    def action_open(self) -> None:
        self.action_choose()


class ForwardsPanel(Panel[ForwardRow]):
    """Opened with `f`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self._listed: list[ForwardRow] = []
        self._problem: FairleadError | None = None
        self._loaded = False

    @property
    def heading(self) -> str:
        return f"forwards of {clean_line(self.host)}"

    def make_list(self) -> ForwardList:
        return ForwardList(self.glyphs)

    def on_mount(self) -> None:
        self._load()

    @work(exclusive=True, group="listed", exit_on_error=False)
    async def _load(self) -> None:
        """What the files list for this host."""
        try:
            own, ssh = await self.services.forwards.configured(self.host)
            self._listed = [ForwardRow(spec, where="config.toml") for spec in own]
            self._listed += [ForwardRow(spec, where="~/.ssh/config") for spec in ssh]
        except FairleadError as error:
            self._problem = error
        self._loaded = True
        self.redraw()

    def rows(self) -> list[ForwardRow]:
        """Those that were started, then those that are only listed."""
        where = {row.spec: row.where for row in self._listed}
        started = [ForwardRow(view.spec, view, where.get(view.spec, "")) for view in self._views]
        known = {row.spec for row in started}
        return started + [row for row in self._listed if row.spec not in known]

    @property
    def _views(self) -> tuple[ForwardView, ...]:
        return self.services.forwards.views(self.host)

    def story(self, row: ForwardRow, width: int) -> Content:
        view = row.view
        if view is not None and view.error is not None:
            view = replace(view, error=self.workbench.told(view.error, self.host, self.redraw))
        parts = [forward_story(self.host, row.spec, view, width)]
        if row.where:
            parts.append(Content.styled(f"Listed in {row.where}.", "$quiet"))
        return Content("\n\n").join(parts)

    def nothing(self, width: int) -> Content:
        if self._problem is not None:
            return explain_error(self._problem, width)
        if not self._loaded:
            return Content(f"Reading what is listed{self.glyphs.ellipsis}")
        words = "No forward is open, and none is listed in the host's entry. Press n to open one, for example"
        example = Content.styled("L 8080:localhost:80", "bold $accent")
        return Content.assemble(broken(words, width), "\n\n  ", example)

    def summary(self) -> str:
        opened = sum(row.is_open for row in self.rows())
        return f"{opened} open" if opened else ""

    def hear(self, message: Message) -> None:
        if isinstance(message, ForwardsUpdated) and message.host == self.host:
            self.redraw()

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        match action:
            case "open":
                return row is not None and not row.is_open
            case "stop":
                return row is not None and row.view is not None
            case "copy":
                return row is not None and row.view is not None and bool(row.view.places)
            case "diagnose":
                error = row.view.error if row is not None and row.view is not None else None
                return error is not None and rung_of(error.code) is not None
            case "open_all":
                return any(row.where == "config.toml" and not row.is_open for row in self.rows())
            case _:
                return True

    @on(RowList.Chosen)
    def _open_chosen(self) -> None:
        if (row := self.current) is not None and not row.is_open:
            self._start(row.spec)

    @work(group="forward", exit_on_error=False)
    async def _start(self, spec: ForwardSpec) -> None:
        """Open it; the service goes on with it when this panel is closed."""
        await asyncio.shield(self.services.forwards.start(self.host, spec))
        self.redraw()

    def action_open_all(self) -> None:
        for row in self.rows():
            if row.where == "config.toml" and not row.is_open:
                self._start(row.spec)

    @work(group="forward", exit_on_error=False)
    async def action_stop(self) -> None:
        if (row := self.current) is not None and row.view is not None:
            await asyncio.shield(self.services.forwards.stop(row.view.id))
            self.redraw()

    def action_copy(self) -> None:
        if (row := self.current) is not None and row.view is not None and row.view.places:
            self.app.copy_to_clipboard(row.view.places[0])
            self.workbench.post_message(Notice(f"Copied {row.view.places[0]}."))

    def action_diagnose(self) -> None:
        if (row := self.current) is not None and (view := row.view) is not None and view.error is not None:
            self.workbench.diagnose_met(view.error, "the forward", host=self.host, at=view.since)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def action_add(self) -> None:
        heading = f"a forward of {clean_line(self.host)}"
        answer = await self.app.push_screen_wait(
            LinePrompt(heading, examples(self.host), placeholder="L 8080:localhost:80", check=objection)
        )
        if answer is not None:
            spec = read_forward(answer)
            self._start(spec)
            self.redraw()
            self.list_.move_to(str(spec))


def examples(host: str) -> str:
    """How each kind is written, and what it does."""
    name = clean_line(host)
    lines = (
        ("L 8080:localhost:80", f"port 8080 here goes to port 80 of {name}"),
        ("L 5433:db-2:5432", f"port 5433 here goes to db-2, as {name} sees it"),
        ("R 9000:localhost:3000", f"port 9000 of {name} comes to port 3000 here"),
        ("D 1080", f"a SOCKS proxy here; connections leave from {name}"),
    )
    return "\n".join(f"{example:<23} {meaning}" for example, meaning in lines)


def objection(answer: str) -> str:
    """What is wrong with what was typed."""
    if not answer.strip():
        return "Type a forward as in the examples, or press esc to leave it."
    try:
        read_forward(answer)
    except ValueError as problem:
        text = str(problem)
        return f"{text[0].upper()}{text[1:]}."
    return ""
