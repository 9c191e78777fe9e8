"""Forwards through real OpenSSH servers: what they carry, how refusals are told apart, and a link that is cut."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backend.errors import Code
from backend.forwards.model import ForwardState
from mocks.relay import Relay
from tests.support.connecting import connected
from tests.support.forwarding import (
    closed,
    dial,
    exchanged,
    forwarding,
    idle_until,
    local_server,
    taken_port,
    was_reset,
)
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.program import Program, ssh_config
from tests.support.worlds import Rig, rig_of

pytestmark = pytest.mark.sshd
HTTP = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


async def serve_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a web server: the answer when the request has come, then the end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(PAGE)


async def fetched(port: int, before: bytes = b"", *, host: str = "127.0.0.1") -> bytes:
    """What the web server at `port` answers; `before` is a client's whole SOCKS handshake."""
    reader, writer = await dial(port, host)
    writer.write(before + HTTP)
    async with asyncio.timeout(10):
        answer = await reader.read()
    await closed(writer)
    return answer


def socks_to(port: int) -> bytes:
    return b"\x05\x01\x00\x05\x01\x00\x03\x09127.0.0.1" + port.to_bytes(2, "big")


# --- the service -------------------------------------------------------------------------------------------------


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig_of("sshd", tmp_path) as ready:
        yield ready


async def test_every_kind_comes_back_after_a_cut(rig: Rig) -> None:
    async with local_server(serve_page) as web, forwarding(rig) as room:
        local = await room.start(f"L 0:127.0.0.1:{web}")
        socks = await room.start("D 0")
        remote = await room.start(f"R 0:127.0.0.1:{web}")
        backwards = await room.start("R 127.0.0.1:0")
        for _ in range(2):
            assert await fetched(local.port) == PAGE
            assert (await fetched(socks.port, socks_to(web))).endswith(PAGE)
            assert await fetched(remote.port) == PAGE
            assert (await fetched(backwards.port, socks_to(web))).endswith(PAGE)
            await idle_until(lambda: not any(view.open for view in room.service.views()))
            rig.cut()
            for view in (local, socks, remote, backwards):
                again = await room.listening_again(view.id)
                assert again.port == view.port
            room.changes.clear()
        assert [view.errors for view in room.service.views()] == [0, 0, 0, 0]
        assert [view.total for view in room.service.views()] == [2, 2, 2, 2]


@pytest.mark.parametrize("gateway", ["no", "yes", "clientspecified"])
@pytest.mark.parametrize("bind", ["", "*:", "localhost:", "127.0.0.1:", "[::1]:", "0.0.0.0:"])
async def test_every_address_that_a_server_may_bind_brings_its_connections(
    tmp_path: Path, gateway: str, bind: str
) -> None:
    async with (
        rig_with(tmp_path, f"GatewayPorts {gateway}") as rig,
        local_server(serve_page) as web,
        forwarding(rig) as room,
    ):
        view = await room.start(f"R {bind}0:127.0.0.1:{web}")
        assert view.state is ForwardState.LISTENING, view
        at = "::1" if "::1" in bind and gateway != "yes" else "127.0.0.1"
        assert await fetched(view.port, host=at) == PAGE


async def test_sockets_are_carried_both_ways(rig: Rig, tmp_path: Path) -> None:
    there, here, made = tmp_path / "there", tmp_path / "here", tmp_path / "made"
    async with local_server(serve_page, there), forwarding(rig) as room:
        for text in (f"L {here}:{there}", f"R {made}:{there}"):
            view = await room.start(text)
            assert view.state is ForwardState.LISTENING, view
            reader, writer = await asyncio.open_unix_connection(view.places[0])
            writer.write(HTTP)
            assert await reader.read() == PAGE
            await closed(writer)


async def test_a_megabyte_passes_unchanged_while_others_come_and_go(rig: Rig) -> None:
    async with forwarding(rig) as room:
        view = await room.start(f"L 0:{rig.echo[0]}:{rig.echo[1]}")
        payload = bytes(range(256)) * 8192
        answers = await asyncio.gather(*(exchanged(view.port, payload[: size << 16]) for size in (32, 1, 7, 0, 16)))
        assert [len(answer) >> 16 for answer in answers] == [32, 1, 7, 0, 16]
        assert answers[0] == payload
        done = await room.until(view.id, lambda view: view.open == 0)
        assert done.sent == done.received == 56 << 16


async def test_a_slow_reader_holds_back_a_fast_sender(tmp_path: Path) -> None:
    """What lies between them is a few windows and kernel buffers, however long it goes on."""
    poured = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal poured
        while True:
            writer.write(bytes(1 << 16))
            await writer.drain()
            poured += 1 << 16

    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd") as server:
        server.authorize(key)
        hop = server.hop(keys=[key], known=server.known_hosts(tmp_path / "known"))
        async with local_server(pour) as port, connected(target(hop)) as link:
            stream = await link.open_stream("127.0.0.1", port)
            taken = 0
            for _ in range(200):
                taken += len(await stream.read())
                await asyncio.sleep(0.005)
            assert poured - taken < 24 << 20
            await stream.close()


# --- refusals ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def rig_with(tmp_path: Path, *lines: str) -> AsyncIterator[Rig]:
    """A rig whose server has these lines in its configuration."""
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd", *lines) as server:
        server.authorize(key)
        hop = server.hop(keys=[key], known=server.known_hosts(tmp_path / "known"))
        async with rig_of("simulated", tmp_path) as rig:
            from backend.clock import SystemClock
            from backend.connection.ssh.connector import SshConnector
            from backend.connection.vault import Vault

            rig.connector, rig.target = SshConnector(vault=Vault(), clock=SystemClock()), target(hop)
            yield rig


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("AllowTcpForwarding no",), Code.LISTEN_PROHIBITED),
        (("AllowTcpForwarding local",), Code.LISTEN_PROHIBITED),
        (("DisableForwarding yes",), Code.LISTEN_PROHIBITED),
        (("PermitListen 127.0.0.1:1",), Code.LISTEN_PROHIBITED),
    ],
)
async def test_a_server_that_opens_no_ports_is_told_from_a_port_that_is_taken(
    tmp_path: Path, lines: tuple[str, ...], code: Code
) -> None:
    async with rig_with(tmp_path, *lines) as rig, forwarding(rig) as room:
        view = await room.start("R 0:127.0.0.1:22")
        assert view.state is ForwardState.FAILED and view.error is not None
        assert view.error.code is code, view.error.evidence


async def test_a_port_that_somebody_on_the_host_has_is_told_so(rig: Rig) -> None:
    holder, port = taken_port()
    with holder:
        async with forwarding(rig) as room:
            view = await room.start(f"R 127.0.0.1:{port}:127.0.0.1:22")
    assert view.error is not None and view.error.code is Code.LISTEN_FAILED


async def test_destinations_that_the_server_does_not_permit_are_told_at_each_connection(tmp_path: Path) -> None:
    async with rig_with(tmp_path, "PermitOpen 127.0.0.1:1") as rig, forwarding(rig) as room:
        view = await room.start("L 0:127.0.0.1:2")
        other = await room.start("L 0:127.0.0.1:1")
        assert await was_reset(view.port)
        assert await was_reset(other.port)
        view = await room.until(view.id, lambda view: view.errors == 1)
        other = await room.until(other.id, lambda view: view.errors == 1)
        assert view.last_error == "127.0.0.1:2: the host does not allow it"
        assert other.last_error == "127.0.0.1:1: Connection refused"


async def test_nobody_at_this_end_is_told_to_the_one_who_connects(rig: Rig) -> None:
    async with forwarding(rig) as room:
        view = await room.start("R 0:127.0.0.1:1")
        with suppress(ConnectionResetError):
            assert await exchanged(view.port, b"anybody?") == b""
        view = await room.until(view.id, lambda view: view.errors == 1)
        assert "refused" in view.last_error


# --- the program -------------------------------------------------------------------------------------------------


@dataclass
class Running:
    """`fairlead forward --json` while it runs: what it has said so far."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    async def listening(self, count: int) -> list[dict[str, Any]]:
        """The last states of `count` forwards, once all of them listen."""

        def last() -> dict[str, dict[str, Any]]:
            return {line["forward"]: line for line in self.lines if line.get("event") == "state"}

        await self.until(lambda: [line["state"] for line in last().values()] == ["listening"] * count)
        return list(last().values())

    @property
    def idle(self) -> bool:
        """Whether no connection is open, as far as it has told."""
        last = {line["forward"]: line for line in self.lines if "event" in line}
        return all(line["total"] and not line["open"] for line in last.values())

    async def until(self, condition: Callable[[], bool]) -> None:
        await idle_until(lambda: condition() or self.process.returncode is not None, seconds=30)
        assert self.process.returncode is None, self.lines


@dataclass
class Lab:
    server: Sshd
    relay: Relay
    program: Program
    config: Path

    @asynccontextmanager
    async def forward(self, *arguments: str) -> AsyncIterator[Running]:
        call = ("forward", "-F", str(self.config), "--batch", "--json", "server", *arguments)
        running = Running(await self.program.start(*call))
        reading = asyncio.create_task(running.read())
        try:
            yield running
        finally:
            if running.process.returncode is None:
                running.process.kill()
            await running.process.wait()
            await reading
            assert running.process.stderr is not None
            await running.process.stderr.read()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as made:
        yield made


@pytest.fixture
async def lab(server: Sshd, tmp_path: Path) -> AsyncIterator[Lab]:
    async with Relay(server.address, server.port) as relay:
        direct = server.port
        key = make_key(tmp_path / "key")
        server.port = relay.port
        config = ssh_config(tmp_path / "ssh_config", {"server": server}, key)
        server.port = direct
        yield Lab(server, relay, Program(tmp_path), config)


async def test_the_program_carries_every_kind_and_comes_back_after_a_cut(lab: Lab) -> None:
    async with local_server(serve_page) as web:
        to = f"127.0.0.1:{web}"
        async with lab.forward("-L", f"0:{to}", "-R", f"0:{to}", "-D", "0") as running:
            ports = [line["port"] for line in await running.listening(3)]
            for turn in range(2):
                assert await fetched(ports[0]) == PAGE
                assert await fetched(ports[1]) == PAGE
                assert (await fetched(ports[2], socks_to(web))).endswith(PAGE)
                if turn == 0:
                    lab.relay.cut()
                    await running.until(lambda: any(line.get("state") == "waiting" for line in running.lines))
                    assert [line["port"] for line in await running.listening(3)] == ports
            running.process.send_signal(signal.SIGINT)
            assert await running.process.wait() == 130
        summary = next(line for line in running.lines if "forwards" in line)
        assert [one["total"] for one in summary["forwards"]] == [2, 2, 2]
        assert [one["received"] > 0 for one in summary["forwards"]] == [True, True, True]
        assert running.lines[-1]["error"]["code"] == "INTERRUPTED"


async def test_what_was_not_begun_is_in_the_summary_and_what_failed_has_no_port(lab: Lab) -> None:
    async with lab.forward("-p", "1", "-L", "0:127.0.0.1:1", "-D", "0") as running:
        assert await running.process.wait() == 255
    first, second = next(line for line in running.lines if "forwards" in line)["forwards"]
    assert (first["state"], first["listening"], first["port"]) == ("failed", [], None)
    assert (second["forward"], second["state"], second["reason"]) == ("D 0", "stopped", "it was not begun")
    assert running.lines[-1]["error"]["code"] == "TCP_REFUSED"


async def test_what_the_ssh_config_lists_is_used_when_nothing_is_given(lab: Lab) -> None:
    with lab.config.open("a") as file:
        file.write("  RemoteForward 0 127.0.0.1:1\n  ExitOnForwardFailure yes\n")
    async with lab.forward() as running:
        (line,) = await running.listening(1)
        assert line["forward"] == "R 0:127.0.0.1:1"


async def test_some_may_fail_unless_all_are_wanted(lab: Lab) -> None:
    holder, port = taken_port()
    with holder:
        given = ("-L", f"{port}:127.0.0.1:1", "-D", "0")
        async with lab.forward(*given) as running:
            await running.until(lambda: any(line.get("state") == "listening" for line in running.lines))
            assert any(line.get("error", {}) and line["error"]["code"] == "LOCAL_PORT" for line in running.lines)
        for more in (("--exit-on-failure",), ()):
            ran = lab.program.run(
                "forward", "-F", str(lab.config), "--batch", "server", *(given if more else given[:2]), *more
            )
            assert ran.status == 4, ran
            assert b"listens there" in ran.err


async def test_without_a_connection_the_status_is_255(lab: Lab) -> None:
    lab.relay.refuse()
    ran = lab.program.run("forward", "-F", str(lab.config), "--batch", "server", "-D", "0")
    assert ran.status == 255, ran


async def test_a_host_that_does_not_come_back_is_given_up(lab: Lab) -> None:
    async with lab.forward("-D", "0", "--give-up", "1") as running:
        await running.listening(1)
        lab.server.stop()
        lab.relay.cut()
        async with asyncio.timeout(30):
            assert await running.process.wait() == 255
