"""The classes by which a screen follows the size of its window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.screen import Screen


def take_size(screen: Screen[Any]) -> None:
    """Give a screen the classes of its breakpoints before it has parts.

    Textual does so with the first resize, after which every part has to be styled once more.
    """
    size = screen.app.size
    _reach(screen, size.width, screen.HORIZONTAL_BREAKPOINTS or ())
    _reach(screen, size.height, screen.VERTICAL_BREAKPOINTS or ())


def _reach(screen: Screen[Any], length: int, breakpoints: Iterable[tuple[int, str]]) -> None:
    if reached := [(least, name) for least, name in breakpoints if least <= length]:
        screen.add_class(max(reached)[1])
