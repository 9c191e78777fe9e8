"""The registry of actions: everything a key can do has an id, keys, a label and a help line, here.

Bindings of screens and widgets are made from it, and so are the footer, the help panel, the palette and the keymap.
A screen or widget module registers what it can do when it is imported; the shell's own actions are at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding, BindingType

from backend.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do."""

    id: str
    """`scope.name`, stable: keymaps and documentation name it."""
    keys: str
    """Textual key names, comma-separated; a keymap can replace them."""
    label: str
    """For the footer: one or two words, lower case."""
    help: str
    """For help and palette: a sentence."""
    group: str = ""
    """The heading it stands under in the help."""
    scope: str = "app"
    """The screen or widget it belongs to."""
    does: str = ""
    """Textual's action string; left out, the name after the dot (`connections.retry_now` does `retry_now`)."""
    rank: int = 0
    """Its place in the footer, 1 first; 0 stays out of it."""
    key_display: str | None = None
    """How the key is written, where Textual's way is not the reader's."""
    priority: bool = False
    """Works wherever the focus is. Never for a key that a terminal may need."""
    palette: bool = True
    """Offered by name in the palette."""

    @property
    def textual_action(self) -> str:
        """What Textual is told to run."""
        return self.does or self.id.rpartition(".")[2]


_registry: dict[str, Action] = {}


def register(*actions: Action) -> None:
    """Make actions known. The same action may come twice; two different ones with one id are a mistake of ours."""
    for action in actions:
        if _registry.setdefault(action.id, action) != action:
            raise ValueError(f"two actions are called {action.id}")


def find(action_id: str | None) -> Action | None:
    """The action with this id; None for bindings that are not ours."""
    return _registry.get(action_id or "")


def all_actions() -> tuple[Action, ...]:
    """Every action of the modules that are loaded."""
    return tuple(_registry.values())


def key_shown(action_id: str, keymap: Mapping[str, str]) -> str:
    """The first key of an action as it is written for people, where a text names it; `keymap` as in the settings."""
    action = _registry[action_id]
    if (own := keymap.get(action_id)) is not None:
        return own.partition(",")[0].strip()
    return action.key_display or action.keys.partition(",")[0]


def bindings(*ids: str) -> list[BindingType]:
    """Bindings for a `BINDINGS` class variable, in this order. KeyError for an id that nobody registered."""
    return [_binding(_registry[action_id]) for action_id in ids]


def bindings_of(actions: Iterable[Action]) -> list[BindingType]:
    """Register `actions` and make the bindings of all of them: the usual line of a screen module."""
    known = tuple(actions)
    register(*known)
    return [_binding(action) for action in known]


def _binding(action: Action) -> Binding:
    return Binding(
        action.keys,
        action.textual_action,
        action.label,
        show=action.rank > 0,
        key_display=action.key_display,
        priority=action.priority,
        tooltip=action.help,
        id=action.id,
    )


_GO = "Screens"
_WORKBENCH = "Workbench"

SHELL_ACTIONS = (
    Action("app.connections", "1", "connections", "Go to the connections.", _GO, does="show('connections')"),
    Action("app.commands", "2", "commands", "Go to the commands.", _GO, does="show('commands')"),
    Action("app.files", "3", "files", "Go to the files.", _GO, does="show('files')"),
    Action("app.diagnostics", "4", "diagnostics", "Go to the diagnostics.", _GO, does="show('diagnostics')"),
    Action("app.terminal", "ctrl+t", "terminal", "Go to the terminal on this host; opens one where it has none.", _GO),
    Action(
        "app.new_terminal",
        "alt+shift+t,alt+T",
        "new terminal",
        "Open another terminal on this host.",
        _GO,
        key_display="alt+T",
    ),
    Action("app.switch_host", "ctrl+o", "hosts", "Choose another host, from anywhere.", _WORKBENCH),
    Action("app.palette", "ctrl+p", "all", "Find any action by its name.", _WORKBENCH, palette=False),
    Action("app.help", "f1", "help", "Show or hide what the keys do here.", _WORKBENCH, does="toggle_help"),
    Action("app.quit", "ctrl+q", "quit", "Leave Fairlead; asks while work is running.", _WORKBENCH, priority=True),
    Action(
        "app.explain_ctrl_c",
        "ctrl+c",
        "ctrl+c",
        "Say how to stop a command and how to leave.",
        _WORKBENCH,
        palette=False,
    ),
)
"""What works on every screen."""
WAYS = frozenset(action.id for action in SHELL_ACTIONS if action.group == _GO)
"""Those that lead to another screen."""

ALT_ACTIONS = tuple(
    Action(
        f"app.{name}_alt",
        f"alt+{number}",
        name,
        f"Go to the {name}, also while typing.",
        _GO,
        does=f"show('{name}')",
        priority=True,
        palette=False,
    )
    for number, name in enumerate(("connections", "commands", "files", "diagnostics"), start=1)
)
"""The screen keys that work while a line is being typed."""

VERIFY = Action(
    "host.verify", "v", "verify", "Try what you do with this host: commands, files, room, clock.", "This host", "host",
    rank=3,
)  # fmt: skip
"""On more than one screen."""

register(*SHELL_ACTIONS, *ALT_ACTIONS, VERIFY)
