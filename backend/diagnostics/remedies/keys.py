"""The keys that are at hand on this machine, for a person to choose from: files in ~/.ssh, and what the agent holds."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from backend.connection.credentials import AgentKey, KeyFile, KeyProblem, public_line, read_key_file
from backend.connection.host_keys import HostKey, shorten
from backend.connection.target import Hop
from backend.dataclass import dataclass
from backend.errors import Code
from backend.text import clean_line

MOST_FILES = 400
"""Names of a directory that are looked at."""
_NO_KEYS = frozenset({"known_hosts", "known_hosts.old", "authorized_keys", "config", "environment", "rc"})


@dataclass(frozen=True, slots=True)
class KeyAtHand:
    """A key that can be named for a host."""

    path: Path
    """What is named: the private file, or the public half of a key that the agent holds."""
    fingerprint: str = ""
    """`SHA256:…`; empty where only its passphrase would show it."""
    kind: str = ""
    """`ssh-ed25519`, …"""
    in_agent: bool = False
    encrypted: bool = False
    named: bool = False
    """Tried for this host already."""
    problem: str = ""
    """Why it cannot be used as it is."""

    @property
    def words(self) -> str:
        """All about it on one line; what is long comes last, where it may be cut."""
        facts = (
            self.kind.removeprefix("ssh-"),
            self.problem,
            *(("in the agent",) if self.in_agent else ("asks for a passphrase",) if self.encrypted else ()),
            *(("tried already",) if self.named else ()),
            self.fingerprint or "shows no fingerprint before it is opened",
        )
        return ", ".join(clean_line(fact) for fact in facts if fact)

    @property
    def shown(self) -> str:
        return clean_line(shorten(self.path))


async def keys_at_hand(hop: Hop, directory: Path) -> tuple[KeyAtHand, ...]:
    """The keys below `directory` (~/.ssh), those that are named for `hop`, and those of its agent whose public half is
    there; those that were not tried yet first."""
    held: tuple[AgentKey, ...] = ()
    if hop.agent_socket is not None:
        from backend.connection.ssh.agent_keys import held_by

        held = await held_by(hop.agent_socket)
    found = await asyncio.to_thread(lambda: list(_look(hop, directory, held)))
    return tuple(sorted(found, key=lambda key: (key.named, bool(key.problem), str(key.path))))


def _look(hop: Hop, directory: Path, held: Sequence[AgentKey]) -> Iterator[KeyAtHand]:
    blobs = {key.blob for key in held}
    named = [path for path in hop.identity_files if _is_file(path)]
    paths = dict.fromkeys((*named, *_files(directory)))
    for path in paths:
        if path.suffix != ".pub" and _is_file(path):
            if (key := _private(path, blobs, named=path in named)) is not None:
                yield key
        elif path.suffix == ".pub" and path.with_suffix("") not in paths and _is_file(path):
            blob = _blob(path)
            if blob is not None and blob in blobs:
                yield _described(path, blob, in_agent=True, named=path in named)


def _files(directory: Path) -> Iterator[Path]:
    try:
        names = sorted(islice((path for path in directory.iterdir() if path.name not in _NO_KEYS), MOST_FILES))
    except OSError:
        return
    yield from (path for path in names if not path.name.endswith("-cert.pub"))


def _blob(path: Path) -> bytes | None:
    """The key of a `.pub` file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return public_line(file.read(1 << 16))
    except OSError:
        return None


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _private(path: Path, blobs: set[bytes], *, named: bool) -> KeyAtHand | None:
    match read_key_file(path):
        case KeyFile() as file:
            in_agent = file.public in blobs
            return _described(path, file.public, in_agent=in_agent, encrypted=file.encrypted, named=named)
        case KeyProblem(code=Code.AUTH_KEY_PERMISSIONS) as open_to_others:
            public = path.with_name(f"{path.name}.pub")
            key = _described(path, _blob(public) if _is_file(public) else None, named=named)
            return replace(key, problem=f"mode {open_to_others.mode}: others may read it")
        case _:
            return None


def _described(
    path: Path, blob: bytes | None, *, in_agent: bool = False, encrypted: bool = False, named: bool = False
) -> KeyAtHand:
    key = HostKey(blob) if blob else None
    return KeyAtHand(path, key.fingerprint if key else "", key.algorithm if key else "", in_agent, encrypted, named)
