"""How the connections of a route are closed: politely while there is time, and then for certain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from backend.connection.ssh.carriers import Carrier
from backend.connection.ssh.closing import close_hops
from backend.connection.ssh.hop import HopLink
from backend.connection.target import Timeouts
from tests.support.waiting import until


@dataclass
class Connection:
    """A connection whose far end agrees to close, or never answers."""

    agrees: bool
    calls: list[str] = field(default_factory=list)

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    async def wait_closed(self) -> None:
        if not self.agrees:
            await asyncio.Event().wait()


def route(*connections: Connection, close: float) -> list[HopLink]:
    hop = SimpleNamespace(timeouts=Timeouts(close=close))
    return [cast(HopLink, SimpleNamespace(conn=connection, hop=hop, carrier=Carrier())) for connection in connections]


async def test_every_hop_is_closed_from_the_inside_out() -> None:
    calls: list[str] = []
    await close_hops(route(*(Connection(True, calls) for _ in range(2)), close=5))
    assert calls[:2] == ["close", "close"]


async def test_hops_that_do_not_answer_share_one_limit_and_are_all_cut() -> None:
    silent = [Connection(False) for _ in range(20)]
    async with asyncio.timeout(1.5):
        await close_hops(route(*silent, close=0.1))
    assert all(connection.calls[-1] == "abort" for connection in silent)


async def test_who_stops_waiting_for_the_farewell_leaves_no_hop_open() -> None:
    silent = [Connection(False) for _ in range(3)]
    closing = asyncio.create_task(close_hops(route(*silent, close=60)))
    await until(lambda: silent[-1].calls == ["close"])
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert all(connection.calls[-1] == "abort" for connection in silent)


async def test_a_route_without_hops_is_closed_already() -> None:
    await close_hops([])
