"""From a failure to what a person can do about it: the catalogue's advice, refined by what is known on this machine.

Each refinement looks at one thing (the names in the host book, the state of a key file, the algorithms offered) and
adds evidence, or advice that goes before the catalogue's own.
"""

from __future__ import annotations

import asyncio
import difflib
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.connection.target import Hop
from backend.errors import Advice, Code, FairleadError
from backend.hosts.book import HostBook
from backend.text import clean_line

_OPTIONS = {"kex": "KexAlgorithms", "key exchange": "KexAlgorithms", "cipher": "Ciphers", "encryption": "Ciphers"}
_OPTIONS |= {"mac": "MACs", "host key": "HostKeyAlgorithms", "host_key": "HostKeyAlgorithms"}
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about a failure, and what to do, most likely remedy first."""

    evidence: Mapping[str, str]
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Refinement:
    """What one look added."""

    evidence: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    error: FairleadError
    host: str
    hop: Hop | None
    book: HostBook


async def explain(error: FairleadError, *, host: str, hop: Hop | None, book: HostBook) -> Explanation:
    """The evidence and advice for `error`, which happened on the way to `host` at `hop` (None: before any hop)."""
    refine = _REFINEMENTS.get(error.code)
    if refine is None:
        return Explanation(dict(error.evidence), error.advice)
    added = await refine(_Case(error, host, hop, book))
    return Explanation({**added.evidence, **error.evidence}, (*added.advice, *error.advice))


async def _near_names(case: _Case) -> Refinement:
    """Hosts whose name or address is spelt much like what was asked for."""
    try:
        entries = await case.book.list()
    except FairleadError:
        return Refinement()
    asked = {case.host, case.error.evidence.get("address", case.host)}
    names = {spelling: entry.name for entry in entries for spelling in (entry.name, entry.address) if spelling}
    near = [match for word in sorted(asked) for match in difflib.get_close_matches(word, names, _NEAR)]
    told = " ".join(advice.text for advice in case.error.advice).split()
    found = [name for name in dict.fromkeys(names[match] for match in near) if name != case.host and name not in told]
    advice = (Advice(f"Did you mean {clean_line(name)}?", f"fairlead diagnose {clean_line(name)}") for name in found)
    return Refinement(advice=tuple(advice))


async def _key_file(case: _Case) -> Refinement:
    """The state of the key file that is at fault."""
    path = case.error.evidence.get("path")
    return Refinement() if not path else Refinement({"file": await asyncio.to_thread(_describe, Path(path))})


async def _keys_at_hand(case: _Case) -> Refinement:
    """Which keys there were to try, and whether an agent is there."""
    if case.hop is None:
        return Refinement()
    files = case.hop.identity_files
    described = await asyncio.to_thread(lambda: [f"{path} ({_describe(path)})" for path in files])
    agent = case.hop.agent_socket
    return Refinement({"keys": clean_line(", ".join(described)) or "none", "agent": str(agent) if agent else "none"})


async def _legacy_algorithm(case: _Case) -> Refinement:
    """The line that allows the server's own algorithm, for those who must."""
    option = _OPTIONS.get(case.error.evidence.get("kind", "").lower())
    offered = case.error.evidence.get("server", "").replace(",", " ").split()
    if option is None or not offered:
        return Refinement()
    line = f"{option} +{offered[0]}"
    return Refinement(advice=(Advice(f"If the device cannot be updated, add to its entry in ~/.ssh/config: {line}"),))


async def _other_port(case: _Case) -> Refinement:
    """A refusal at an unusual port is most often a wrong port."""
    if case.hop is None or case.hop.port == 22:
        return Refinement()
    retry = f"fairlead diagnose {clean_line(case.host)} -p 22"
    return Refinement(
        advice=(Advice(f"SSH listens on port 22 unless told otherwise; this was {case.hop.port}.", retry),)
    )


_REFINEMENTS: dict[Code, Callable[[_Case], Awaitable[Refinement]]] = {
    Code.HOST_UNKNOWN: _near_names,
    Code.NAME_NOT_FOUND: _near_names,
    Code.TCP_REFUSED: _other_port,
    Code.KEX_NO_MATCH: _legacy_algorithm,
    Code.AUTH_DENIED: _keys_at_hand,
    Code.AUTH_NO_METHOD: _keys_at_hand,
    Code.AUTH_KEY_PERMISSIONS: _key_file,
    Code.AUTH_KEY_UNREADABLE: _key_file,
}


def _describe(path: Path) -> str:
    """A file's kind, mode, owner and size, in a few words."""
    try:
        found = path.expanduser().stat()
    except OSError as error:
        return (error.strerror or "cannot be looked at").lower()
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file"
    return f"mode {stat.S_IMODE(found.st_mode):04o}, owner {found.st_uid}, {found.st_size} bytes"
