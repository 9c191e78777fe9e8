"""Writing what a remedy has found out into a machine's own entry, which is made where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.connection.target import Target
from backend.diagnostics.remedies.case import entry_name
from backend.diagnostics.remedies.undoing import taken_back
from backend.hosts.book import HostBook
from backend.hosts.draft import HostDraft
from backend.hosts.editor import HostEditor
from backend.hosts.entries import HostSource
from backend.settings.model import HostOptions
from backend.text import clean_line, shell_word


def own_entry(book: HostBook, hop: str) -> HostDraft | None:
    """What the own entry of the machine that is called `hop` says; None where it has none."""
    name = entry_name(hop)
    host = book.settings.hosts.get(name)
    return None if host is None else HostDraft.of_settings(name, host)


async def write_entry(
    book: HostBook, editor: HostEditor, hop: str, target: Target | None, values: Mapping[str, Any]
) -> str:
    """Set `values` (keys of `HostDraft.saying`) for the machine that is called `hop`; the command that takes it back.

    An entry that is there keeps all else. A new one leaves to ~/.ssh/config what that says, and says itself what
    `[defaults]` would otherwise say differently. Raises ConfigError, and then nothing was written.
    """
    name = entry_name(hop)
    old = own_entry(book, hop)
    if old is not None:
        await editor.change(old, old.saying(values))
        return taken_back(name, old, values)
    draft = HostDraft(name=name, ssh_host=await _alias(book, name))
    await editor.add(draft.saying({**_as_it_was(book.settings.defaults, name, target), **values}))
    return taken_back(name, None, values)


async def command_that_says(book: HostBook, hop: str, option: str) -> str:
    """The command line that writes `option`, as `hosts change` takes it, for the machine that is called `hop`."""
    name = entry_name(hop)
    word = shell_word(clean_line(name))
    if name in book.settings.hosts:
        return f"fairlead hosts change {word} {option}"
    alias = f" --ssh-host {word}" if await _alias(book, name) else ""
    return f"fairlead hosts add {word}{alias} {option}"


async def _alias(book: HostBook, name: str) -> str:
    """The name of ~/.ssh/config to which a new entry leaves the rest; empty where it is none."""
    written = {entry.name: entry.source for entry in await book.list()}
    return name if written.get(name) is HostSource.SSH_CONFIG else ""


def _as_it_was(defaults: HostOptions, name: str, target: Target | None) -> Mapping[str, Any]:
    """User, port and jump hosts as they are now, where `[defaults]` names others for own entries."""
    if target is None or entry_name(target.host.name) != name:
        return {}
    hop, jumps = target.host, ",".join(jump.name for jump in target.jumps)
    said: dict[str, Any] = {}
    if defaults.user is not None:
        said["user"] = hop.user
    if defaults.port is not None:
        said["port"] = str(hop.port)
    if defaults.jump is not None:
        said["jump"] = jumps or "none"
    return said
