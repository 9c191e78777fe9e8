"""What a program wants of the window: its title, the clipboard, the form of the cursor (OSC; ctlseqs, "Operating System
Commands"). Colours are the person's, and not changed."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error

from backend.commands.terminals.emulator import CursorShape
from backend.text import clean_line, clean_text

MAX_TITLE = 256
MAX_CLIPBOARD = 100_000
"""Characters of one text."""
_MAX_TEXTS = 8
_MAX_TITLES = 16
_SHAPES = (CursorShape.BLOCK,) * 3 + (CursorShape.UNDERLINE,) * 2 + (CursorShape.BAR,) * 2


class Window:
    """The window that a program believes to have."""

    def __init__(self) -> None:
        self._clipboard: list[str] = []
        self.reset()

    def reset(self) -> None:
        self.title = ""
        self.style = 0
        """DECSCUSR's number."""
        self._titles: list[str] = []

    @property
    def shape(self) -> CursorShape:
        return _SHAPES[self.style]

    def set_shape(self, style: int) -> None:
        """DECSCUSR."""
        if style < len(_SHAPES):
            self.style = style

    def stack_title(self, put: bool) -> None:
        """XTWINOPS 22 and 23: remember the title, and bring it back."""
        if put:
            self._titles = [*self._titles[1 - _MAX_TITLES :], self.title]
        elif self._titles:
            self.title = self._titles.pop()

    def command(self, body: str) -> None:
        """An OSC."""
        number, _, text = body.partition(";")
        if number in ("0", "2"):
            self.title = clean_line(text[:MAX_TITLE])
        elif number == "52":
            self._copy(text.partition(";")[2])

    def _copy(self, encoded: str) -> None:
        """OSC 52. What is no base64, or too long to be wanted, is left out; a question is not answered."""
        if len(encoded) > MAX_CLIPBOARD * 4 * 4 // 3:
            return
        try:
            raw = b64decode(encoded.encode("ascii"), validate=True)
        except (Error, UnicodeEncodeError):
            return
        text = clean_text(raw.decode("utf-8", "replace"))
        if text and len(text) <= MAX_CLIPBOARD and len(self._clipboard) < _MAX_TEXTS:
            self._clipboard.append(text)

    def take_clipboard(self) -> tuple[str, ...]:
        texts, self._clipboard = tuple(self._clipboard), []
        return texts
