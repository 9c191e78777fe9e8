"""A line of text on which keys take effect in the order in which they were pressed, and which shows nothing harmful."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import Input

from backend.text import clean_line


class TextLine(Input):
    """Every line that is typed into.

    Textual's own line takes a letter at once, but what a key is bound to (backspace, enter) only after the key has gone
    up through all parents. Where several keys arrive together, as over a slow link, from a password manager or from a
    script, `lx`, backspace, `s` would become `lx`. Here bound keys take their turn with the letters.
    """

    @property
    def _value(self) -> Text:
        """As it is drawn: with one sign in the place of each control character, for a name of a host's file may stand
        here. Textual's own draws some of them as they are and leaves others out, and the cursor stands elsewhere."""
        if self.password:
            return super()._value
        return Text(clean_line(self.value), no_wrap=True, overflow="ignore", end="")

    async def on_key(self, event: events.Key) -> None:
        if event.key.startswith("alt+"):
            event.prevent_default()  # terminals send alt and a letter as ESC and the letter: it is not typed
        active = None if event.is_printable else self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self or active.binding.priority:
            return
        if await self.app.run_action(active.binding.action, self):
            event.stop()
            event.prevent_default()
