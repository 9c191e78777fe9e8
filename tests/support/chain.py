"""A host behind two bastions, in network namespaces: each machine with its own user, key kind and host key kind.

`alpha` is entered with an ed25519 key under a passphrase, `beta` with a password (or an ecdsa key), `end` with an rsa
key. Every machine reaches only its neighbours.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.netns import END, FIRST, SECOND, Line, line, run_in
from tests.support.openssh import Sshd, make_key, sshd, throw_away_user
from tests.support.tiers import need_root

PASSPHRASE, PASSWORD = "alpha's passphrase", "beta's password"
NAMES = ("alpha", "beta", "end")
_KEY_KINDS = ("ed25519", "ecdsa", "rsa")
_HOST_KEY_KINDS = ("ecdsa", "rsa", "ed25519")


@dataclass(frozen=True, slots=True)
class Station:
    """One machine of the chain."""

    name: str
    namespace: str
    server: Sshd
    user: str
    key: Path
    """Opens it; without a passphrase."""
    known: Path
    """Trusts its host key."""
    home: Path

    def options(self) -> dict[str, str]:
        """How ssh_config(5) has it."""
        return {
            "HostName": self.server.address,
            "Port": str(self.server.port),
            "User": self.user,
            "IdentityFile": str(self.key),
            "UserKnownHostsFile": str(self.known),
        }


@dataclass(frozen=True, slots=True)
class Chain:
    """The machines, and how the client is told of them."""

    net: Line
    stations: tuple[Station, Station, Station]
    locked: Path
    """alpha's key, under PASSPHRASE."""

    def __getitem__(self, name: str) -> Station:
        return self.stations[NAMES.index(name)]

    def config(self, path: Path, **changes: Mapping[str, str]) -> Path:
        """A configuration in which `end` lies behind `beta`, and `beta` behind `alpha`; `changes` by machine."""
        written = []
        for station, before in zip(self.stations, (None, *NAMES), strict=False):
            options = {
                **station.options(),
                **({"ProxyJump": before} if before else {}),
                **changes.get(station.name, {}),
            }
            written.append("\n  ".join([f"Host {station.name}", *(f"{key} {value}" for key, value in options.items())]))
        everywhere = ["Host *", "IdentitiesOnly yes", "IdentityAgent none", "ConnectTimeout 2"]
        path.write_text("\n".join([*written, "\n  ".join(everywhere), ""]))
        return path

    def with_secrets(self, path: Path) -> Path:
        """As `config`, with a passphrase to type for `alpha` and a password for `beta`."""
        password = {"IdentityFile": "none", "PreferredAuthentications": "password"}
        return self.config(path, alpha={"IdentityFile": str(self.locked)}, beta=password)


@contextmanager
def chain(root: Path, *, lines: Mapping[str, tuple[str, ...]] | None = None) -> Iterator[Chain]:
    """Build it under `root`; `lines` of sshd_config(5) by machine."""
    need_root("machines with users of their own")
    more = lines or {}
    with ExitStack() as stack:
        net = stack.enter_context(line())
        stations = []
        for number, name in enumerate(NAMES):
            home = root / "homes" / name
            user = stack.enter_context(throw_away_user(home, password=PASSWORD if name == "beta" else ""))
            key = make_key(root / f"key_{name}", kind=_KEY_KINDS[number])
            server = stack.enter_context(_server(root / name, net, number, user, more.get(name, ())))
            server.authorize(key)
            known = server.known_hosts(root / f"known_{name}")
            stations.append(Station(name, net.machines[number + 1], server, user, key, known, home))
        locked = root / "locked_alpha"
        locked.write_bytes(stations[0].key.read_bytes())
        locked.chmod(0o600)
        command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", str(locked)]
        subprocess.run(command, check=True, capture_output=True)
        yield Chain(net, (stations[0], stations[1], stations[2]), locked)


@contextmanager
def _server(root: Path, net: Line, number: int, user: str, lines: tuple[str, ...]) -> Iterator[Sshd]:
    address = (FIRST, SECOND, END)[number]
    options = (f"AllowUsers {user}", "PasswordAuthentication yes", *lines)
    inside = run_in(net.machines[number + 1])
    with sshd(root, *options, host_key_kinds=[_HOST_KEY_KINDS[number]], address=address, inside=inside) as server:
        for directory in (root, *root.parents):
            if directory.stat().st_uid == os.getuid() and directory != Path("/"):
                directory.chmod(directory.stat().st_mode | 0o011)
        server.authorized_keys.chmod(0o644)
        yield server
