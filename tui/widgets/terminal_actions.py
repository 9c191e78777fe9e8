"""What the keys of a terminal do: after its escape key, and while one goes back in what it has shown.

All other keys belong to the program in the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping

from tui.actions import Action

GROUP = "Terminals"
BACK_GROUP = "Going back in a terminal"

PREFIX = Action(
    "terminals.prefix", "ctrl+right_square_bracket", "then a key",
    "The next key is for Fairlead, not for the program: one of these, or any other of the workbench. Twice: the "
    "program gets it.", GROUP, "terminals", palette=False, key_display="^]",
)  # fmt: skip


def _after(name: str, keys: str, label: str, help_: str, *, rank: int = 0, does: str = "") -> Action:
    shown = {"left_square_bracket": "[", "slash": "/", "question_mark": "?", "escape": "esc"}
    first = keys.partition(",")[0]
    display = f"^] {shown.get(first, first)}"
    return Action(
        f"terminals.{name}", keys, label, help_, GROUP, "terminals", does=does, rank=rank, key_display=display
    )


COMMANDS = (
    _after("new", "c", "new", "Open another terminal on this host.", rank=1),
    _after("next", "n", "next", "Go to the next terminal.", rank=2),
    _after("previous", "p", "previous", "Go to the terminal before."),
    _after("close", "x", "close", "Close this terminal; asks while a program runs in it.", rank=3),
    _after("again", "r", "open again", "Where nothing runs any more: open it again, under what it has shown."),
    _after("diagnose", "w", "diagnose", "Where it ended with the link, or never ran: climb the ladder of its host."),
    _after("zoom", "z", "zoom", "Give the program the whole of your own terminal. ^] z comes back.", rank=4),
    _after("back", "left_square_bracket", "go back", "Go back in what the terminal has shown.", rank=5),
    _after("search", "slash", "search", "Look for a text in what the terminal has shown."),
    _after("leave", "d,escape", "leave", "Back to the workbench; the program goes on.", rank=6),
    _after("keys", "question_mark", "help", "What the keys do here.", rank=7),
    *(
        Action(
            f"terminals.go_{number}", str(number), f"terminal {number}", f"Go to the terminal in tab {number}.", GROUP,
            "terminals", does=f"go({number})", key_display=f"^] {number}", palette=False,
        )
        for number in range(1, 10)
    ),
)  # fmt: skip
"""After the escape key; a screen's own bindings, so that help and palette know them."""

BACK = (
    Action("terminals.line_up", "up,k", "line up", "One line back.", BACK_GROUP, "terminals", palette=False),
    Action("terminals.line_down", "down,j", "line down", "One line on.", BACK_GROUP, "terminals", palette=False),
    Action("terminals.page_up", "pageup,shift+pageup", "page up", "One page back; shift+pageup at any time.",
           BACK_GROUP, "terminals", palette=False),
    Action("terminals.page_down", "pagedown,space,shift+pagedown", "page down",
           "One page on; shift+pagedown at any time.", BACK_GROUP, "terminals", palette=False),
    Action("terminals.top", "g,home", "top", "To the oldest line that is kept.", BACK_GROUP, "terminals",
           palette=False),
    Action("terminals.bottom", "G,end", "end", "To the screen as it is now.", BACK_GROUP, "terminals", palette=False),
    Action("terminals.look_for", "slash", "search", "Look for a text, upwards.", BACK_GROUP, "terminals",
           does="screen.search", palette=False),
    Action("terminals.found_up", "n", "next match", "The next match upwards.", BACK_GROUP, "terminals",
           does="found(-1)", palette=False),
    Action("terminals.found_down", "N", "match below", "The next match downwards.", BACK_GROUP, "terminals",
           does="found(1)", palette=False),
    Action("terminals.copy", "c,y,enter", "copy", "Copy what is selected, else what is in view.", BACK_GROUP,
           "terminals", palette=False),
    Action("terminals.forward", "escape,q,i", "back to the program", "The keys go to the program again.", BACK_GROUP,
           "terminals", palette=False),
)  # fmt: skip
"""While one goes back; bindings of the view itself."""


def prefix_keys(keymap: Mapping[str, str]) -> frozenset[str]:
    """The keys that are the escape key, by Textual's names; `keymap` as in the settings."""
    keys = keymap.get(PREFIX.id, PREFIX.keys)
    return frozenset(key.strip() for key in keys.split(",") if key.strip())
