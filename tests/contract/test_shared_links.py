"""Several links over one connection: what is open on each is its own, and the connection ends with the last of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from backend.connection.connector import Link, OpenMode
from backend.connection.streams import Incoming
from backend.connection.target import Target
from backend.errors import Code, LinkLost, SessionError
from tests.support.worlds import Rig


def called(rig: Rig, name: str) -> Target:
    return Target(name, (replace(rig.hop, name=name),))


@pytest.fixture
async def other(rig: Rig, link: Link) -> AsyncIterator[Link]:
    """A second link over the same connection."""
    shared = link.share(called(rig, "alias"))
    assert shared is not None
    yield shared
    await shared.close()


async def test_each_link_has_its_own_name_and_knows_the_others(rig: Rig, link: Link, other: Link) -> None:
    assert (link.facts.host, link.facts.first, link.others) == ("server", "", ("alias",))
    assert (other.facts.host, other.facts.first, other.others) == ("alias", "server", ("server",))
    third = other.share(called(rig, "third"))
    assert third is not None
    assert third.facts.first == "server"
    assert set(link.others) == {"alias", "third"}
    await third.close()
    assert link.others == ("alias",)


async def test_all_come_over_the_same_connection(link: Link, other: Link) -> None:
    async def port(of: Link) -> bytes:
        async with await of.open_process(b"echo $SSH_CONNECTION") as process:
            return b"".join([chunk.data async for chunk in process.output()])

    assert await port(link) == await port(other) != b""


async def test_what_runs_under_one_name_goes_on_when_the_other_is_closed(link: Link, other: Link) -> None:
    async with await other.open_process(b"read line; echo got $line") as process:
        await link.close()
        await process.write(b"it\n")
        assert b"".join([chunk.data async for chunk in process.output()]) == b"got it\n"
    assert other.others == ()
    assert await other.ping() >= 0


async def test_what_runs_on_the_link_that_is_closed_is_told(rig: Rig, link: Link, other: Link) -> None:
    process = await link.open_process(b"sleep 1000")
    stream = await link.open_stream(*rig.echo)
    files = await link.open_files()
    waiting = [asyncio.ensure_future(work) for work in (anext(process.output()), process.wait(), stream.read())]
    await asyncio.sleep(0)
    assert (link.carries, other.carries) == (3, 0)
    async with asyncio.timeout(5):
        await link.close()
        for told in waiting:
            with pytest.raises(LinkLost):
                await told
        with pytest.raises(LinkLost):
            await files.resolve(b".")
        with pytest.raises(LinkLost):
            await link.open_process(b"true")
        with pytest.raises(LinkLost):
            await link.open_stream(*rig.echo)
        assert await link.closed() is None
    assert link.lost is None
    assert await other.ping() >= 0


async def test_a_file_that_is_open_under_the_other_name_is_written_to_its_end(
    rig: Rig, link: Link, other: Link
) -> None:
    files = await other.open_files()
    file = await files.open(rig.work + b"/kept", OpenMode.CREATE)
    await file.write(0, b"one ")
    await link.close()
    await file.write(4, b"two")
    await file.close()
    assert (await files.stat(rig.work + b"/kept")).size == 7


async def test_a_port_is_closed_with_the_link_that_asked_for_it(link: Link, other: Link) -> None:
    def refuse(incoming: Incoming) -> None:
        incoming.refuse("not wanted")

    listener = await link.listen("127.0.0.1", 0, refuse)
    port = listener.port
    with pytest.raises(SessionError):
        await other.listen("127.0.0.1", port, refuse)
    await link.close()
    again = await other.listen("127.0.0.1", port, refuse)
    assert again.port == port
    await again.close()


async def test_the_last_one_closes_the_connection(rig: Rig, link: Link, other: Link) -> None:
    await link.close()
    again = link.share(called(rig, "server"))
    assert again is not None  # the connection is up, though this link is closed
    await other.close()
    await again.close()
    assert link.share(called(rig, "server")) is None


async def test_a_connection_that_is_lost_is_lost_for_all_each_by_its_own_name(
    rig: Rig, link: Link, other: Link
) -> None:
    running = await other.open_process(b"sleep 1000")
    rig.cut()
    async with asyncio.timeout(10):
        reasons = [await one.closed() for one in (link, other)]
        with pytest.raises(LinkLost):
            await running.wait()
    assert [(reason.code, reason.host) for reason in reasons if reason is not None] == [
        (Code.CONNECTION_LOST, "server"),
        (Code.CONNECTION_LOST, "alias"),
    ]
    assert link.share(called(rig, "third")) is None


async def test_a_connection_that_is_given_up_under_one_name_is_lost_for_the_other(link: Link, other: Link) -> None:
    silent = LinkLost(Code.KEEPALIVE_LOST, evidence={"seconds": "30"}, host="server")
    running = await other.open_process(b"sleep 1000")
    waiting = asyncio.ensure_future(running.wait())
    await asyncio.sleep(0)
    await link.close(silent)
    async with asyncio.timeout(10):
        with pytest.raises(LinkLost) as caught:
            await waiting
        reason = await other.closed()
    assert reason is caught.value
    assert (caught.value.code, caught.value.host) == (Code.KEEPALIVE_LOST, "alias")
    assert link.lost is silent


async def test_both_may_be_closed_at_once(rig: Rig, link: Link, other: Link) -> None:
    await asyncio.gather(link.close(), other.close(), link.close())
    assert (link.lost, other.lost) == (None, None)
    assert link.share(called(rig, "third")) is None
