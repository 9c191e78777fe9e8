"""Text at the edge: bytes and words of others made safe to show. Nothing here knows about colours or markup."""

from __future__ import annotations

import shlex
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_KEPT = frozenset("\n\t")
# Bidirectional controls reorder what a person reads (Unicode TR #9); they pass for nothing in a name or a prompt.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(text: str) -> str:
    """`text` with control, format-override and unpaired surrogate characters replaced; newlines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_clean_character(character) for character in text)


def clean_line(text: str) -> str:
    """`text` on one line: as `clean_text`, with newlines and tabs shown as spaces."""
    return clean_text(text).replace("\n", " ").replace("\t", " ")


def shell_word(text: str) -> str:
    """`text` as one word of a shell's command line, for a person to copy; a home directory stays one (`~/…`)."""
    home = "~/" if text.startswith("~/") else ""  # left to the shell
    return home + shlex.quote(text.removeprefix(home))


def show_bytes(raw: bytes) -> str:
    """A remote name or message for a person: UTF-8 where it is, `\\xNN` where it is not, one line, no control codes.

    For display only: two different names may look alike, so nothing is looked up by what this returns.
    """
    text = raw.decode("utf-8", "backslashreplace")
    if text.isascii() and text.isprintable():
        return text
    return "".join(_show_character(character) for character in text)


def _clean_character(character: str) -> str:
    if character in _KEPT:
        return character
    if character in _BIDI or unicodedata.category(character) in {"Cc", "Cs"}:
        return _REPLACEMENT
    return character


def _show_character(character: str) -> str:
    if character in _BIDI or unicodedata.category(character) in {"Cc", "Cs"}:
        return repr(character)[1:-1] if ord(character) < 0x100 else _REPLACEMENT
    return character
