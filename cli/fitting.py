"""Sentences in the width of a terminal, broken between words. Pure; programs and pipes get whole lines instead."""

from __future__ import annotations

import textwrap


def fitted(text: str, width: int | None, *, first: str = "", rest: str | None = None) -> list[str]:
    """`text` after `first`, in lines of `width` cells; what follows begins with `rest` (None: blank, as wide as
    `first`). A width of None breaks nothing, and a word that is too long stays whole: it may be copied."""
    if width is None or len(first) + len(text) <= width:
        return [first + text]
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]
