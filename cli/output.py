"""stdout and stderr as bytes, unbuffered, without ever holding up the event loop.

What hosts send is written raw to pipes and files, and made safe to look at where it would reach a terminal.
"""

from __future__ import annotations

import base64
import codecs
import os
from typing import Protocol

from backend.fd_writer import FdWriter
from backend.text import clean_text, show_bytes


class ByteWriter(Protocol):
    """Where bytes go."""

    async def write(self, data: bytes) -> None:
        """Returns when all of `data` is written; raises BrokenPipeError when nobody reads any more, or FileError."""
        ...


class CleanWriter:
    """Shows bytes on a terminal: UTF-8 where they are, `\\xNN` where not, control codes replaced."""

    def __init__(self, inner: ByteWriter) -> None:
        self._inner = inner
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    async def write(self, data: bytes) -> None:
        await self._inner.write(clean_text(self._decoder.decode(data)).encode())


def stdout_for_data() -> ByteWriter:
    """stdout for what hosts send: raw, or cleaned on a terminal."""
    writer = FdWriter(1)
    return CleanWriter(writer) if os.isatty(1) else writer


def stream_fields(raw: bytes, key: str, encoding: str = "utf-8") -> dict[str, str]:
    """A stream for JSON: as text, and where it is not of this encoding, exactly in `…_base64` as well."""
    try:
        return {key: raw.decode(encoding)}
    except UnicodeDecodeError:
        return {key: raw.decode(encoding, "replace"), f"{key}_base64": base64.b64encode(raw).decode()}


def name_for_stdout(name: bytes) -> bytes:
    """A remote name as stdout gets it: raw, or made safe to look at on a terminal."""
    return show_bytes(name).encode() if os.isatty(1) else name
