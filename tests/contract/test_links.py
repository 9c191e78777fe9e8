"""A live link: its pulse, its end, and streams that it carries."""

from __future__ import annotations

import asyncio

import pytest

from backend.connection.connector import Link
from backend.errors import Code, ConnectError, LinkLost
from tests.support.worlds import Person, Rig


async def test_a_ping_takes_a_little_time(link: Link) -> None:
    assert 0 <= await link.ping() < 5


async def test_many_pings_are_answered_at_once(link: Link) -> None:
    assert len(await asyncio.gather(*(link.ping() for _ in range(20)))) == 20


async def test_closing_twice_is_one_closing(link: Link) -> None:
    await link.close()
    await link.close()
    assert await link.closed() is None
    assert link.lost is None


async def test_a_closed_link_gives_nothing_more(link: Link) -> None:
    await link.close()
    with pytest.raises(LinkLost):
        await link.ping()


async def test_what_runs_on_a_link_that_is_given_up_is_told_why(link: Link) -> None:
    silent = LinkLost(Code.KEEPALIVE_LOST, evidence={"seconds": "30"})
    async with await link.open_process(b"sleep 1000") as process:
        reading = asyncio.ensure_future(anext(process.output()))
        await asyncio.sleep(0)
        await link.close(silent)
        with pytest.raises(LinkLost) as caught:
            await reading
    assert caught.value.code is Code.KEEPALIVE_LOST
    assert link.lost is silent
    assert await link.closed() is silent


async def test_a_cut_link_says_that_it_is_lost(rig: Rig, link: Link) -> None:
    rig.cut()
    async with asyncio.timeout(10):
        reason = await link.closed()
    assert isinstance(reason, LinkLost) and reason.code is Code.CONNECTION_LOST
    assert link.lost is reason
    with pytest.raises(LinkLost):
        await link.ping()
    with pytest.raises(LinkLost):
        await link.open_process(b"true")
    with pytest.raises(LinkLost):
        await link.open_files()


async def test_a_link_can_be_closed_after_it_was_cut(rig: Rig, link: Link) -> None:
    rig.cut()
    async with asyncio.timeout(10):
        await link.closed()
        await link.close()
    assert link.lost is not None


async def test_a_silent_link_is_closed_within_bounds(rig: Rig, link: Link) -> None:
    process = await link.open_process(b"sleep 1000")
    assert rig.silence is not None
    rig.silence()
    async with asyncio.timeout(10):
        await process.close()
        await link.close()


async def test_another_link_to_the_same_host_lives_by_itself(rig: Rig, link: Link) -> None:
    other = await rig.connector.connect(rig.target, Person())
    await other.close()
    assert await link.ping() >= 0


async def test_a_stream_carries_bytes_both_ways(rig: Rig, link: Link) -> None:
    stream = await link.open_stream(*rig.echo)
    await stream.write(b"ping \xff\n")
    received = b""
    while len(received) < 7:
        received += await stream.read()
    assert received == b"ping \xff\n"
    await stream.close()


async def test_the_end_of_a_stream_is_empty(rig: Rig, link: Link) -> None:
    stream = await link.open_stream(*rig.echo)
    await stream.write(b"last")
    await stream.write_eof()
    received = b""
    while piece := await stream.read(2):
        assert len(piece) <= 2
        received += piece
    assert received == b"last"
    await stream.close()


async def test_a_stream_to_nowhere_names_the_host_that_could_not_open_it(rig: Rig, link: Link) -> None:
    with pytest.raises(ConnectError) as caught:
        await link.open_stream("127.0.0.1", 1)
    assert caught.value.code is Code.JUMP_FAILED
    assert caught.value.evidence["port"] == "1"


async def test_a_stream_ends_with_the_link(rig: Rig, link: Link) -> None:
    stream = await link.open_stream(*rig.echo)
    reading = asyncio.create_task(stream.read())
    await link.ping()
    rig.cut()
    with pytest.raises(LinkLost):
        async with asyncio.timeout(10):
            await reading
    await stream.close()
