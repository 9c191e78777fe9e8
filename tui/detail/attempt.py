"""An attempt to connect, hop by hop: how far it has come, or came."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from backend.connection.connector import Phase, PhaseEvent, PhaseFailed, PhasePassed
from backend.connection.state import BUSY, SessionState
from backend.text import clean_line
from tui.detail.details import HostDetails
from tui.detail.table import room_in, side_by_side, table_row
from tui.glyphs import Glyphs

_PHASE_WORDS = {Phase.HOST_KEY: "host key", Phase.AUTH: "login", Phase.KEX: "key exchange"}


def phase_words(phase: Phase) -> str:
    """A phase as it is said."""
    return _PHASE_WORDS.get(phase, phase.value)


def attempt_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """A line for each hop; nothing while connected or at rest, nor of the attempt that made the link that was lost."""
    state, failed = details.view.state, any(isinstance(event, PhaseFailed) for event in details.phases)
    if state not in BUSY | {SessionState.FAILED} or (state is SessionState.RECONNECTING and not failed):
        return Content("")
    hops: dict[str, list[PhaseEvent]] = {}
    for event in details.phases:
        steps = hops.setdefault(event.hop.name, [])
        if steps and steps[-1].phase is event.phase:
            steps[-1] = event
        else:
            steps.append(event)
    return Content("\n").join([_hop_line(name, steps, glyphs, width) for name, steps in hops.items()])


def _hop_line(name: str, steps: Sequence[PhaseEvent], glyphs: Glyphs, width: int) -> Content:
    """`gate.lab    ✓ name  ✓ tcp`. Who logs in is told by whoever asks; without it the steps fit into one line."""
    parts = [_step(event, glyphs) for event in steps]
    name = clean_line(name.rpartition("@")[2])
    return table_row(name, side_by_side(parts, room_in(width, name)), width)


def _step(event: PhaseEvent, glyphs: Glyphs) -> Content:
    word = phase_words(event.phase)
    if isinstance(event, PhasePassed):
        return Content.assemble((glyphs.passed, "$success"), f" {word}")
    if isinstance(event, PhaseFailed):
        return Content.assemble((glyphs.failed, "$error"), f" {word}")
    return Content.assemble((glyphs.busy, "$warning"), f" {word}{glyphs.ellipsis}")
