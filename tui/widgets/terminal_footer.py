"""The footer under a terminal: the escape key and what it leads to, and where one is while that is not the screen."""

from __future__ import annotations

from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive

from tui.widgets.footer import Footer


class TerminalFooter(Footer):
    """Keys go to the program, so each of ours is shown with what has to be pressed before it."""

    note: reactive[Content] = reactive(Content(""))
    """Stands before the keys: a state, a place in the history."""
    own: reactive[tuple[tuple[str, str], ...]] = reactive(())
    """Keys and labels that count instead of ours, in a state in which the program gets none."""
    ready: reactive[bool] = reactive(False)
    """The escape key was pressed: ours count now."""

    def __init__(self, prefix: str) -> None:
        """`prefix` is how the escape key is written."""
        super().__init__()
        self._prefix = prefix

    def line(self) -> Content:
        width = self.content_size.width
        parts = [self.note] if self.note.plain else []
        parts += [_own_key(key.replace("^]", self._prefix), label) for key, label in self.own]
        if not self.own:
            parts += [self._lead(), *(self._key(binding, enabled) for binding, enabled in self._ranked())]
        line = parts[0]
        for part in parts[1:]:
            longer = Content("  ").join([line, part])
            if longer.cell_length > width:
                break
            line = longer
        return line.truncate(width, ellipsis=True)

    def _lead(self) -> Content:
        return Content.styled(f" {self._prefix} ", "bold $background on $accent" if self.ready else "bold $accent")

    def _key(self, binding: Binding, enabled: bool) -> Content:
        shown = (binding.key_display or binding.key).removeprefix("^] ")
        content = Content.assemble((shown, "bold $accent"), " ", binding.description)
        return content.stylize(f"@click=screen.{binding.action}")


def _own_key(key: str, label: str) -> Content:
    return Content.assemble((key, "bold $accent"), " ", label)
