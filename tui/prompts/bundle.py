"""The support bundle before it is written: each file with its size and beginning, what was left out and taken out."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content

from backend.errors import FairleadError
from backend.reports.bundle.contents import Entry, listed
from backend.reports.bundle.gathering import Gathered, Wanted, gather
from backend.reports.bundle.packing import SUFFIX, packed
from backend.reports.target_file import TargetFile
from backend.sizes import size_text
from backend.text import clean_text
from tui.actions import Action, bindings_of
from tui.glyphs import Glyphs
from tui.messages import Notice, OperationFailed
from tui.prompts.panel import Panel, PanelList

if TYPE_CHECKING:
    from backend.container import Container
    from backend.reports.model import Report

_GROUP = "Support bundle"
_SHOWN = 4000
"""Characters of a file that are shown."""
_SIZE_WIDTH = 9
_NAME_WIDTH = 30

ACTIONS = (
    Action("bundle.write", "w", "write", "Write it to a file here.", _GROUP, "bundle", rank=1),
    Action(
        "bundle.other_names", "a", "other names", "Give hosts, users and addresses other names, or their own.", _GROUP,
        "bundle", rank=2,
    ),
)  # fmt: skip


class FileList(PanelList[Entry]):
    """The files of the bundle."""

    HELP = """
    What somebody who helps needs to know: plain text, nothing is sent anywhere. Only fields of a list go in, and all
    texts are searched for secrets; README.txt says what was left out and what was taken out.
    """

    def __init__(self) -> None:
        super().__init__(id="panel-list")

    def key_of(self, row: Entry) -> Hashable:
        return row.name

    def draw(self, row: Entry, width: int) -> Content:
        size = f"{size_text(len(row.raw)):>{_SIZE_WIDTH}}"
        head = Content.assemble((size, "$quiet"), "  ", f"{row.name:<{_NAME_WIDTH}}")
        room = max(0, width - head.cell_length - 2)
        return Content.assemble(head, "  ", Content.styled(row.about, "$quiet").truncate(room, ellipsis=True))


class BundlePanel(Panel[Entry]):
    """Opened with `b`; nothing is written before `w`, and nothing is connected."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS)]

    def __init__(self, host: str, reports: tuple[Report, ...], services: Container, glyphs: Glyphs) -> None:
        super().__init__(host, services, glyphs)
        self._reports = reports
        self._anonymous = False
        self._gathered: Gathered | None = None

    @property
    def heading(self) -> str:
        return "support bundle"

    def make_list(self) -> FileList:
        return FileList()

    def on_mount(self) -> None:
        self._gather()

    def rows(self) -> list[Entry]:
        return [] if self._gathered is None else list(self._gathered.bundle.files())

    def story(self, row: Entry, width: int) -> Content:
        text = clean_text(row.text)
        more = len(text) - _SHOWN
        shown = text[:_SHOWN] + (f"\n{self.glyphs.ellipsis} {more} more characters" if more > 0 else "")
        return Content(shown or "Empty.")

    def nothing(self, width: int) -> Content:
        return Content.styled(f"Putting it together{self.glyphs.ellipsis}", "$quiet")

    def summary(self) -> str:
        if self._gathered is None:
            return ""
        names = f"{self.glyphs.dot} other names " if self._gathered.bundle.anonymous else ""
        return f"{len(self.rows())} files {names}{self.glyphs.dot} taken out: {listed(self._gathered.bundle.taken_out)}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in {"write", "other_names"}:
            return True if self._gathered is not None else None
        return True

    @work(exclusive=True, group="bundle", exit_on_error=False)
    async def _gather(self) -> None:
        self._gathered = None
        self.redraw()
        try:
            self._gathered = await gather(self.services, Wanted(reports=self._reports, anonymous=self._anonymous))
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "putting the bundle together"))
            self.dismiss(None)
            return
        self.redraw()

    def action_other_names(self) -> None:
        self._anonymous = not self._anonymous
        self._gather()

    @work(exclusive=True, group="bundle-write", exit_on_error=False)
    async def action_write(self) -> None:
        """A file in the current directory."""
        if self._gathered is None:
            return
        bundle = self._gathered.bundle
        path = Path.cwd() / f"{bundle.root}{SUFFIX}"
        try:
            await asyncio.to_thread(lambda: TargetFile(path).write(packed(bundle, path)))
        except FairleadError as error:
            self.workbench.post_message(OperationFailed(error, "writing the bundle"))
            return
        self.workbench.post_message(Notice(f"Written to {path}"))
        self.dismiss(None)
