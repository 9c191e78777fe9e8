"""What takes the room on a host's disk, and the way to it: looked at here, removed on the files screen."""

from __future__ import annotations

from textual.app import ComposeResult

from backend.diagnostics.remedies.space import Room
from backend.text import clean_line
from tui.actions import Action, bindings_of
from tui.prompts.base import Prompt, Words
from tui.remedy_words import room_text

ACTIONS = (
    Action("room.go", "o,enter", "open in files", "Go to that directory on the files screen.", scope="prompts", rank=1,
           key_display="o"),
    Action("room.decline", "escape", "back", "Leave it as it is.", scope="prompts", rank=2, key_display="esc"),
)  # fmt: skip


class RoomPrompt(Prompt[bool]):
    """True where the person wants to go there."""

    BINDINGS = bindings_of(ACTIONS)

    def __init__(self, host: str, room: Room) -> None:
        super().__init__(f"what takes the room on {clean_line(host)}")
        self._room = room

    def compose_body(self) -> ComposeResult:
        yield Words(room_text(self._room))

    def action_go(self) -> None:
        self.dismiss(True)
