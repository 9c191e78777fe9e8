"""Help for where the person is: what the focused part is for, and what every key does there."""

from __future__ import annotations

from itertools import groupby

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.actions import Action, bindings_of, find
from tui.prompts.base import Prompt, Words

ACTIONS = (
    Action("help.decline", "escape,f1,q", "close", "Back to the screen.", scope="prompts", rank=1, key_display="esc"),
)
_KEY_WIDTH = 12
_LAST = frozenset({"Lists", "Workbench", "Screens"})
"""Groups that are the same everywhere, after what is particular."""


class HelpPrompt(Prompt[None]):
    """Drawn once from the screen's active bindings, so that it cannot promise what does not work there."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__("keys")
        self._words = help_text(screen)
        self._groups = key_table(screen)

    def compose_body(self) -> ComposeResult:
        if self._words:
            yield Words(self._words, classes="quiet")
        for title, lines in self._groups:
            yield Words(title, classes="heading")
            yield Words(Content("\n").join(lines))


def help_text(screen: Screen[object]) -> str:
    """The help of the focused widget, or of what surrounds it: a paragraph, which is broken where it is drawn."""
    nodes = (screen.focused or screen).ancestors_with_self
    return next((" ".join(node.HELP.split()) for node in nodes if isinstance(node, Widget) and node.HELP), "")


def key_table(screen: Screen[object]) -> list[tuple[str, list[Content]]]:
    """Each group of actions with a line for each: keys, label, what it does."""
    keys: dict[str, list[str]] = {}
    enabled: dict[str, bool] = {}
    for active in screen.active_bindings.values():
        if (action := find(active.binding.id)) is not None:
            keys.setdefault(action.id, []).append(screen.app.get_key_display(active.binding))
            enabled[action.id] = active.enabled
    actions = [action for name in keys if (action := find(name)) is not None]
    order = list(dict.fromkeys(action.group for action in actions))
    actions.sort(key=lambda action: (action.group in _LAST, order.index(action.group)))
    return [
        (group or "Here", [_line(action, keys[action.id], enabled[action.id]) for action in members])
        for group, members in groupby(actions, key=lambda action: action.group)
    ]


def _line(action: Action, keys: list[str], enabled: bool) -> Content:
    shown = " ".join(dict.fromkeys(keys))
    style = "bold $accent" if enabled else "$faint"
    return Content.assemble((f"{shown:<{_KEY_WIDTH}}", style), (action.help, "" if enabled else "$faint"))
