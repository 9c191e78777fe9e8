"""The footer: the five keys that matter here and now, and on the right the way to all the others."""

from __future__ import annotations

from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget

from tui.actions import find

KEYS_SHOWN = 5
_ALWAYS = ("app.help", "app.palette")


class Footer(Widget):
    """One line drawn from the active bindings: dim where an action cannot be done now."""

    auto_links = False
    behind: reactive[bool] = reactive(False)
    """Another screen lies over its own and has the keys: none are shown here."""

    def __init__(self, *, always: tuple[str, ...] = _ALWAYS) -> None:
        super().__init__()
        self._always = always

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        return Content("") if self.behind else self.line()

    def line(self) -> Content:
        """The keys."""
        width = self.content_size.width
        right = Content("   ").join([self._key(binding, True) for binding in self._standing()])
        room = width - right.cell_length - 3
        left = Content("")
        for binding, enabled in self._ranked()[:KEYS_SHOWN]:
            item = self._key(binding, enabled)
            longer = Content("   ").join([left, item]) if left.plain else item
            if longer.cell_length > room:
                break
            left = longer
        return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)

    def _ranked(self) -> list[tuple[Binding, bool]]:
        """The first binding of each ranked action, by rank; of the nearest widget where two share an action."""
        found: dict[str, tuple[int, Binding, bool]] = {}
        for active in self.screen.active_bindings.values():
            action = find(active.binding.id)
            if action is not None and action.rank and action.id not in found:
                found[action.id] = (action.rank, active.binding, active.enabled)
        return [(binding, enabled) for _, binding, enabled in sorted(found.values(), key=lambda item: item[0])]

    def _standing(self) -> list[Binding]:
        known = {active.binding.id: active.binding for active in self.screen.active_bindings.values()}
        return [known[name] for name in self._always if name in known]

    def _key(self, binding: Binding, enabled: bool) -> Content:
        key = self.app.get_key_display(binding)
        content = Content.assemble(
            (key, "bold $accent" if enabled else "$faint"),
            " ",
            (binding.description, "" if enabled else "$faint"),
        )
        return content.stylize(f"@click=app.press('{binding.key}')") if enabled else content
