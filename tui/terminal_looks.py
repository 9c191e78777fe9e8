"""How terminals read on the screen: their tabs, their states, and what can be done about them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from backend.commands.terminals.terminal import Terminal
from backend.commands.terminals.values import TerminalState
from backend.errors import FairleadError
from backend.text import clean_line
from tui.command_looks import bolt
from tui.glyphs import Glyphs
from tui.looks import Look

_TITLE = 24
"""Cells of a title in a tab, at most."""
_LEAST_TITLE = 6


def terminal_look(terminal: Terminal, glyphs: Glyphs) -> Look:
    """The look of a terminal's state."""
    match terminal.state:
        case TerminalState.OPENING:
            return Look(glyphs.busy, "$warning", "opening")
        case TerminalState.RUNNING:
            return Look(glyphs.ready, "$success", "running")
        case TerminalState.LOST:
            return Look("?", "$warning", "link lost")
        case _:
            return _ended(terminal, glyphs)


def _ended(terminal: Terminal, glyphs: Glyphs) -> Look:
    report = terminal.report
    if report is None:
        word = terminal.error.code.value if terminal.error is not None else "closed"
        return Look(glyphs.failed, "$error", word)
    if report.signal is not None:
        return Look(bolt(glyphs), "$error", f"ended by SIG{report.signal}")
    if report.status == 0:
        return Look(glyphs.passed, "$success", "ended")
    return Look(glyphs.failed, "$error", f"ended with status {report.status}")


def tabs_line(terminals: Sequence[Terminal], current: Terminal | None, width: int, glyphs: Glyphs) -> Content:
    """All terminals in `width` cells, the current one in view; titles give way first, then the tabs furthest away."""
    if not terminals:
        return Content.styled("no terminals yet", "$quiet")
    for room in range(_TITLE, _LEAST_TITLE - 1, -1):
        tabs = _tabs(terminals, current, room, glyphs)
        if sum(tab.cell_length for tab in tabs) + 3 * (len(tabs) - 1) <= width:
            return Content("   ").join(tabs)
    tabs = _tabs(terminals, current, _LEAST_TITLE, glyphs)
    here = next((index for index, terminal in enumerate(terminals) if terminal is current), 0)
    return _around(tabs, here, width, glyphs)


def _around(tabs: list[Content], here: int, width: int, glyphs: Glyphs) -> Content:
    """The tabs round `here`, as many as there is room for, with a sign where there are more."""
    first = last = here
    more = Content.styled(glyphs.ellipsis, "$quiet")
    room = width - tabs[here].cell_length - 2 * (more.cell_length + 2)
    while True:
        wider = [index for index in (last + 1, first - 1) if 0 <= index < len(tabs)]
        fits = [index for index in wider if tabs[index].cell_length + 2 <= room]
        if not fits:
            break
        room -= tabs[fits[0]].cell_length + 2
        first, last = min(first, fits[0]), max(last, fits[0])
    parts = [*([more] if first else []), *tabs[first : last + 1], *([more] if last < len(tabs) - 1 else [])]
    return Content("  ").join(parts)


def _tabs(terminals: Sequence[Terminal], current: Terminal | None, room: int, glyphs: Glyphs) -> list[Content]:
    return [
        _tab(place, terminal, terminal is current, room, glyphs) for place, terminal in enumerate(terminals, start=1)
    ]


def _tab(place: int, terminal: Terminal, here: bool, room: int, glyphs: Glyphs) -> Content:
    shown = terminal_look(terminal, glyphs)
    title = Content(terminal.title).truncate(room, ellipsis=True)
    host = Content(clean_line(terminal.host)).truncate(max(room, 12), ellipsis=True)
    tab = Content.assemble(
        (str(place), "$accent" if here else "$quiet"),
        " ",
        (shown.glyph, shown.style),
        " ",
        host.stylize("bold underline" if here else "$quiet"),
        " ",
        title.stylize("" if here else "$quiet"),
        _mark(terminal, here, glyphs),
    )
    return tab.stylize(f"@click=screen.go({place})")


def _mark(terminal: Terminal, here: bool, glyphs: Glyphs) -> Content:
    """What happened where nobody looks."""
    if here:
        return Content("")
    if terminal.bells:
        return Content.styled(" ♪" if glyphs.utf8 else " bell", "bold $warning")
    return Content.styled(" +", "bold $accent") if terminal.fresh else Content("")


def rest_note(terminal: Terminal, glyphs: Glyphs) -> Content | None:
    """What is to be said of a terminal in which nothing runs; None while something does."""
    shown = terminal_look(terminal, glyphs)
    match terminal.state:
        case TerminalState.RUNNING:
            return None
        case TerminalState.OPENING:
            return Content.assemble((shown.glyph, shown.style), f" opening a terminal on {clean_line(terminal.host)}")
        case TerminalState.LOST:
            return Content.assemble((shown.glyph, shown.style), (" link lost; what ran may still run there", "bold"))
        case _:
            return Content.assemble((shown.glyph, shown.style), (f" {shown.word}", "bold"))


def error_words(error: FairleadError, glyphs: Glyphs) -> Content:
    """Why a terminal could not be opened, and what to do about it."""
    lines = [Content.styled(error.code.value, "bold $error"), Content(error.message), Content("")]
    for step in error.advice:
        command = f"  {step.command}" if step.command else ""
        lines.append(Content.assemble((f"{glyphs.arrow} ", "$accent"), step.text, (command, "bold $accent")))
    return Content("\n").join(lines)
