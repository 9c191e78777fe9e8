"""Words and numbers out of a host's lines, cleaned. Pure."""

from __future__ import annotations

import re

from backend.text import show_bytes

LONGEST = 200
"""Characters of a word that are kept."""
MOST_EACH = 64
"""Mounts, disks, units of one kind that are kept."""
_OCTAL = re.compile(rb"\\([0-7]{3})")
_NUMBER = re.compile(r"-?\d{1,19}(?:[.,]\d{1,9})?")


def numbers(text: str) -> list[float]:
    """The numbers at the beginning of `text`, up to the first word that is none."""
    found = []
    for word in text.split():
        if not _NUMBER.fullmatch(word):
            break
        found.append(float(word.replace(",", ".")))
    return found


def clean(raw: bytes) -> str:
    """A line as it may be shown."""
    return show_bytes(raw.replace(b"\t", b" "))[:LONGEST].strip()


def plain(raw: bytes) -> str:
    """A name out of /proc/self/mounts, where space, tab, newline and backslash stand in octal."""
    return clean(_OCTAL.sub(lambda found: bytes((int(found[1], 8) & 0xFF,)), raw))
