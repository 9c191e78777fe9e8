"""What the border of an output view says: where one is, what is hidden, what was lost. Pure."""

from __future__ import annotations

from backend.dataclass import dataclass
from tui.glyphs import Glyphs


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputStatus:
    """What there is to say. Counts are of lines where nothing else is said."""

    lines: int
    """Kept by the buffer."""
    following: bool
    live: bool = True
    """More may come."""
    below: int = 0
    """Rows under the view."""
    dropped: int = 0
    """Discarded by the buffer to stay within bounds."""
    cut: int = 0
    """Split by the buffer because they were too long."""
    filtered: str = ""
    shown: int = 0
    """That the filter lets through."""
    unread: int = 0
    """That the filter has not read yet."""
    searched: str = ""
    matches: int = 0
    place: int | None = None
    """Which of the matches one is at, from 1."""
    unsearched: int = 0
    """That the search has not read yet."""

    def text(self, glyphs: Glyphs) -> str:
        """The line for the border, most passing first."""
        parts = [self._search(), self._filter(), self._losses(), self._place(glyphs)]
        return f" {glyphs.dot} ".join(part for part in parts if part)

    def _search(self) -> str:
        if not self.searched:
            return ""
        wanted = f"'{_short(self.searched)}'"
        if self.place is not None:
            return f"{wanted} {self.place:,} of {self.matches:,}{'+' if self.unsearched else ''}"
        if self.unsearched:
            return f"{wanted} searching, {self.unsearched:,} lines to go"
        return f"{wanted} on {self.matches:,} lines" if self.matches else f"{wanted} not found"

    def _filter(self) -> str:
        if not self.filtered:
            return ""
        unread = f", {self.unread:,} to read" if self.unread else ""
        return f"only '{_short(self.filtered)}': {self.shown:,}{unread}"

    def _losses(self) -> str:
        parts = [
            f"{self.dropped:,} older lines dropped" if self.dropped else "",
            f"{self.cut:,} overlong lines split" if self.cut else "",
        ]
        return ", ".join(part for part in parts if part)

    def _place(self, glyphs: Glyphs) -> str:
        if not self.following and self.below > 0:
            return f"+{self.below:,} lines {glyphs.down}"
        lines = f"{self.lines:,} line{'' if self.lines == 1 else 's'}"
        return f"following {glyphs.dot} {lines}" if self.following and self.live else lines


def _short(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "~"
