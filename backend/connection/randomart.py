"""The picture of a key's fingerprint that OpenSSH draws ("drunken bishop", `sshkey.c:fingerprint_randomart`).

A person recognises the picture sooner than 43 characters. It is the same picture that `ssh-keygen -lv` prints, so that
the two can be held side by side.
"""

from __future__ import annotations

import hashlib

_SYMBOLS = " .o+=*BOX@%&#/^SE"
_COLUMNS, _ROWS = 17, 9
_START, _END = len(_SYMBOLS) - 2, len(_SYMBOLS) - 1
_MOST_VISITS = _START - 1
_TITLE_ROOM = _COLUMNS - 1


def draw(blob: bytes, title: str) -> str:
    """The picture for the key `blob`, with `title` (as `ED25519 256`) in its frame; eleven lines."""
    field = _walk(hashlib.sha256(blob).digest())
    rows = ["|" + "".join(_SYMBOLS[visits] for visits in row) + "|" for row in field]
    return "\n".join([_border(_fitting(title)), *rows, _border("[SHA256]")])


def _walk(digest: bytes) -> list[list[int]]:
    """How often the bishop came to each square; two bits of the digest are one diagonal step."""
    field = [[0] * _COLUMNS for _ in range(_ROWS)]
    x, y = _COLUMNS // 2, _ROWS // 2
    for byte in digest:
        for shift in (0, 2, 4, 6):
            step = byte >> shift
            x = min(max(x + (1 if step & 1 else -1), 0), _COLUMNS - 1)
            y = min(max(y + (1 if step & 2 else -1), 0), _ROWS - 1)
            field[y][x] = min(field[y][x] + 1, _MOST_VISITS)
    field[_ROWS // 2][_COLUMNS // 2] = _START
    field[y][x] = _END
    return field


def _fitting(title: str) -> str:
    """`[TYPE BITS]`, or `[TYPE]` where that is too long, cut to the frame as OpenSSH does."""
    full = f"[{title}]"
    if len(full) > _COLUMNS:
        full = f"[{title.split()[0]}]"
    return full[:_TITLE_ROOM]


def _border(label: str) -> str:
    left = (_COLUMNS - len(label)) // 2
    return "+" + "-" * left + label + "-" * (_COLUMNS - left - len(label)) + "+"
