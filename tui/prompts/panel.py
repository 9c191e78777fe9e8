"""A panel: a list about one host, laid over the screen until esc, with all about the line under the cursor below it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message

from tui.actions import Action, bindings, bindings_of
from tui.prompts.modal import Modal
from tui.widgets.flow import Flow, no_text
from tui.widgets.footer import Footer
from tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

R = TypeVar("R")

CLOSE = Action(
    "panel.close", "escape,q", "back", "Close this; what it shows goes on.", "Panel", "panel", "", 9, "esc",
    palette=False,
)  # fmt: skip


class PanelList(RowList[R]):
    """The list of a panel; what can be done with its rows is known to the panel."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The list's own moves always; what a row is taken for, as the panel says."""
        return self.screen.check_action(action, parameters)


class Panel(Modal[None], Generic[R]):
    """Subclasses make the list, say what stands in it, and tell about a row.

    The app hands on to the panel in front what it hands to the screen behind it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of((CLOSE,)), *bindings("app.palette")]
    CSS_PATH = "panel.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-roomy")]  # noqa: RUF012 - Textual's own kind
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]  # noqa: RUF012 - Textual's own kind

    def __init__(self, host: str, services: Container, glyphs: Glyphs) -> None:
        super().__init__()
        self.host = host
        self.services = services
        self.glyphs = glyphs

    def compose(self) -> ComposeResult:
        with Vertical(id="panel-box", classes="pane") as box:
            box.border_title = Content(self.heading)
            yield self.make_list()
            yield Flow(self.nothing, id="panel-empty")
            with VerticalScroll(id="panel-below", can_focus=False):
                yield Flow(id="panel-story")
            yield Footer()

    # --- for subclasses ------------------------------------------------------------------------------------------

    @property
    def heading(self) -> str:
        """What the panel is about."""
        raise NotImplementedError

    def make_list(self) -> PanelList[R]:
        """The list, with the id `panel-list`."""
        raise NotImplementedError

    def rows(self) -> list[R]:
        """What stands in it now."""
        raise NotImplementedError

    def story(self, row: R, width: int) -> Content:
        """All about one row."""
        raise NotImplementedError

    def nothing(self, width: int) -> Content:
        """What is said in place of an empty list: what it is for, and the next key."""
        raise NotImplementedError

    def summary(self) -> str:
        """For the lower border."""
        return ""

    def hear(self, message: Message) -> None:
        """Something has changed; `redraw` shows it."""

    # --- shared --------------------------------------------------------------------------------------------------

    @property
    def list_(self) -> PanelList[R]:
        return cast("PanelList[R]", self.query_one("#panel-list"))

    @property
    def current(self) -> R | None:
        """The row under the cursor."""
        return self.list_.current

    def on_mount(self) -> None:
        self.list_.focus()
        self.redraw()

    def redraw(self) -> None:
        """Show the rows as they are now."""
        if not self.is_mounted:
            return
        rows = self.rows()
        self.list_.set_rows(rows)
        self.list_.styles.height = max(1, len(rows))
        self.list_.display = self.list_.can_focus = bool(rows)
        if rows and self.focused is None:
            self.list_.focus()  # it could not be focused while it was not there
        elif not rows and self.focused is self.list_:
            self.set_focus(None)  # its keys are the panel's now
        empty = self.query_one("#panel-empty", Flow)
        empty.display = not rows
        empty.show(self.nothing)
        self.query_one("#panel-box").border_subtitle = Content(self.summary())
        self._tell()

    @on(RowList.Highlighted)
    def _tell(self) -> None:
        row = self.current
        below = self.query_one("#panel-below")
        below.display = row is not None
        self.query_one("#panel-story", Flow).show(no_text if row is None else partial(self.story, row))
        self.refresh_bindings()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_palette(self) -> None:
        self.workbench.action_palette()
