"""The program as its users run it: a process of its own, with a home of its own, driven by its command line."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.openssh import Sshd

CALL = (sys.executable, "-m", "cli.main")
_LEFT_OUT = ("FAIRLEAD_", "SSH_", "XDG_")
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command line."""

    status: int
    out: bytes
    err: bytes

    @property
    def json(self) -> Any:
        """The last line of stdout."""
        return json.loads(self.out.splitlines()[-1])


@dataclass(frozen=True, slots=True)
class Program:
    """Fairlead with state, configuration and home under `home`. `inside` goes before it, as `ip netns exec NAME`."""

    home: Path
    inside: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        own = {"HOME": str(self.home), "FAIRLEAD_STATE_DIR": str(self.home / "state"), "PYTHONPATH": str(ROOT)}
        return {**kept, **own, **self.env}

    def run(self, *arguments: str, stdin: bytes = b"", limit: float = 60) -> Ran:
        """Run it to its end."""
        done = subprocess.run(
            [*self.inside, *CALL, *arguments],
            input=stdin,
            capture_output=True,
            timeout=limit,
            env=self.environment,
            cwd=self.home,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    async def start(self, *arguments: str, piped: bool = False) -> asyncio.subprocess.Process:
        """Start it, with both outputs piped; stdin too, where asked for."""
        return await asyncio.create_subprocess_exec(
            *self.inside,
            *CALL,
            *arguments,
            stdin=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
            cwd=self.home,
        )


def ssh_config(path: Path, servers: Mapping[str, Sshd], key: Path, **options: str) -> Path:
    """An OpenSSH client configuration: an alias for each server, which `key` opens and whose host keys are known."""
    known = path.with_name("known_hosts")
    lines = []
    for alias, server in servers.items():
        server.authorize(key)
        with known.open("a") as file:
            file.write(server.known_hosts(path.with_name(f"known_{alias}")).read_text())
        lines += [f"Host {alias}", f"  HostName {server.address}", f"  Port {server.port}", f"  User {server.user}"]
    lines += ["Host *", f"  IdentityFile {key}", "  IdentitiesOnly yes", f"  UserKnownHostsFile {known}"]
    lines += [f"  {name} {value}" for name, value in options.items()]
    path.write_text("\n".join(lines) + "\n")
    return path
