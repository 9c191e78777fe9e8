"""A small SSH server in the test's own process, for logins that OpenSSH cannot be made to ask for without PAM.

It records every secret that reaches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from backend.connection.target import Hop, KnownHostsFiles, Timeouts

Question = tuple[str, bool]


@dataclass
class Door:
    """Who may come in, and how."""

    passwords: Sequence[str] = ()
    """Right ones; empty: the method is not offered."""
    rounds: Sequence[tuple[str, str, Sequence[Question], Sequence[str]]] = ()
    """Keyboard-interactive rounds: title, instructions, questions, right answers."""
    asks_nothing: bool = False
    """It offers to ask questions, and refuses without one, as sshd without PAM does."""
    forwards: bool = False
    """Whether connections may be passed through."""
    expired: bool = False
    weak: Sequence[str] = ()
    """New passwords that are not good enough."""
    changes: list[tuple[str, str]] = field(default_factory=list)
    """Old and new passwords of the changes that were asked for."""
    delay: float = 0.0
    """Seconds before each answer to a keyboard-interactive round."""
    refusals: int = 0
    """Passwords and answers that were wrong."""
    banner: str = ""
    session: Callable[[], asyncssh.SSHServerSession[bytes] | bool] | None = None
    """Makes each session, or refuses it; with it `ssh_server` wants no `process_factory`."""
    on_begin: Callable[[asyncssh.SSHServerConnection], None] | None = None
    secrets: list[str] = field(default_factory=list)
    """What reached the server."""
    methods: list[str] = field(default_factory=list)
    begun: int = 0
    ended: int = 0
    """Connections that are gone."""
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)


class _Keeper(asyncssh.SSHServer):
    def __init__(self, door: Door) -> None:
        self._door = door
        self._round = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._door.connections.append(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.ended += 1

    def begin_auth(self, username: str) -> bool:
        self._door.begun += 1
        if self._door.banner:
            self._conn.send_auth_banner(self._door.banner)
        if self._door.on_begin is not None:
            self._door.on_begin(self._conn)
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return self._door.forwards

    def session_requested(self) -> Any:
        return self._door.session is not None and self._door.session()

    def public_key_auth_supported(self) -> bool:
        return False

    def password_auth_supported(self) -> bool:
        return bool(self._door.passwords)

    def validate_password(self, username: str, password: str) -> bool:
        self._door.methods.append("password")
        self._door.secrets.append(password)
        if self._door.expired:
            raise asyncssh.PasswordChangeRequired("Your password has expired\x1b[2J")
        return self._judged(password in self._door.passwords)

    def _judged(self, right: bool) -> bool:
        self._door.refusals += not right
        return right

    def change_password(self, username: str, old_password: str, new_password: str) -> bool:
        self._door.changes.append((old_password, new_password))
        if new_password in self._door.weak:
            raise asyncssh.PasswordChangeRequired("Too short\x1b[2J")
        if not self._judged(old_password in self._door.passwords):
            return False
        self._door.passwords, self._door.expired = [new_password], False
        return True

    def kbdint_auth_supported(self) -> bool:
        return bool(self._door.rounds) or self._door.asks_nothing

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        self._door.methods.append("keyboard-interactive")
        self._round = 0
        return False if self._door.asks_nothing else self._ask()

    def _ask(self) -> Any:
        title, instructions, questions, _ = self._door.rounds[self._round]
        return title, instructions, "", list(questions)

    async def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> Any:
        self._door.secrets.extend(responses)
        await asyncio.sleep(self._door.delay)
        if not self._judged(list(responses) == list(self._door.rounds[self._round][3])):
            return False
        self._round += 1
        return True if self._round == len(self._door.rounds) else self._ask()


@dataclass
class TestServer:
    """A running server."""

    __test__ = False

    port: int
    key: asyncssh.SSHKey
    door: Door

    def hop(self, directory: Path, *, trusted: bool = True, name: str = "server", **more: Any) -> Hop:
        """A hop to it; its key is known unless `trusted` is False."""
        known = directory / f"known_{self.port}"
        line = self.key.export_public_key().decode()
        known.write_text(f"[127.0.0.1]:{self.port} {line}" if trusted else "")
        limits = Timeouts(connect=5, first_byte=5, key_exchange=10, login=10, channel=5, close=1)
        settings: dict[str, Any] = {"known_hosts": KnownHostsFiles(user=(known,)), "timeouts": limits, **more}
        return Hop(name, "127.0.0.1", self.port, "me", **settings)


async def _echo(process: asyncssh.SSHServerProcess[bytes]) -> None:
    process.stdout.write((process.command or "").encode())
    process.exit(0)


@asynccontextmanager
async def ssh_server(
    door: Door,
    *,
    key: asyncssh.SSHKey | None = None,
    certificate: asyncssh.SSHCertificate | None = None,
    **options: Any,
) -> AsyncIterator[TestServer]:
    """A server on loopback, with a host key and a certificate for it. Commands are echoed; `options` go to
    `asyncssh.listen`."""
    key = key or asyncssh.generate_private_key("ssh-ed25519")
    shown = [(key, certificate)] if certificate is not None else [key]
    settings: dict[str, Any] = {"process_factory": _echo, "encoding": None, "login_timeout": 0, **options}
    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=lambda: _Keeper(door), server_host_keys=shown, config=None, **settings
    )
    try:
        yield TestServer(acceptor.get_port(), key, door)
    finally:
        acceptor.close()
        for connection in door.connections:
            connection.abort()
        await acceptor.wait_closed()
