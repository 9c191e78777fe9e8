"""One host in full, beside the list or, in narrow terminals, as a page of its own. What it says is in `tui.detail`."""

from __future__ import annotations

from functools import partial

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from tui.detail.attempt import attempt_block
from tui.detail.details import HostDetails
from tui.detail.entry import entry_block
from tui.detail.forwards import forwards_row
from tui.detail.health import health_block
from tui.detail.link import link_block
from tui.detail.state import state_block
from tui.detail.table import table
from tui.detail.waiting import waiting_row
from tui.glyphs import Glyphs
from tui.widgets.flow import Flow, no_text


class HostDetail(VerticalScroll, can_focus=True):
    """The pane; scrolls when there is much to say."""

    HELP = """
    All that is known about the current host. enter connects, x disconnects, d climbs the diagnostic ladder.
    f opens its forwards, w what waits for it while it is away, v tries what you do with it, R tells of its routes.
    """

    def compose(self) -> ComposeResult:
        yield Flow(id="detail-text")

    def show(self, details: HostDetails | None, glyphs: Glyphs) -> None:
        """Draw these details."""
        layout = no_text if details is None else partial(details_content, details, glyphs)
        self.query_one(Flow).show(layout)


def details_content(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """The whole pane, in blocks with a blank line between them."""
    work = table([forwards_row(details, glyphs, width), waiting_row(details, glyphs, width)], width)
    blocks = [
        state_block(details, glyphs, width),
        attempt_block(details, glyphs, width),
        link_block(details, glyphs, width),
        work,
        health_block(details, glyphs, width),
        entry_block(details, width),
    ]
    return Content("\n\n").join([block for block in blocks if block.plain])
