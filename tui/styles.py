"""The program's styles, each source of which is parsed once."""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_MOST_SOURCES = 512
"""More than there are widgets and style files; Textual keeps 64, and parses each anew where there are more."""


class KeptStyles(Stylesheet):
    """Textual parses every source once more when a screen brings styles of its own: 40 to 100 ms in which no key is
    heard. Here only what is new is parsed. Other variables, as another theme has, empty the store (`set_variables`)."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache: LRUCache[tuple[object, ...], list[RuleSet]] = LRUCache(_MOST_SOURCES)

    def reparse(self) -> None:
        """As Textual's: what cannot be parsed raises, and the rules stay as they were."""
        self.parse()
