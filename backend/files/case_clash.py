"""Names of one transfer that some file systems take for the same: they differ in upper and lower case only, or in the
way an accent is written (as on macOS and Windows). Pure."""

from __future__ import annotations

import unicodedata

from backend.files.partial import partial_name

Parts = tuple[bytes, ...]

CLASH = "another name of this transfer differs from it in upper and lower case only, and has the place already"


def folded(parts: Parts) -> str:
    """What all spellings of a path have in common."""
    text = b"/".join(parts).decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


class Spellings:
    """Remembers the paths of a transfer, in a few bytes each."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def clash(self, anchor: bytes, parts: Parts) -> bool:
        """Whether another spelling of this path came before; the same path again is none."""
        own = hash((anchor, parts))
        return self._seen.setdefault(hash((anchor, folded(parts))), own) != own


def probe_names(salt: bytes) -> tuple[bytes, bytes]:
    """A name to be made for a moment, and its other spelling, under which it must not be found."""
    name = partial_name(b"case", salt)
    return name, name.upper()
