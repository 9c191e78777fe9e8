"""A SimulatedHost served over real SSH on loopback, so that any SSH client can visit: shell, commands, SFTP, jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import asyncssh
from asyncssh.channel import SSHChannel

from backend.connection.connector import PtyRequest, PtySize, StdStream
from mocks.host import SimulatedHost, User
from mocks.link import LOOPBACK, listener
from mocks.listening import free_port
from mocks.pipes import BrokenPipe
from mocks.served_ports import ServedListener, talker
from mocks.sftp import TreeServer
from mocks.shell.process import HostProcess
from mocks.world import World

_CLOSING: Final = 2.0
Route = Callable[[str, int], int | None]
"""The loopback port that stands for `host:port` of the world; None where no SSH server does."""


class HostServer:
    """`async with HostServer(host) as server:` then connect to 127.0.0.1, `server.port`."""

    def __init__(self, host: SimulatedHost, *, world: World | None = None, route: Route | None = None) -> None:
        """`world` and `route` say who else can be reached from it."""
        self.host = host
        self.world = world or World([host])
        self._route = route or (lambda _host, _port: None)
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._acceptor is not None
        return self._acceptor.get_port()

    async def start(self, port: int = 0) -> Self:
        """Listen on `port` of loopback, or on any that is free."""
        key = asyncssh.import_private_key(self.host.host_key.openssh)
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: _Connection(self),
            server_host_keys=[key],
            server_version=self.host.machine.banner.removeprefix("SSH-2.0-").partition(" ")[0],
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            login_timeout=120,
        )
        return self

    async def close(self) -> None:
        """Stop listening and drop everybody; bounded."""
        if self._acceptor is not None:
            self._acceptor.close()
        leaving = [asyncio.create_task(connection.wait_closed()) for connection in self.connections]
        for connection in tuple(self.connections):
            connection.abort()
        for task in tuple(self.tasks):
            task.cancel()
        if ending := [*leaving, *self.tasks]:
            await asyncio.wait(ending, timeout=_CLOSING)
        # What the connections carried learns of their end in the next turns of the loop.
        for _ in range(3):
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def ssh_port(self, host: str, port: int) -> int | None:
        """The loopback port of another host's SSH server."""
        return self._route(host, port)

    def keep(self, task: asyncio.Task[None]) -> None:
        """Hold `task` until it ends."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class _Connection(asyncssh.SSHServer):
    """One client."""

    def __init__(self, server: HostServer) -> None:
        self._server = server
        self._host = server.host
        self._conn: asyncssh.SSHServerConnection | None = None
        self._user = User("nobody", 65534)
        self._rounds: list[bool] = []
        self._sessions = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._server.connections.add(conn)
        self._host.wires.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._conn is not None
        self._server.connections.discard(self._conn)
        self._host.wires.discard(self)

    def cut(self) -> None:
        """As when a cable is pulled."""
        if self._conn is not None:
            self._conn.abort()

    # --- login -----------------------------------------------------------------------------------------------

    def begin_auth(self, username: str) -> bool:
        assert self._conn is not None
        # An account that does not exist looks like one with a password that nobody knows.
        self._user = self._host.users.get(username) or User(username, 65534, password="\0")
        if self._host.banner:
            self._conn.send_auth_banner(self._host.banner)
        return bool(self._user.methods)

    def password_auth_supported(self) -> bool:
        return self._user.password is not None

    async def validate_password(self, username: str, password: str) -> bool:
        await self._slowly()
        return password == self._user.password

    def public_key_auth_supported(self) -> bool:
        return bool(self._user.keys)

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        await self._slowly()
        shown = key.export_public_key().split()[1].decode()
        return any(line.split()[1] == shown for line in self._user.keys)

    def kbdint_auth_supported(self) -> bool:
        return bool(self._user.challenge)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        self._rounds = []
        return self._challenge()

    async def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> Any:
        await self._slowly()
        questions = self._user.challenge[len(self._rounds)]
        self._rounds.append(list(responses) == [question.answer for question in questions])
        return self._challenge() if len(self._rounds) < len(self._user.challenge) else all(self._rounds)

    def _challenge(self) -> tuple[str, str, str, list[tuple[str, bool]]]:
        questions = self._user.challenge[len(self._rounds)]
        return "", "", "", [(question.text, question.echo) for question in questions]

    async def _slowly(self) -> None:
        if self._host.faults.slow_login:
            await asyncio.sleep(self._host.faults.slow_login)

    # --- channels --------------------------------------------------------------------------------------------

    def session_requested(self) -> Any:
        assert self._conn is not None
        if self._sessions >= self._host.faults.max_sessions:
            return False
        channel = self._conn.create_server_channel(encoding=None)
        if self._host.faults.refuse_sessions:
            return channel, asyncssh.SSHServerSession[bytes]()
        sftp = None if self._host.faults.no_sftp else self._sftp
        return channel, asyncssh.SSHServerProcess[bytes](self._process, sftp, 3, False)

    def _sftp(self, channel: SSHChannel[bytes]) -> asyncssh.SFTPServer:
        assert isinstance(channel, asyncssh.SSHServerChannel)
        # OpenSSH's server takes the arguments of SYMLINK the wrong way round, and clients of a server that calls itself
        # OpenSSH know it; asyncssh's does so only for clients that call themselves OpenSSH.
        channel.set_extra_info(client_version="OpenSSH")
        if self._host.faults.noisy_login:
            channel.write(self._host.faults.noisy_login)
        self._sessions += 1
        task = asyncio.ensure_future(self._count_down(channel))
        self._server.keep(task)
        return TreeServer(channel, self._host, self._user)

    async def _count_down(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        try:
            await channel.wait_closed()
        finally:
            self._sessions -= 1

    async def _process(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self._sessions += 1
        task = asyncio.current_task()
        assert task is not None
        self._server.tasks.add(task)
        try:
            await _Bridge(process, self._host, self._user).run()
        finally:
            self._sessions -= 1
            self._server.tasks.discard(task)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        if self._host.faults.no_forwarding:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")
        found = self._host if dest_host in LOOPBACK else self._server.world.find(dest_host)
        if found is None or found.faults.no_name:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Name or service not known")
        port = self._server.ssh_port(found.name, dest_port)
        if port is not None and not found.faults.refuses:
            return self._conn.forward_connection("127.0.0.1", port) if self._conn else False
        program = listener(found, dest_port)
        if program is None:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused")
        return talker(program)

    def unix_connection_requested(self, dest_path: str) -> Any:
        if self._host.faults.no_forwarding:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")
        if dest_path not in self._host.sockets:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        return talker(self._host.sockets[dest_path])

    def server_requested(self, listen_host: str, listen_port: int) -> Any:
        conn, host = self._conn, self._host
        port = free_port(host, listen_port)
        if conn is None or port is None or self._forbidden():
            return False

        async def dial() -> Any:
            return await conn.open_connection(listen_host, port, "127.0.0.1", 51234)

        return ServedListener(host.programs, port, dial, port=port)

    def unix_server_requested(self, listen_path: str) -> Any:
        conn, host = self._conn, self._host
        if conn is None or listen_path in host.sockets or self._forbidden():
            return False

        async def dial() -> Any:
            return await conn.open_unix_connection(listen_path)

        return ServedListener(host.sockets, listen_path, dial)

    def _forbidden(self) -> bool:
        """As OpenSSH's server tells why it opens no port."""
        if self._host.faults.no_forwarding and self._conn is not None:
            self._conn.send_debug("Server has disabled port forwarding.")
        return self._host.faults.no_forwarding


class _Bridge:
    """Between a channel and a process on the host."""

    def __init__(self, process: asyncssh.SSHServerProcess[bytes], host: SimulatedHost, user: User) -> None:
        self._channel = process
        self._closed = asyncio.ensure_future(process.channel.wait_closed())
        pty = None
        if process.term_type:
            columns, rows = process.term_size[:2]
            pty = PtyRequest(process.term_type, PtySize(columns or 80, rows or 24))
        command = None if process.command is None else process.command.encode("utf-8", "surrogateescape")
        self._process = HostProcess(host, user, command, pty=pty, env=dict(process.env))

    async def run(self) -> None:
        """Until the process has ended or the client has gone."""
        feeding = asyncio.create_task(self._feed())
        printing = asyncio.create_task(self._print())
        try:
            await asyncio.wait({printing, self._closed}, return_when=asyncio.FIRST_COMPLETED)
            if not self._closed.done():
                report = await self._process.wait()
                if report.signal is not None:
                    self._channel.exit_with_signal(report.signal)
                else:
                    self._channel.exit(report.status or 0)
        finally:
            for task in (feeding, printing, self._closed):
                task.cancel()
            await asyncio.gather(feeding, printing, self._closed, self._process.close(), return_exceptions=True)

    async def _print(self) -> None:
        with suppress(OSError, asyncssh.Error):
            while (chunk := await self._process.output.get()) is not None:
                writer = self._channel.stdout if chunk.stream is StdStream.OUT else self._channel.stderr
                writer.write(chunk.data)
                await writer.drain()

    async def _feed(self) -> None:
        with suppress(BrokenPipe, OSError, asyncssh.Error):
            while True:
                try:
                    data = await self._channel.stdin.read(65536)
                except asyncssh.TerminalSizeChanged as change:
                    self._process.resize(PtySize(change.width, change.height))
                except asyncssh.SignalReceived as received:
                    self._process.send_signal(received.signal)
                except asyncssh.BreakReceived:
                    self._process.send_signal("INT")
                else:
                    if not data:
                        break
                    await self._process.write(data)
        self._process.write_eof()
