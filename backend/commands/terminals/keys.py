"""What keys, pastes and the focus send to a program, as an xterm has it (ctlseqs, "PC-Style Function Keys"). Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from backend.commands.terminals.emulator import Modes

_ESC, _CSI, _SS3 = "\x1b", "\x1b[", "\x1bO"
_CURSOR: Mapping[str, str] = dict(
    zip(("up", "down", "right", "left", "kp_begin", "end", "home"), "ABCDEFH", strict=True)
)
"""With SS3 in application cursor mode."""
_F1_TO_F4: Mapping[str, str] = dict(zip(("f1", "f2", "f3", "f4"), "PQRS", strict=True))
"""Always with SS3, but with modifiers."""
_NUMBERED: Mapping[str, int] = dict(
    zip(
        ("insert", "delete", "pageup", "pagedown", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12"),
        (2, 3, 5, 6, 15, 17, 18, 19, 20, 21, 23, 24),
        strict=True,
    )
)
_KEYPAD: Mapping[str, tuple[str, str]] = {
    "multiply": ("*", "j"),
    "add": ("+", "k"),
    "separator": (",", "l"),
    "subtract": ("-", "m"),
    "decimal": (".", "n"),
    "divide": ("/", "o"),
    "equal": ("=", "X"),
}
"""What they write, and what they send with SS3 in application keypad mode."""
_NAMES: Mapping[str, str] = {
    "slash": "/",
    "backslash": "\\",
    "at": "@",
    "minus": "-",
    "hyphen_minus": "-",
    "plus": "+",
    "underscore": "_",
    "less_than_sign": "<",
    "greater_than_sign": ">",
}
"""Characters by names that Unicode does not have, or writes otherwise."""
_SHIFT, _ALT, _CTRL = "shift", "alt", "ctrl"
_WEIGHTS: Mapping[str, int] = {_SHIFT: 1, _ALT: 2, _CTRL: 4}
_CTRL_DIGITS: Mapping[str, str] = dict(zip("2345678/?", "\x00\x1b\x1c\x1d\x1e\x1f\x7f\x1f\x7f", strict=True))


def key_bytes(key: str, character: str | None, modes: Modes) -> bytes:
    """What `key` sends, nothing where a terminal has nothing for it.

    Keys are named as Textual does: `a`, `A`, `full_stop`, `up`, `f5`, with modifiers before them: `ctrl+shift+left`,
    `alt+x`. `character` is what the key writes, where that is known.
    """
    *prefixes, name = key.split("+")
    modifiers = {_ALT if prefix == "meta" else prefix for prefix in prefixes if prefix}
    if not modifiers <= _WEIGHTS.keys():
        return b""
    sent = _function(name, modifiers, modes) or _character(name, character, modifiers, modes)
    return sent.encode("utf-8", "replace")


def _function(name: str, modifiers: set[str], modes: Modes) -> str:
    """Cursor keys, function keys and those above the cursor keys."""
    if name[:1] == "f" and name[1:].isdecimal() and 13 <= int(name[1:]) <= 24:
        name, modifiers = f"f{int(name[1:]) - 12}", modifiers | {_SHIFT}  # as the terminfo entry names them
    code = 1 + sum(_WEIGHTS[modifier] for modifier in modifiers)
    if final := _CURSOR.get(name) or _F1_TO_F4.get(name):
        if code > 1:
            return f"{_CSI}1;{code}{final}"
        return (_SS3 if modes.application_cursor or name in _F1_TO_F4 else _CSI) + final
    if number := _NUMBERED.get(name):
        return f"{_CSI}{number};{code}~" if code > 1 else f"{_CSI}{number}~"
    return ""


def _character(name: str, character: str | None, modifiers: set[str], modes: Modes) -> str:
    """Everything else, with ESC before it where alt is held."""
    if name == "tab" and _SHIFT in modifiers:
        return f"{_CSI}Z"
    sent = _plain(name, character, modifiers, modes)
    return _ESC + sent if sent and _ALT in modifiers else sent


def _plain(name: str, character: str | None, modifiers: set[str], modes: Modes) -> str:
    ctrl = _CTRL in modifiers
    if name == "enter":
        return "\r\n" if modes.newline else "\r"
    if name == "backspace":
        return "\b" if ctrl else "\x7f"
    if name in ("tab", "escape"):
        return "\t" if name == "tab" else _ESC
    if name in _KEYPAD:
        written, application = _KEYPAD[name]
        return _SS3 + application if modes.application_keypad else written
    written = _written(name, character)
    if _SHIFT in modifiers and not character:
        written = written.upper()
    return _controlled(written) if ctrl else written


def _written(name: str, character: str | None) -> str:
    """The character that a key writes."""
    if character and character.isprintable():
        return character
    if len(name) == 1:
        return name
    if name in _NAMES:
        return _NAMES[name]
    try:
        return unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return ""


def _controlled(character: str) -> str:
    """A character with ctrl; what has no control code is sent as it is."""
    if character in _CTRL_DIGITS:
        return _CTRL_DIGITS[character]
    upper = character.upper()
    if character == " ":
        return "\x00"
    return chr(ord(upper) & 0x1F) if len(upper) == 1 and "@" <= upper <= "_" else character


def paste_bytes(text: str, modes: Modes) -> bytes:
    """A text as typed: line ends as Enter sends them, tabs, and nothing else that controls.

    Without ESC in it a text can neither end the bracket that marks it as pasted, nor pass for keys.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(character for character in lines if character in "\n\t" or unicodedata.category(character) != "Cc")
    data = kept.replace("\n", "\r").encode("utf-8", "replace")
    return b"\x1b[200~" + data + b"\x1b[201~" if modes.bracketed_paste else data


def focus_bytes(modes: Modes, *, focused: bool) -> bytes:
    """That the terminal has the focus, or lost it; nothing where the program did not ask."""
    if not modes.focus_events:
        return b""
    return b"\x1b[I" if focused else b"\x1b[O"
