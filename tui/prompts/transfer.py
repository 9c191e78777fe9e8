"""All about one transfer, as it goes on: what, how far, which files are under way, what went wrong; to be copied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.content import Content

from backend.errors import FairleadError
from backend.files.transfer import TransferItems, TransferRecord
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.prompts.problems import problem_text
from tui.told import told_at
from tui.transfer_looks import subject
from tui.transfer_story import transfer_story
from tui.widgets.flow import Flow

if TYPE_CHECKING:
    from backend.container import Container
    from tui.glyphs import Glyphs

ACTIONS = (
    Action("transfer.copy", "c", "copy", "Copy all of this.", scope="prompts", rank=1),
    Action("transfer.decline", "escape,enter", "close", "Go back.", scope="prompts", rank=2, key_display="esc"),
)
EVERY = 0.5
"""Seconds between two looks at one that goes on."""


class TransferPrompt(Prompt[None]):
    """One transfer of the list."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, record: TransferRecord, services: Container, glyphs: Glyphs) -> None:
        super().__init__(subject(record.request, glyphs))
        self._record = record
        self._services = services
        self._glyphs = glyphs
        self._items = TransferItems()
        self._content = Content("")

    def compose_body(self) -> ComposeResult:
        yield Flow(self._story)
        yield Words("", id="transfer-problems")

    def on_mount(self) -> None:
        super().on_mount()
        self._look()
        self._read_items()
        if self._record.outcome is None:
            self.set_interval(EVERY, self._look)

    def _look(self) -> None:
        transfer = self._services.transfers.find(self._record.id)
        if transfer is not None:
            ended = transfer.outcome is not None and self._record.outcome is None
            self._record = transfer.record
            if transfer.outcome is None:
                self._items = TransferItems(tuple(transfer.problems))
            elif ended:
                self._read_items()
        else:
            listed = self._services.transfers.listed
            self._record = next((one for one in listed if one.id == self._record.id), self._record)
        self._draw()

    @work(exclusive=True, group="items", exit_on_error=False)
    async def _read_items(self) -> None:
        if self._record.outcome is None:
            return
        try:
            self._items = await self._services.transfers.items(self._record.id)
        except FairleadError as error:
            self.notify(error.message, title="what went wrong", severity="warning", markup=False)
        self._draw()

    def _draw(self) -> None:
        outcome = self._record.outcome
        whole = None if outcome is None else self._items.of(outcome)
        if whole is not None and whole.error is not None:
            whole = replace(whole, error=told_at(self, whole.error, self._record.request.host, self._draw))
        self._content = problem_text(whole, self._items)
        self.query_one("#transfer-problems", Words).update(Content.assemble("\n", self._content))
        self.query_one(Flow).show(self._story)

    def _story(self, width: int) -> Content:
        transfer = self._services.transfers.find(self._record.id)
        files = () if transfer is None else transfer.files
        return transfer_story(self._record, files, self._services.clock.now(), width, self._glyphs)

    def action_copy(self) -> None:
        story = self._story(200).plain
        self.app.copy_to_clipboard(f"{self._heading}\n\n{story}\n\n{self._content.plain}\n")
        self.notify("Copied.", markup=False)
