"""Ports that the far end opens for us, Unix-domain sockets, and what a slow reader does to a stream."""

from __future__ import annotations

import asyncio

import pytest

from backend.connection.connector import Link
from backend.connection.streams import ByteStream, Incoming, OnIncoming
from backend.errors import Code, ConnectError, LinkLost, SessionError
from tests.support.worlds import Person, Rig


class Takers:
    """Takes every connection, answers what it is told to, and keeps what came."""

    def __init__(self) -> None:
        self.taken: list[ByteStream] = []
        self.origins: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def echo(self, incoming: Incoming) -> None:
        self._tasks.append(asyncio.create_task(self._echo(incoming)))

    def refuse(self, incoming: Incoming) -> None:
        self.origins.append(incoming.origin)
        incoming.refuse("not wanted")

    def fail(self, incoming: Incoming) -> None:
        raise RuntimeError("a mistake of the one who listens")

    async def _echo(self, incoming: Incoming) -> None:
        self.origins.append(incoming.origin)
        stream = await incoming.accept()
        self.taken.append(stream)
        while data := await stream.read():
            await stream.write(data)
        await stream.write_eof()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stream in self.taken:
            await stream.close()


@pytest.fixture
async def takers() -> Takers:
    return Takers()


async def read_all(stream: ByteStream) -> bytes:
    received = b""
    async with asyncio.timeout(10):
        while piece := await stream.read():
            received += piece
    return received


async def test_a_port_of_the_host_brings_its_connections_here(rig: Rig, link: Link, takers: Takers) -> None:
    listener = await link.listen("localhost", 0, takers.echo)
    assert listener.port > 0
    visitor = await link.open_stream("127.0.0.1", listener.port)
    await visitor.write(b"from over there \xff")
    await visitor.write_eof()
    assert await read_all(visitor) == b"from over there \xff"
    assert takers.origins[0].startswith("127.0.0.1:")
    await visitor.close()
    await takers.close()
    await listener.close()


async def test_several_connections_are_kept_apart(link: Link, takers: Takers) -> None:
    listener = await link.listen("localhost", 0, takers.echo)
    visitors = [await link.open_stream("127.0.0.1", listener.port) for _ in range(5)]
    for number, visitor in enumerate(visitors):
        await visitor.write(b"%d" % number)
        await visitor.write_eof()
    assert [await read_all(visitor) for visitor in visitors] == [b"0", b"1", b"2", b"3", b"4"]
    for visitor in visitors:
        await visitor.close()
    await takers.close()
    await listener.close()


async def test_a_connection_that_is_refused_ends_for_the_one_who_made_it(link: Link, takers: Takers) -> None:
    await refused_by(link, takers.refuse)
    assert len(takers.origins) == 1
    assert await link.ping() >= 0


async def test_a_mistake_of_the_one_who_listens_hurts_that_connection_only(link: Link, takers: Takers) -> None:
    await refused_by(link, takers.fail)
    assert await link.ping() >= 0


async def refused_by(link: Link, on_incoming: OnIncoming) -> None:
    listener = await link.listen("localhost", 0, on_incoming)
    visitor = await link.open_stream("127.0.0.1", listener.port)
    assert await read_all(visitor) == b""
    await visitor.close()
    await listener.close()


async def test_after_closing_the_port_is_free_and_connections_live_on(link: Link, takers: Takers) -> None:
    listener = await link.listen("localhost", 0, takers.echo)
    visitor = await link.open_stream("127.0.0.1", listener.port)
    await visitor.write(b"first")
    assert await visitor.read() == b"first"
    await listener.close()
    with pytest.raises(ConnectError):
        await link.open_stream("127.0.0.1", listener.port)
    await visitor.write(b"second")
    assert await visitor.read() == b"second"
    again = await link.listen("localhost", listener.port, takers.echo)
    assert again.port == listener.port
    await again.close()
    await visitor.close()
    await takers.close()


async def test_a_port_that_is_taken_is_refused_with_its_own_code(link: Link, takers: Takers) -> None:
    listener = await link.listen("localhost", 0, takers.echo)
    with pytest.raises(SessionError) as caught:
        await link.listen("localhost", listener.port, takers.echo)
    assert caught.value.code is Code.LISTEN_FAILED
    assert str(listener.port) in caught.value.message
    await listener.close()


async def test_a_port_goes_with_the_link(rig: Rig, link: Link, takers: Takers) -> None:
    listener = await link.listen("localhost", 0, takers.echo)
    visitor = await link.open_stream("127.0.0.1", listener.port)
    await visitor.write(b"x")
    assert await visitor.read() == b"x"
    rig.cut()
    async with asyncio.timeout(10):
        await link.closed()
        with pytest.raises(LinkLost):
            await visitor.read()
        await listener.close()
    with pytest.raises(LinkLost):
        await link.listen("localhost", 0, takers.echo)
    await takers.close()
    other = await rig.connector.connect(rig.target, Person())
    again = await other.listen("localhost", 0, takers.echo)
    await again.close()
    await other.close()


async def test_a_connection_that_nobody_decides_about_goes_with_the_link(rig: Rig, link: Link) -> None:
    waiting: asyncio.Queue[Incoming] = asyncio.Queue()
    listener = await link.listen("localhost", 0, waiting.put_nowait)
    visitor = await link.open_stream("127.0.0.1", listener.port)
    async with asyncio.timeout(10):
        incoming = await waiting.get()
        rig.cut()
        await link.closed()
        with pytest.raises(LinkLost):
            stream = await incoming.accept()
            await stream.read()
        incoming.refuse("too late")
    await visitor.close()
    await listener.close()


async def test_a_socket_of_the_host_is_reached_and_opened(rig: Rig, link: Link, takers: Takers) -> None:
    path = f"{rig.directory}/forwarded.sock"
    listener = await link.listen_unix(path, takers.echo)
    visitor = await link.open_unix(path)
    await visitor.write(b"through a socket")
    await visitor.write_eof()
    assert await read_all(visitor) == b"through a socket"
    await visitor.close()
    await takers.close()
    await listener.close()
    with pytest.raises(ConnectError):
        await link.open_unix(f"{path}.not")


async def test_a_reader_that_stalls_holds_the_far_end_back(rig: Rig, link: Link) -> None:
    """What the two directions of an echo can hold together is bounded: the writer is stopped, and loses nothing."""
    stream = await link.open_stream(*rig.echo)
    block, sent = bytes(range(256)) * 256, 0
    async with asyncio.timeout(30):
        while True:
            try:
                async with asyncio.timeout(1):
                    await stream.write(block)
            except TimeoutError:
                break
            sent += len(block)
    assert sent < 48 << 20
    received = bytearray()
    async with asyncio.timeout(30):
        while len(received) < sent:
            received += await stream.read()
    assert bytes(received[:sent]) == block * (sent // len(block))
    await stream.close()
