"""The signs of the screens, with plain letters for terminals that do not speak UTF-8. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One sign for each meaning; a sign never carries it alone."""

    ready: str = "●"
    busy: str = "◐"
    degraded: str = "◌"
    idle: str = "○"
    failed: str = "✕"
    attention: str = "⚠"
    passed: str = "✓"
    not_reached: str = "·"
    transfers: str = "⇅"
    up: str = "⬆"
    down: str = "⬇"
    opened: str = "▾"
    closed: str = "▸"
    turned: str = "▴"
    """Sorted the other way round."""
    pin: str = "★"
    dash: str = "–"
    dot: str = "·"
    arrow: str = "→"
    ellipsis: str = "…"
    edge: str = "┃"
    sparks: str = "▁▂▃▄▅▆▇█"
    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    bar_done: str = "━"
    bar_left: str = "─"
    enter: str = "⏎"
    utf8: bool = True


UNICODE = Glyphs()
ASCII = Glyphs(
    ready="*",
    busy="~",
    degraded="!",
    idle="o",
    failed="x",
    attention="?",
    passed="v",
    not_reached=".",
    transfers="^v",
    up="^",
    down="v",
    opened="v",
    closed=">",
    turned="^",
    pin="+",
    dash="-",
    dot="-",
    arrow="->",
    ellipsis="...",
    edge="|",
    sparks="_.-=#",
    spinner="|/-\\",
    bar_done="=",
    bar_left=".",
    enter="enter",
    utf8=False,
)


_HEADROOM = 3.0
"""How many times its median a run of values may reach before the scale gives way."""


def for_environment(environ: Mapping[str, str]) -> Glyphs:
    """The signs that this locale can show, as `locale(7)` picks its variable; UTF-8 where nothing is said."""
    said = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "UTF-8")
    return UNICODE if "UTF" in said.upper() else ASCII


def sparkline(values: Sequence[float], width: int, glyphs: Glyphs) -> str:
    """The last `width` values as bars from zero; a steady run stays low, so that what sticks out can be seen."""
    shown = values[-width:] if width > 0 else ()
    steps = len(glyphs.sparks) - 1
    top = max(*shown, _HEADROOM * median(shown)) if len(shown) > 1 else _HEADROOM * sum(shown)
    if top <= 0:
        return glyphs.sparks[0] * len(shown)
    return "".join(glyphs.sparks[min(steps, max(0, round(value / top * steps)))] for value in shown)
