"""When memory is searched for garbage: not while the program loads, for what is loaded stays; and in a program that a
person uses, while nobody types.

A full search looks at all that lives. After some minutes of a workbench that is 100 ms and more, in which no key is
heard, every few seconds.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loaded before what it loads can be postponed (`backend.later`)
    import asyncio

SOON = 2.0
"""Seconds after which everything is loaded, as a rule."""
MOMENT, AWAY = 0.3, 60.0
"""Seconds without a key after which what is new may be searched, and everything."""
NEW = 3
"""Searches of the young (7,000 objects each) after which what is new is worth a search, of 20 ms as a rule."""
GROWN = 200_000
"""Objects more than after the last search of everything that make another one worth it."""
MUCH = 5 * GROWN
"""And those that make it come in any moment without a key: some hundred megabytes."""
_YOUNG, _MIDDLE, _PUT_OFF = 700, 10, 100
"""`gc.set_threshold`: Python's own full search comes when nobody stops typing for 700,000 objects, not before."""
_TICK = 0.25


def hold() -> None:
    """Search for none until `search`."""
    gc.disable()


def search() -> None:
    """Search as usual from now on, but not through what is there already."""
    gc.freeze()
    gc.enable()


class QuietSearch:
    """Full searches in the moments in which nobody types.

    What is new is searched often, which is quick, and what is left of it is taken as loaded and not looked at again.
    Garbage among that is found once nobody has typed for a minute.
    """

    def __init__(self, quiet: Callable[[], float]) -> None:
        """`quiet`: seconds since the last key."""
        self._quiet = quiet
        gc.set_threshold(_YOUNG, _MIDDLE, _PUT_OFF)
        search()
        self._kept = 0
        """Objects that were left of what is new since the last search of everything."""

    def keep_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look every quarter of a second, for as long as `loop` runs."""
        self.look()
        loop.call_later(_TICK, self.keep_on, loop)

    def look(self) -> None:
        """Search what it is the time for."""
        quiet = self._quiet()
        if quiet < MOMENT or gc.get_count()[2] < NEW:
            return
        everything = self._kept > (GROWN if quiet >= AWAY else MUCH)
        if everything:
            gc.unfreeze()
        gc.collect()
        self._kept = 0 if everything else self._kept + len(gc.get_objects())
        gc.freeze()
