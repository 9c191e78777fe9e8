"""Names of unfinished files. Deterministic, so that a transfer that was killed finds what it had."""

from __future__ import annotations

import hashlib

SUFFIX = b".fairlead-part"
LONGEST_NAME = 255
"""Bytes of one name on every common file system (NAME_MAX)."""
_LONGEST_EXTENSION = 20
_DIGITS, _SALTED_DIGITS = 8, 16


def partial_name(final: bytes, salt: bytes = b"") -> bytes:
    """The hidden name under which `final` grows, in the same directory: at most 255 bytes.

    `salt` makes another name, for content that must not meet what another writer brings.
    """
    hexadecimal = hashlib.sha256(final + (b"\0" + salt if salt else b"")).hexdigest()
    digest = hexadecimal[: _SALTED_DIGITS if salt else _DIGITS].encode()
    room = LONGEST_NAME - len(SUFFIX) - len(digest) - 2
    return b"." + final[:room] + b"." + digest + SUFFIX


def is_partial(name: bytes) -> bool:
    """Whether a name in a directory is unfinished work."""
    return name.startswith(b".") and name.endswith(SUFFIX)


def numbered_name(name: bytes, number: int) -> bytes:
    """`name` with a number before its last extension: `a.tar.gz` -> `a.tar (2).gz`; cut to fit where it must."""
    stem, dot, extension = name.rpartition(b".")
    if not stem or len(extension) > _LONGEST_EXTENSION:
        stem, dot, extension = name, b"", b""
    tail = b" (%d)" % number + dot + extension
    return stem[: max(1, LONGEST_NAME - len(tail))] + tail
