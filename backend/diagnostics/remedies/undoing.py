"""How what a remedy writes into a machine's own entry is taken back, as a command line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.diagnostics.remedies.case import word
from backend.hosts.draft import HostDraft

_SWITCHES: Mapping[str, tuple[str, str]] = {"identities_only": ("--all-identities", "--identities-only")}
_LISTS: Mapping[str, str] = {"identity_files": "--key"}
_TABLES: Mapping[str, str] = {"algorithms": "--algorithm"}


def taken_back(name: str, own: HostDraft | None, keys: Iterable[str]) -> str:
    """What makes the entry `name` say about `keys` (as `HostDraft.said` takes them) what it says now, or take it out
    again where there is none yet."""
    if own is None:
        return f"fairlead hosts remove {word(name)}"
    words = (told for key in keys for told in _as_now(own, key))
    return f"fairlead hosts change {word(name)} {' '.join(map(word, words))}"


def _as_now(own: HostDraft, key: str) -> Iterable[str]:
    value, (table, _, part) = own.said(key), key.partition(".")
    if value in ("", (), None):
        return ("--clear", key)
    if key in _SWITCHES:
        return (_SWITCHES[key][value],)
    if key in _LISTS:
        return (told for item in value for told in (_LISTS[key], item))
    return (_TABLES[table], f"{part}={value}")
