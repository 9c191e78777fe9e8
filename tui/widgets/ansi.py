"""One line of a program's output as styled text: colours kept, every other escape sequence gone, nothing harmful left.

Select Graphic Rendition (ECMA-48 §8.3.117, ITU T.416 for colours) is understood. Complete control sequences and control
strings are taken out; what is left of the escape kind, and every control character, is written visibly. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from backend.commands.terminals.emulator import PLAIN, Colour, Look
from backend.dataclass import dataclass

TAB = 8
"""Columns between tab stops."""

_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[([0-?]*)([ -/]*[@-~])"  # a control sequence: parameters, then intermediates and the final byte
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"  # an operating system command, ended by BEL or ST
    r"|[PX^_][^\x1b]*\x1b\\"  # the other control strings, ended by ST
    r"|[ -/]*[0-OQ-WYZ`-~]"  # two-character sequences and character set choices
    r")"
)
# Bidirectional controls reorder what a person reads; line separators break what is copied.
_HARMFUL = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_MISSING = "-"
"""In place of a parameter that is not there; stands for no number."""
_PLAIN = re.compile(rb"[\x20-\x7e]*")


_SWITCHES: dict[int, dict[str, bool]] = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    9: {"strike": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
    29: {"strike": False},
}


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one look. Free of control characters; tabs are spaces."""

    text: str
    look: Look


def parse_line(raw: bytes, look: Look = PLAIN) -> list[Span]:
    """The spans of one line (without its end) that begins with `look`. Linear in `raw`, never raises."""
    if _PLAIN.fullmatch(raw):
        return [Span(raw.decode("ascii"), look)] if raw else []
    return list(_merged(_expanded(_pieces(raw.decode("utf-8", "replace"), look))))


def look_after(raw: bytes, look: Look) -> Look:
    """What a line that begins with `look` leaves to the next one."""
    for match in _SEQUENCE.finditer(raw.decode("utf-8", "replace")):
        if match[2] == "m":
            look = _select(look, match[1])
    return look


def plain_text(raw: bytes) -> str:
    """The words of one line without any look: what is searched, filtered and copied."""
    if _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    text = _SEQUENCE.sub("", raw.decode("utf-8", "replace"))
    return _with_stops(_HARMFUL.sub(_visible, text), 0)[0]


@lru_cache(maxsize=4096)
def rich_style(look: Look) -> Style:
    """`look` for Rich, without the default colours, so that the widget's own show through."""
    return Style(
        color=_colour(look.foreground),
        bgcolor=_colour(look.background),
        bold=look.bold or None,
        dim=look.dim or None,
        italic=look.italic or None,
        underline=look.underline or None,
        blink=look.blink or None,
        reverse=look.reverse or None,
        strike=look.strike or None,
    )


def _colour(value: Colour) -> Color | None:
    if value is None:
        return None
    return Color.from_ansi(value) if isinstance(value, int) else Color.from_rgb(*value)


def _pieces(text: str, look: Look) -> Iterator[Span]:
    start = 0
    for match in _SEQUENCE.finditer(text):
        if match.start() > start:
            yield Span(text[start : match.start()], look)
        if match[2] == "m":
            look = _select(look, match[1])
        start = match.end()
    if start < len(text):
        yield Span(text[start:], look)


def _expanded(pieces: Iterator[Span]) -> Iterator[Span]:
    """Control characters made visible, then tabs expanded by the column that a terminal would be in."""
    column = 0
    for piece in pieces:
        text, column = _with_stops(_HARMFUL.sub(_visible, piece.text), column)
        yield Span(text, piece.look)


def _with_stops(text: str, column: int) -> tuple[str, int]:
    """`text`, which starts in `column`, with spaces for its tabs; and the column after it."""
    first, *others = text.split("\t")
    parts = [first]
    column += cell_len(first)
    for part in others:
        gap = TAB - column % TAB
        parts += [" " * gap, part]
        column += gap + cell_len(part)
    return "".join(parts), column


def _merged(pieces: Iterator[Span]) -> Iterator[Span]:
    """Neighbours of the same look as one: a line of a million resets is one span."""
    texts: list[str] = []
    look = PLAIN
    for piece in pieces:
        if piece.look != look and texts:
            yield Span("".join(texts), look)
            texts = []
        look = piece.look
        texts.append(piece.text)
    if texts:
        yield Span("".join(texts), look)


def _visible(match: re.Match[str]) -> str:
    """Caret notation for ASCII, as `cat -v`; hexadecimal for the C1 set; the replacement character for the rest."""
    code = ord(match[0])
    if code < 0x20 or code == 0x7F:
        return "^" + chr(code ^ 0x40)
    return f"\\x{code:02x}" if code < 0x100 else "\N{REPLACEMENT CHARACTER}"


def _select(look: Look, parameters: str) -> Look:
    """`look` after one SGR sequence. Private sequences (`ESC [ > … m`) and unknown numbers change nothing."""
    if parameters[:1] in {"<", "=", ">", "?"}:
        return look
    groups = iter(parameters.split(";"))
    for group in groups:
        numbers = [_number(part) for part in group.split(":")]
        if numbers[0] in (38, 48):
            rest = numbers[1:] if len(numbers) > 1 else _colour_arguments(groups)
            look = _with_colour(look, numbers[0], rest, colons=len(numbers) > 1)
        else:
            look = _switched(look, numbers)
    return look


def _number(text: str) -> int:
    """A parameter; empty is 0, and one too long to mean anything is -1."""
    if not text:
        return 0
    return int(text) if len(text) <= 4 and text.isdigit() else -1


def _colour_arguments(groups: Iterator[str]) -> list[int]:
    """What follows 38 or 48 in the form with semicolons, which tells its own length."""
    kind = _number(next(groups, _MISSING))
    count = {5: 1, 2: 3}.get(kind, 0)
    return [kind, *(_number(next(groups, _MISSING)) for _ in range(count))]


def _with_colour(look: Look, which: int, arguments: list[int], *, colons: bool) -> Look:
    kind, values = (arguments[0], arguments[1:]) if arguments else (-1, [])
    if kind == 2 and colons and len(values) > 3:
        values = values[1:]  # T.416 puts a colour space first
    values = values[: {5: 1, 2: 3}.get(kind, 0)]
    if not values or any(not 0 <= value <= 255 for value in values) or (kind == 2 and len(values) < 3):
        return look
    colour = values[0] if kind == 5 else (values[0], values[1], values[2])
    return replace(look, foreground=colour) if which == 38 else replace(look, background=colour)


def _switched(look: Look, numbers: list[int]) -> Look:
    code = numbers[0]
    if code == 0:
        return PLAIN
    if code == 4 and numbers[1:2] == [0]:
        return replace(look, underline=False)
    if code in _SWITCHES:
        return replace(look, **_SWITCHES[code])
    return _with_named_colour(look, code)


def _with_named_colour(look: Look, code: int) -> Look:
    """30-37, 40-47, 39, 49 and the bright 90-97, 100-107."""
    base, index = divmod(code, 10)
    if base in (3, 4) and index in (8, 9):
        colour: int | None = None
    elif base in (3, 4) and index < 8:
        colour = index
    elif base in (9, 10) and index < 8:
        base, colour = base - 6, index + 8
    else:
        return look
    return replace(look, foreground=colour) if base == 3 else replace(look, background=colour)
