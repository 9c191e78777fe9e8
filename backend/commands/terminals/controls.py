"""Which sequence does what to the screen. What sets modes, or asks the terminal something, is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from backend.commands.terminals import cursor, editing
from backend.commands.terminals.charsets import charset
from backend.commands.terminals.looks import number
from backend.commands.terminals.screen import Screen

_MAX_PARAMETERS = 32


class Numbers(tuple[int, ...]):
    """The parameters of a sequence; what was left out is 0."""

    __slots__ = ()

    def at(self, index: int) -> int:
        return self[index] if index < len(self) else 0

    def or_one(self, index: int = 0) -> int:
        """How often, or which one: 1 where it was left out."""
        return self.at(index) or 1


@lru_cache(2048)
def numbers(parameters: str) -> Numbers:
    """What stands behind a colon is read over."""
    fields = parameters.split(";", _MAX_PARAMETERS)[:_MAX_PARAMETERS]
    return Numbers(number(field.partition(":")[0]) for field in fields)


Control = Callable[[Screen], None]
Sequence = Callable[[Screen, Numbers], None]


def _shift(to: int) -> Control:
    def shift(screen: Screen) -> None:
        screen.pen.shift = to

    return shift


CONTROLS: Mapping[str, Control] = {
    "\b": lambda screen: cursor.left(screen, 1),
    "\t": cursor.tab,
    "\n": cursor.line_feed,
    "\v": cursor.line_feed,
    "\f": cursor.line_feed,
    "\r": cursor.carriage_return,
    "\x0e": _shift(1),
    "\x0f": _shift(0),
}
"""C0."""

ESCAPES: Mapping[str, Control] = {
    "7": Screen.save,
    "8": Screen.restore,
    "D": Screen.index,
    "E": cursor.next_line,
    "H": cursor.set_tab,
    "M": Screen.reverse_index,
    "n": _shift(2),
    "o": _shift(3),
    "#8": editing.align,
}
"""What follows ESC."""

SEQUENCES: Mapping[str, Sequence] = {
    "@": lambda screen, n: editing.insert_characters(screen, n.or_one()),
    "A": lambda screen, n: cursor.up(screen, n.or_one()),
    "B": lambda screen, n: cursor.down(screen, n.or_one()),
    "C": lambda screen, n: cursor.right(screen, n.or_one()),
    "D": lambda screen, n: cursor.left(screen, n.or_one()),
    "E": lambda screen, n: cursor.down_to_beginning(screen, n.or_one()),
    "F": lambda screen, n: cursor.up_to_beginning(screen, n.or_one()),
    "G": lambda screen, n: cursor.to_column(screen, n.or_one() - 1),
    "H": lambda screen, n: cursor.go(screen, n.or_one(1) - 1, n.or_one() - 1),
    "I": lambda screen, n: cursor.tab(screen, n.or_one()),
    "J": lambda screen, n: editing.erase_in_display(screen, n.at(0)),
    "K": lambda screen, n: editing.erase_in_line(screen, n.at(0)),
    "L": lambda screen, n: editing.insert_lines(screen, n.or_one()),
    "M": lambda screen, n: editing.delete_lines(screen, n.or_one()),
    "P": lambda screen, n: editing.delete_characters(screen, n.or_one()),
    "S": lambda screen, n: screen.scroll_up(n.or_one()),
    "T": lambda screen, n: screen.scroll_down(n.or_one()),
    "X": lambda screen, n: editing.erase_characters(screen, n.or_one()),
    "Z": lambda screen, n: cursor.back_tab(screen, n.or_one()),
    "^": lambda screen, n: screen.scroll_down(n.or_one()),
    "`": lambda screen, n: cursor.to_column(screen, n.or_one() - 1),
    "a": lambda screen, n: cursor.right(screen, n.or_one()),
    "b": lambda screen, n: screen.repeat(n.or_one()),
    "d": lambda screen, n: cursor.to_row(screen, n.or_one() - 1),
    "e": lambda screen, n: cursor.move(screen, screen.pen.column, screen.pen.row + n.or_one()),
    "f": lambda screen, n: cursor.go(screen, n.or_one(1) - 1, n.or_one() - 1),
    "g": lambda screen, n: cursor.clear_tabs(screen, n.at(0)),
    "r": lambda screen, n: cursor.set_margins(screen, n.or_one() - 1, (n.at(1) or screen.rows) - 1),
    "s": lambda screen, n: screen.save(),
    "u": lambda screen, n: screen.restore(),
    "?J": lambda screen, n: editing.erase_in_display(screen, n.at(0)),
    "?K": lambda screen, n: editing.erase_in_line(screen, n.at(0)),
}
"""What follows CSI: prefix, intermediates and final character."""


def designate(screen: Screen, name: str) -> None:
    """SCS: `(0` and the like, which make a set one of G0 to G3. Other names do nothing."""
    slot = "()*+".find(name[0])
    if slot >= 0 and len(name) > 1:
        sets = list(screen.pen.charsets)
        sets[slot] = charset(name[1:])
        screen.pen.charsets = tuple(sets)
