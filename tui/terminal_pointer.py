"""What the mouse does over a terminal, from Textual's events to what its program is told. Pure but for its memory."""

from __future__ import annotations

from textual import events

from backend.commands.terminals.emulator import Modes
from backend.commands.terminals.mouse import Act, Button, MouseEvent, mouse_bytes

_BUTTONS = {1: Button.LEFT, 2: Button.MIDDLE, 3: Button.RIGHT}
_WHEELS: dict[type[events.MouseEvent], Button] = {
    events.MouseScrollUp: Button.WHEEL_UP,
    events.MouseScrollDown: Button.WHEEL_DOWN,
    events.MouseScrollLeft: Button.WHEEL_LEFT,
    events.MouseScrollRight: Button.WHEEL_RIGHT,
}
_ACTS: dict[type[events.MouseEvent], Act] = {
    events.MouseDown: Act.PRESSED,
    events.MouseUp: Act.RELEASED,
    events.MouseMove: Act.MOVED,
}


class Pointer:
    """The mouse over one terminal. A movement is told once for each cell."""

    def __init__(self) -> None:
        self._cell: tuple[int, int] | None = None
        self._held = Button.NONE

    def bytes_of(self, event: events.MouseEvent, columns: int, rows: int, modes: Modes) -> bytes:
        """What the program is sent; nothing for what it does not want to know. Cells outside count as the nearest."""
        cell = (min(max(0, event.x), columns - 1), min(max(0, event.y), rows - 1))
        wheel = _WHEELS.get(type(event))
        act = Act.PRESSED if wheel is not None else _ACTS.get(type(event))
        if act is None or (act is Act.MOVED and cell == self._cell):
            return b""
        self._cell = cell
        button = self._held if act is Act.MOVED else _BUTTONS.get(event.button, Button.NONE)
        if wheel is None and act is not Act.MOVED:
            self._held = button if act is Act.PRESSED else Button.NONE
        told = MouseEvent(
            act,
            button if wheel is None else wheel,
            *cell,
            shift=event.shift,
            alt=event.meta,
            ctrl=event.ctrl,
        )
        return mouse_bytes(told, modes)
