"""What a name has to look like to be found: a glob, or a part of it. Pure."""

from __future__ import annotations

import fnmatch
import re

from backend.dataclass import dataclass

_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A glob over whole names, as find(1) `-name` has it. Of letters, only those of ASCII fold."""

    glob: bytes
    ignore_case: bool = False

    def matches(self, name: bytes) -> bool:
        """Whether the whole name fits."""
        one, other = (name.lower(), self.glob.lower()) if self.ignore_case else (name, self.glob)
        return fnmatch.fnmatchcase(one.decode("latin-1"), other.decode("latin-1"))


def typed_pattern(text: str) -> NamePattern:
    """What a person types: with `*`, `?` or `[` a glob, else a part of the name. Capitals make case count."""
    glob = text if _WILD.search(text) else f"*{text}*"
    return NamePattern(glob.encode("utf-8", "surrogateescape"), ignore_case=text == text.lower())
