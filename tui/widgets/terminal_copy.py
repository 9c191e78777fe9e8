"""What a selection in a terminal stands for. Pure."""

from __future__ import annotations

import re

from textual.selection import Selection

from tui.widgets.terminal_lines import TerminalLines

_WORD = re.compile(r"[\w./~:@%+=,-]+")
"""What belongs together in paths, addresses and options."""


def selected_text(lines: TerminalLines, selection: Selection) -> str:
    """The selected words; blanks at the ends of lines are no part of them, and a line that wrapped is one line."""
    start = max(selection.start.y if selection.start else lines.first, lines.emulator.gone)
    stop = min(selection.end.y + 1 if selection.end else lines.end, lines.end)
    texts = []
    for line in range(start, stop):
        if (span := selection.get_span(line)) is not None:
            on = lines.goes_on(line) and line + 1 < stop
            text = lines.text(line)
            text = text.ljust(lines.emulator.columns) if on else text
            texts.append(text[span[0] : None if span[1] < 0 else span[1]] + ("" if on else "\n"))
    return "".join(texts).removesuffix("\n")


def word_around(text: str, index: int) -> tuple[int, int]:
    """Where the word at `index` begins and ends; an empty span where there is none."""
    return next((word.span() for word in _WORD.finditer(text) if word.start() <= index < word.end()), (index, index))
