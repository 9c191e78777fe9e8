"""A host that people log in to, behind a real sshd: the account that runs the tests, or one made for the test, with
start files of its own; sessions and a command service over it."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backend.clock import Clock, SystemClock
from backend.commands.elevation.elevation import Elevation
from backend.commands.executor import CommandService, CommandSpec, RunningCommand
from backend.commands.policy.guard import admits_all
from backend.commands.values import Opening
from backend.connection.interaction import Nobody
from backend.connection.sessions import Sessions
from backend.connection.ssh.connector import SshConnector
from backend.connection.vault import Vault
from backend.events import EventBus
from backend.production.guard import never_asks
from tests.support.openssh import Sshd, make_key, sshd, target, throw_away_user
from tests.support.scripted import ScriptedBook

HOST = "server"


@dataclass
class LoginHost:
    """The host, and who runs commands on it."""

    server: Sshd
    sessions: Sessions
    commands: CommandService
    clock: Clock
    home: Path
    user: str

    def start(self, command: bytes, opening: Opening | None = None) -> RunningCommand:
        return self.commands.start(HOST, CommandSpec(command, opening=opening))

    async def run(self, command: bytes, opening: Opening | None = None) -> RunningCommand:
        """Run it to its end."""
        started = self.start(command, opening)
        await started.wait()
        return started

    def cut(self) -> None:
        """Kill the server's processes for its connections and what runs in them, not the listener."""
        for pid in self.server.processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def login_host(
    root: Path,
    *lines: str,
    shell: str = "",
    files: Mapping[str, str] | None = None,
) -> AsyncIterator[LoginHost]:
    """With `shell` an account of its own (needs root) with that login shell and `files` in its home. `lines` are
    further lines of sshd_config(5)."""
    with ExitStack() as stack:
        home = root / "home"
        user = stack.enter_context(throw_away_user(home, shell=shell)) if shell else ""
        for name, text in (files or {}).items():
            (home / name).write_text(text)
        server = stack.enter_context(sshd(root / "server", *lines))
        key = make_key(root / "id")
        server.authorize(key)
        server.authorized_keys.chmod(0o644)
        for directory in (server.root, *server.root.parents):
            if directory.stat().st_uid == os.getuid() and len(directory.parts) > 2:
                directory.chmod(directory.stat().st_mode | 0o011)
        hop = server.hop(keys=[key], known=server.known_hosts(root / "known"), name=HOST)
        if user:
            hop = server.hop(keys=[key], known=root / "known", name=HOST, user=user)
        vault, clock, bus = Vault(), SystemClock(), EventBus()
        sessions = Sessions(
            connector=SshConnector(vault=vault, clock=SystemClock()),
            book=ScriptedBook(target(hop)),
            interaction=Nobody(),
            bus=bus,
            clock=clock,
            vault=vault,
        )
        elevations: dict[str, Elevation] = {}

        def elevation(host: str) -> Elevation:
            return elevations.setdefault(host, Elevation(sessions.get(host), interaction=Nobody(), vault=vault))

        commands = CommandService(
            sessions=sessions, bus=bus, clock=clock, admit=admits_all, permit=never_asks, elevation=elevation
        )
        try:
            yield LoginHost(server, sessions, commands, clock, home, hop.user)
        finally:
            await commands.close()
            await sessions.close()
