"""A line of text on which keys take effect in the order in which they were pressed."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class TextLine(Input):
    """Every line that is typed into.

    Textual's own line takes a letter at once, but what a key is bound to (backspace, enter) only after the key has gone
    up through all parents. Where several keys arrive together, as over a slow link, from a password manager or from a
    script, `lx`, backspace, `s` would become `lx`. Here bound keys take their turn with the letters.
    """

    async def on_key(self, event: events.Key) -> None:
        active = None if event.is_printable else self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self or active.binding.priority:
            return
        if await self.app.run_action(active.binding.action, self):
            event.stop()
            event.prevent_default()
