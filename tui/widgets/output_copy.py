"""What a selection in an output view stands for. Pure."""

from __future__ import annotations

from textual.selection import Selection

from backend.commands.output import OutputBuffer
from tui.widgets.ansi import plain_text
from tui.widgets.output_rows import Needle


def selected_text(buffer: OutputBuffer, selection: Selection, needle: Needle | None = None) -> str:
    """The selected words. Offsets count characters and the buffer's own line numbers, however the lines are shown.

    With `needle`, lines without it were not on the screen and are not part of it.
    """
    start = max(selection.start.y if selection.start else buffer.first, buffer.first)
    stop = min(selection.end.y + 1 if selection.end else buffer.end, buffer.end)
    texts = []
    for number, line in enumerate(buffer.lines(start, stop), start):
        text, span = plain_text(line.raw), selection.get_span(number)
        if span is not None and (needle is None or needle.within(text)):
            texts.append(text[span[0] : None if span[1] < 0 else span[1]])
    return "\n".join(texts)
