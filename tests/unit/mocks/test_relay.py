"""The relay: an honest copy when idle, and each fault doing what its name says."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from mocks.relay import Direction, Relay, RelayFaults

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@dataclass
class Bench:
    """A relay before a server."""

    relay: Relay

    async def connect(self) -> Streams:
        return await asyncio.open_connection(self.relay.host, self.relay.port)


@asynccontextmanager
async def bench_of(serve: Served, faults: RelayFaults | None = None, seed: int = 0) -> AsyncIterator[Bench]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, Relay("127.0.0.1", server.sockets[0].getsockname()[1], faults, seed=seed) as relay:
        yield Bench(relay)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with bench_of(echo) as ready:
        yield ready


async def exchanged(streams: Streams, data: bytes) -> bytes:
    """Send, and read as much again."""
    reader, writer = streams
    writer.write(data)
    return await asyncio.wait_for(reader.readexactly(len(data)), 10)


def loop_time() -> float:
    return asyncio.get_running_loop().time()


async def test_idle_it_is_an_honest_copy_and_counts(bench: Bench) -> None:
    data = random.Random(1).randbytes(3_000_000)
    streams = await bench.connect()
    reading = asyncio.create_task(streams[0].readexactly(len(data)))
    streams[1].write(data)
    await streams[1].drain()
    assert hashlib.sha256(await reading).digest() == hashlib.sha256(data).digest()
    assert (bench.relay.counters.up, bench.relay.counters.down) == (3_000_000, 3_000_000)
    assert bench.relay.counters.connections == bench.relay.live == 1
    streams[1].close()


async def test_the_end_of_one_direction_is_passed_on(bench: Bench) -> None:
    reader, writer = await bench.connect()
    writer.write(b"last words")
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b"last words"
    writer.close()


async def test_a_delay_is_each_way_and_does_not_hold_up_what_follows(bench: Bench) -> None:
    bench.relay.set(delay=0.1)
    streams = await bench.connect()
    begun = loop_time()
    streams[1].write(b"1")
    await asyncio.sleep(0.05)
    streams[1].write(b"2")
    assert await streams[0].readexactly(2) == b"12"
    assert 0.2 <= loop_time() - begun < 0.6
    streams[1].close()


async def test_a_rate_holds_the_stream_to_it() -> None:
    async with bench_of(echo, RelayFaults(rate=1_000_000)) as bench:
        begun = loop_time()
        streams = await bench.connect()
        assert len(await exchanged(streams, bytes(200_000))) == 200_000
        assert loop_time() - begun >= 0.2
        streams[1].close()


async def test_jitter_never_puts_bytes_out_of_order() -> None:
    async with bench_of(echo, RelayFaults(jitter=0.01), seed=5) as bench:
        streams = await bench.connect()
        data = bytes(range(256)) * 20
        for start in range(0, len(data), 256):
            streams[1].write(data[start : start + 256])
            await asyncio.sleep(0.0005)
        assert await asyncio.wait_for(streams[0].readexactly(len(data)), 10) == data
        streams[1].close()


async def test_slices_arrive_one_by_one() -> None:
    sizes: list[int] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            sizes.append(len(data))
        writer.close()

    async with bench_of(note, RelayFaults(slice=1)) as bench:
        reader, writer = await bench.connect()
        writer.write(bytes(300))
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert sum(sizes) == 300 and len(sizes) > 100
        writer.close()


async def test_a_cut_is_a_reset_for_both_and_new_connections_work(bench: Bench) -> None:
    streams = await bench.connect()
    await exchanged(streams, b"up")
    bench.relay.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(streams[0].read(), 5)
    streams[1].close()
    again = await bench.connect()
    assert await exchanged(again, b"again") == b"again"
    again[1].close()


async def test_an_orderly_end_is_no_reset(bench: Bench) -> None:
    streams = await bench.connect()
    await exchanged(streams, b"up")
    bench.relay.finish()
    assert await asyncio.wait_for(streams[0].read(), 5) == b""
    streams[1].close()


async def test_the_link_is_cut_after_exactly_so_many_bytes_and_once(bench: Bench) -> None:
    streams = await bench.connect()
    await exchanged(streams, bytes(1000))
    bench.relay.cut_after(down=500)
    streams[1].write(bytes(5000))
    received = b""
    with pytest.raises(ConnectionResetError):
        while piece := await asyncio.wait_for(streams[0].read(100), 5):
            received += piece
    assert len(received) == 500
    assert bench.relay.counters.down == 1500
    streams[1].close()
    again = await bench.connect()
    assert await exchanged(again, bytes(5000)) == bytes(5000)
    again[1].close()


async def test_a_cut_may_count_the_other_direction(bench: Bench) -> None:
    bench.relay.cut_after(up=300)
    streams = await bench.connect()
    streams[1].write(bytes(5000))
    with pytest.raises(ConnectionResetError):
        while await asyncio.wait_for(streams[0].read(1000), 5):
            pass
    assert bench.relay.counters.up == 300
    streams[1].close()


async def test_in_a_black_hole_nothing_arrives_until_it_heals(bench: Bench) -> None:
    streams = await bench.connect()
    await exchanged(streams, b"before")
    bench.relay.black_hole()
    streams[1].write(b"into the dark")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(streams[0].read(1), 0.1)
    bench.relay.heal()
    assert await asyncio.wait_for(streams[0].readexactly(13), 5) == b"into the dark"
    streams[1].close()


async def test_new_connections_into_a_black_hole_are_accepted_in_silence(bench: Bench) -> None:
    bench.relay.black_hole()
    streams = await bench.connect()
    streams[1].write(b"hello?")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(streams[0].read(1), 0.1)
    streams[1].close()


async def test_one_direction_can_end_while_the_other_lives() -> None:
    got = bytearray()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        while data := await reader.read(100):
            got.extend(data)
        writer.close()

    async with bench_of(talk) as bench:
        reader, writer = await bench.connect()
        assert await reader.readexactly(5) == b"hello"
        bench.relay.half_close(Direction.DOWN)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.write(b"still here")
        writer.write_eof()
        async with asyncio.timeout(5):
            while got != b"still here":
                await asyncio.sleep(0.01)
        writer.close()


async def test_refusing_is_for_new_connections_only(bench: Bench) -> None:
    streams = await bench.connect()
    await exchanged(streams, b"up")
    port = bench.relay.port
    bench.relay.refuse()
    with pytest.raises(ConnectionRefusedError):
        await bench.connect()
    assert await exchanged(streams, b"still") == b"still"
    bench.relay.listen()
    assert bench.relay.port == port
    again = await bench.connect()
    assert await exchanged(again, b"back") == b"back"
    for _, writer in (streams, again):
        writer.close()


async def test_a_server_that_is_not_there_resets_the_client() -> None:
    async with Relay("127.0.0.1", 1) as relay:
        reader, writer = await asyncio.open_connection(relay.host, relay.port)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_closing_leaves_nothing(bench: Bench) -> None:
    streams = await bench.connect()
    await exchanged(streams, b"up")
    await bench.relay.close()
    assert bench.relay.live == 0
    with pytest.raises(ConnectionRefusedError):
        await bench.connect()
    streams[1].close()
