"""What can be done where there are no hosts yet, or none of one's own. Pure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.content import Content

from backend.settings.paths import short
from tui.widgets.flow import broken, hanging

Key = Callable[[str], str]
"""How the key of an action is written."""


def first_steps(width: int, *, key: Key, config_file: Path | None, demo: bool) -> Content:
    """For an empty list: each way on with its key."""
    own = f", in {short(config_file)}" if config_file else ""
    steps = [
        ("new_host", f"write down a host of your own{own}"),
        ("type_host", "connect to an address you type"),
        ("import_hosts", "take over the hosts of an inventory file"),
        *([("open_demo", "look round in the simulated world")] if demo else []),
    ]
    lines = [hanging(Content.assemble((_key(key, name), "bold $accent"), "  "), words, width) for name, words in steps]
    files = "Hosts of ~/.ssh/config appear here by themselves; that file names none now."
    return Content("\n\n").join([Content.styled("No hosts yet.", "bold"), *lines, broken(files, width)])


def next_steps(width: int, *, key: Key, demo: bool) -> Content:
    """Below a list that ~/.ssh/config alone has filled."""
    parts = [("new_host", "a host of your own"), ("import_hosts", "import")]
    parts += [("open_demo", "the demo world")] if demo else []
    keys = [Content.assemble((_key(key, name), "bold $accent"), f" {words}") for name, words in parts]
    return broken(Content("   ").join(keys), width)


def _key(key: Key, name: str) -> str:
    return key(f"connections.{name}")
