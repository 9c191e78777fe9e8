"""What answers before SSH does: names, ports, silence, other protocols; each has its own code."""

from __future__ import annotations

import asyncio
import errno
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backend.connection.connector import Phase
from backend.connection.retry import may_repeat
from backend.connection.ssh.transport import Address, TcpFailed, dial, interleave, resolve, tcp_error
from backend.connection.target import Family, Hop, Timeouts
from backend.errors import Code, ConnectError, FairleadError
from tests.support.connecting import connected, output, refused
from tests.support.openssh import free_port, make_key, sshd, target
from tests.support.person import Phases

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Timeouts(connect=2, first_byte=0.5, key_exchange=0.5, login=0.5, close=1)


def hop(port: int, address: str = "127.0.0.1") -> Hop:
    return Hop("there", address, port, "me", timeouts=QUICK)


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """A server that does `handler` to each connection; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def failure(handler: Handler) -> tuple[FairleadError, Phases]:
    phases = Phases()
    async with listening(handler) as port:
        return await refused(target(hop(port)), observer=phases), phases


# --- name and tcp ---


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 80 + ".invalid"])
async def test_a_name_without_an_address(name: str) -> None:
    phases = Phases()
    error = await refused(target(hop(22, name)), observer=phases)
    assert error.code is Code.NAME_NOT_FOUND
    assert error.evidence["address"] == name
    assert phases.failed is not None and phases.failed.phase is Phase.NAME


async def test_a_port_where_nobody_listens() -> None:
    phases = Phases()
    error = await refused(target(hop(free_port())), observer=phases)
    assert error.code is Code.TCP_REFUSED
    assert phases.failed is not None and phases.failed.phase is Phase.TCP


async def test_a_network_to_which_there_is_no_way() -> None:
    error = await refused(target(hop(22, "255.255.255.255")))
    assert error.code is Code.TCP_UNREACHABLE
    assert error.evidence["reason"] != ""


async def test_a_port_that_swallows_everything_within_the_limit() -> None:
    """A listener whose queue is full answers no more, as a firewall that drops."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        try:
            error = await refused(target(hop(address[1])))
        finally:
            for filler in fillers:
                filler.close()
    assert error.code is Code.TCP_TIMEOUT
    assert error.evidence["seconds"] == "2"


async def test_only_addresses_of_the_family_that_is_asked_for_are_tried() -> None:
    here = replace(hop(22, "localhost"), family=Family.IPV4)
    assert {address.kind for address in await resolve(here)} == {Family.IPV4}
    error = await refused(target(replace(hop(22), family=Family.IPV6)))
    assert error.code is Code.NAME_NOT_FOUND
    assert error.message == "127.0.0.1 has no address of the family inet6, which AddressFamily asks for."


async def test_a_connection_is_sent_from_the_address_that_is_asked_for(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "sshd") as server:
        server.authorize(key)
        known = server.known_hosts(tmp_path / "known")
        here = server.hop(keys=[key], known=known, source_address="127.0.0.9")
        async with connected(target(here)) as link:
            assert (await output(link, b"echo $SSH_CLIENT")).startswith(b"127.0.0.9 ")


@pytest.mark.parametrize("source", ["192.0.2.55", "::1", "no-such-host.invalid"])
async def test_an_address_that_cannot_be_sent_from_is_told(source: str) -> None:
    error = await refused(target(replace(hop(free_port()), source_address=source)))
    assert error.code is Code.TCP_UNREACHABLE
    assert f"cannot be sent from {source}" in error.message


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        dead = Address(socket.AF_INET, ("127.0.0.1", free_port()))
        alive = Address(socket.AF_INET, ("127.0.0.1", port))
        sock, address = await dial([dead, alive], stagger=60)
        sock.close()
        assert address == alive


async def test_a_silent_address_does_not_hold_up_the_next() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with listening(silent) as port:
            hole = Address(socket.AF_INET, full.getsockname())
            alive = Address(socket.AF_INET, ("127.0.0.1", port))
            async with asyncio.timeout(5):
                sock, address = await dial([hole, alive], stagger=0.05)
            sock.close()
            assert address == alive
        for filler in fillers:
            filler.close()


async def test_all_failures_are_kept() -> None:
    first, second = (Address(socket.AF_INET, ("127.0.0.1", free_port())) for _ in range(2))
    with pytest.raises(TcpFailed) as caught:
        await dial([first, second])
    assert set(caught.value.failures) == {first, second}


def test_families_take_turns_and_the_resolvers_first_choice_stays_first() -> None:
    six = [Address(socket.AF_INET6, (f"2001:db8::{n}", 22, 0, 0)) for n in range(3)]
    four = [Address(socket.AF_INET, (f"192.0.2.{n}", 22)) for n in range(2)]
    assert interleave([*six, *four]) == (six[0], four[0], six[1], four[1], six[2])
    assert interleave([]) == ()


def test_a_refusal_tells_more_than_an_unreachable_family() -> None:
    six = Address(socket.AF_INET6, ("2001:db8::1", 22, 0, 0))
    four = Address(socket.AF_INET, ("192.0.2.1", 22))
    mixed: dict[Address, OSError | None] = {six: OSError(101, "Network is unreachable"), four: ConnectionRefusedError()}
    assert tcp_error(hop(22), mixed).code is Code.TCP_REFUSED
    assert tcp_error(hop(22), {six: OSError(101, "Network is unreachable")}).code is Code.TCP_UNREACHABLE
    assert tcp_error(hop(22), {four: TimeoutError()}).code is Code.TCP_TIMEOUT


def test_the_words_of_a_refusal_do_not_repeat_the_address() -> None:
    """asyncio says "[Errno 111] Connect call failed ('127.0.0.1', 22)"."""
    refusal = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 22)")
    first, second = (Address(socket.AF_INET, (numeric, 22)) for numeric in ("127.0.0.1", "192.0.2.1"))
    assert tcp_error(hop(22), {first: refusal}).evidence["reason"] == "Connection refused"
    several = tcp_error(hop(22), {first: refusal, second: refusal}).evidence["reason"]
    assert several == "127.0.0.1:22: Connection refused; 192.0.2.1:22: Connection refused"


# --- identification ---


async def test_a_server_that_says_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass

    error, phases = await failure(silent)
    assert error.code is Code.BANNER_SILENT
    assert phases.failed is not None and phases.failed.phase is Phase.BANNER


async def test_a_web_server_that_answers_only_after_we_have_spoken() -> None:
    async def web(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"SSH-2.0-")
        writer.write(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n")
        await writer.drain()

    error, phases = await failure(web)
    assert error.code is Code.BANNER_NOT_SSH
    assert error.evidence["banner"] == "HTTP/1.1 400 Bad Request"
    assert phases.failed is not None and phases.failed.phase is Phase.BANNER


async def test_a_server_that_hangs_up_at_once() -> None:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        return None

    assert (await failure(closing))[0].code is Code.BANNER_CLOSED


@pytest.mark.parametrize(
    ("words", "code", "repeated"),
    [
        ("Exceeded MaxStartups", Code.SERVER_CROWDED, True),
        ("Not allowed at this time", Code.SHUT_OUT, False),
        ("Go away", Code.BANNER_NOT_SSH, False),
    ],
)
async def test_a_server_that_says_why_it_hangs_up(words: str, code: Code, repeated: bool) -> None:
    async def full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"{words}\r\n".encode())
        await writer.drain()

    error, phases = await failure(full)
    assert error.code is code
    assert error.evidence["banner"] == words
    assert may_repeat(error) is repeated
    assert phases.failed is not None and phases.failed.phase is Phase.BANNER


@pytest.mark.sshd
async def test_openssh_itself_says_that_there_are_too_many(tmp_path: Path) -> None:
    with sshd(tmp_path / "server", "PerSourceMaxStartups 1") as server:
        reader, waiting = await asyncio.open_connection("127.0.0.1", server.port)
        assert (await reader.readline()).startswith(b"SSH-")
        error = await refused(target(hop(server.port)))
        waiting.close()
        assert error.code is Code.SERVER_CROWDED
        assert may_repeat(error)


async def test_hostile_words_are_shown_without_their_control_codes() -> None:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x1b]0;owned\x07\xe2\x80\xae\r\n")
        await writer.drain()

    error, _ = await failure(hostile)
    assert error.evidence["banner"].isprintable()


async def test_a_server_that_stops_after_its_identification() -> None:
    async def stopping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-halfway\r\n")
        while await reader.read(100):
            pass

    error, phases = await failure(stopping)
    assert error.code is Code.KEX_FAILED
    assert "0.5 s" in error.evidence["reason"]
    assert phases.evidence(Phase.BANNER)["banner"] == "halfway"
    assert phases.failed is not None and phases.failed.phase is Phase.KEX


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-x\r\n" + b"\x00" * 64,
        b"SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a" + b"\xff" * 40,
        b"SSH-2.0-x\r\n\xff\xff\xff\xff",
    ],
)
async def test_rubbish_after_the_identification_is_a_failed_key_exchange(said: bytes) -> None:
    async def rubbish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(0.1)

    error, _ = await failure(rubbish)
    assert isinstance(error, ConnectError)
    assert error.code is Code.KEX_FAILED


async def test_a_server_that_closes_during_the_key_exchange() -> None:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-going\r\n")
        await reader.read(100)

    error, _ = await failure(closing)
    assert error.code is Code.KEX_FAILED and error.retryable
    assert "the other side closed the connection" in error.message
    assert "restarted" in error.advice[0].text


@pytest.mark.sshd
async def test_an_identification_in_single_bytes_is_understood(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    with sshd(tmp_path / "server") as server:
        server.authorize(key)

        async def slices(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, forth = await asyncio.open_connection("127.0.0.1", server.port)
            answers = asyncio.create_task(_one_by_one(back, writer))
            try:
                while data := await reader.read(65536):
                    forth.write(data)
            finally:
                answers.cancel()
                forth.close()

        async with listening(slices) as port:
            known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{port}")
            there = server.hop(keys=[key], known=known, port=port)
            async with connected(target(there)) as link:
                assert await link.ping() > 0


async def _one_by_one(back: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int = 3000) -> None:
    """Pass on the first `count` bytes each on its own, the rest as they come."""
    for _ in range(count):
        writer.write(await back.readexactly(1))
        await writer.drain()
    while data := await back.read(65536):
        writer.write(data)


SLOW_RESOLVER = """
import asyncio, socket, time
from backend.connection.ssh.transport import resolve
from backend.connection.target import Hop

async def look():
    try:
        async with asyncio.timeout(0.1):
            await resolve(Hop("there", "web-1.example.org", 22, "me"))
    except TimeoutError:
        print("given up", flush=True)

socket.getaddrinfo = lambda *arguments, **more: time.sleep(60)
asyncio.run(look())
"""


async def test_a_resolver_that_hangs_does_not_hold_the_program_at_its_end() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SLOW_RESOLVER, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(20):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (said, process.returncode) == (b"given up\n", 0)


async def test_what_the_resolver_says_is_told() -> None:
    with pytest.raises(ConnectError) as caught:
        await resolve(hop(22, "no-such-host.invalid"))
    assert caught.value.code is Code.NAME_NOT_FOUND
    assert [address.text for address in await resolve(hop(22))] == ["127.0.0.1:22"]
