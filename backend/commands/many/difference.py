"""How the output of some hosts differs from that of others, line by line, within bounds; off the event loop."""

from __future__ import annotations

import asyncio
import difflib
from itertools import islice

from backend.commands.many.grouping import Alike
from backend.dataclass import dataclass
from backend.text import show_bytes

MOST_LINES = 2_000
"""Lines of each side that are compared: the time goes up with their square."""
_LONGEST = 2_000
"""Characters of a line that are shown."""
_MOST_SHOWN = 4_000


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes two groups of hosts differ."""

    lines: tuple[str, ...]
    """As `diff -u` has them, without its head: ` ` for both, `-` for the first, `+` for the second, `@@` for a place.
    Cleaned, each on one line."""
    complete: bool
    """Whether all that was said was compared and is shown."""


async def difference(first: Alike, second: Alike) -> Difference:
    """How `second` differs from `first`: the end, stdout, and stderr, whose lines begin with `stderr: `."""
    return await asyncio.to_thread(_compare, first, second)


def _compare(first: Alike, second: Alike) -> Difference:
    before, whole_before = _lines(first)
    after, whole_after = _lines(second)
    found = difflib.unified_diff(before, after, n=3, lineterm="")
    shown = tuple(islice(found, 2, 2 + _MOST_SHOWN + 1))
    complete = whole_before and whole_after and len(shown) <= _MOST_SHOWN
    return Difference(shown[:_MOST_SHOWN], complete)


def _lines(alike: Alike) -> tuple[list[str], bool]:
    """What is compared of one side, and whether that is everything."""
    out, err = alike.out.splitlines(), alike.err.splitlines()
    room = max(0, MOST_LINES - len(out))
    shown = [f"end: {alike.end}"]
    shown += [_shown(line) for line in out[:MOST_LINES]]
    shown += [f"stderr: {_shown(line)}" for line in err[:room]]
    cut = any(len(line) > _LONGEST for line in (*out[:MOST_LINES], *err[:room]))
    return shown, not (alike.truncated or cut or len(out) + len(err) > MOST_LINES)


def _shown(line: bytes) -> str:
    return show_bytes(line[:_LONGEST]) + ("…" if len(line) > _LONGEST else "")
