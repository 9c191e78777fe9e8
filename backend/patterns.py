"""Regular expressions that are compiled when they are first used: no start waits for the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import compile as pattern
else:

    class _Pattern:
        """As `re.compile`."""

        def __init__(self, text: str | bytes, flags: int = 0) -> None:
            self._text = text
            self._flags = flags

        def __getattr__(self, name: str) -> Any:
            value = getattr(re.compile(self._text, self._flags), name)
            setattr(self, name, value)
            return value

    pattern = _Pattern


__all__ = ["pattern"]
