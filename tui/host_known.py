"""What the fields of a host's form are often filled with: names that are known, and whether what is typed fits them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.hosts.book import HostEntry, HostSource
from backend.hosts.routes import ORDER
from backend.settings.model import Settings
from tui.completion import fitting, last_part
from tui.glyphs import Glyphs
from tui.host_fields import unknown_jumps

_OFFERED = 6
"""Names that are told as fitting."""


class Known:
    """Hosts to go through, routes, groups, tags, profiles, aliases, keys."""

    def __init__(self, entries: Sequence[HostEntry], settings: Settings, own_name: str) -> None:
        self._entries = entries
        self._settings = settings
        self._own_name = own_name
        self.keys: Sequence[str] = ()
        """Key files, as far as they have been found."""

    def names(self, field: str) -> list[str]:
        """What can stand in a field, in the order in which it is offered."""
        names: Iterable[str] = ()
        match field:
            case "jump":
                names = self._others()
            case "routes":
                names = (*ORDER, *(f"jump:{name}" for name in self._others()))
            case "ssh_host":
                names = (entry.name for entry in self._entries if entry.source is HostSource.SSH_CONFIG)
            case "group":
                names = (entry.group for entry in self._entries if entry.group)
            case "tags":
                names = (tag for entry in self._entries for tag in entry.tags)
            case "profile":
                names = self._settings.profiles
            case "identity_files":
                names = self.keys
        return list(dict.fromkeys(names))

    def offered(self, field: str, text: str, glyphs: Glyphs) -> str:
        """The known names that fit what is typed, or a word about those that are not known."""
        known = self.names(field)
        if not known:
            return ""
        before, begun = last_part(text)
        dot = f" {glyphs.dot} "
        if fits := fitting(begun, known, without=before):
            more = f"{dot}{len(fits) - _OFFERED} more" if len(fits) > _OFFERED else ""
            return f"{'Known' if not begun else 'Fits'}: {dot.join(fits[:_OFFERED])}{more}"
        if field == "jump" and (unknown := unknown_jumps(text, known)):
            return f"{unknown[0]} is no host you know: its name will be looked up as it is."
        return ""

    def _others(self) -> Iterable[str]:
        return (entry.name for entry in self._entries if entry.name != self._own_name)
