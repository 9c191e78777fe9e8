"""Forwards over a simulated host: what they carry, what they refuse, what they count, and what outlives a lost link."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from backend.connection.state import SessionState
from backend.errors import Code
from backend.forwards import forward as forward_module
from backend.forwards.model import ForwardCounted, ForwardState
from mocks.clock import VirtualClock
from mocks.connector import SimulatedConnector
from mocks.host import SimulatedHost
from tests.support.forwarding import (
    Forwarding,
    closed,
    dial,
    exchanged,
    forwarding,
    idle_until,
    local_server,
    taken_port,
    was_reset,
)
from tests.support.waiting import no_tasks_left
from tests.support.worlds import Rig, rig_of

SOCKS_ECHO = b"\x05\x01\x00" + b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x07"
LISTENING, WAITING, FAILED = ForwardState.LISTENING, ForwardState.WAITING, ForwardState.FAILED


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with no_tasks_left(), rig_of("simulated", tmp_path) as ready:
        yield ready


@pytest.fixture
def host(rig: Rig) -> SimulatedHost:
    assert isinstance(rig.connector, SimulatedConnector)
    return rig.connector.world["server"]


@pytest.fixture
async def room(rig: Rig) -> AsyncIterator[Forwarding]:
    async with forwarding(rig, VirtualClock(grace=0.005)) as made:
        yield made


# --- what is carried ---------------------------------------------------------------------------------------------


async def test_a_local_port_leads_to_a_port_of_the_host(room: Forwarding) -> None:
    view = await room.start("L 0:localhost:7")
    assert view.state is LISTENING and view.port > 0
    assert view.places[0] == f"127.0.0.1:{view.port}"
    assert await exchanged(view.port, b"through \xff") == b"through \xff"
    view = await room.until(view.id, lambda view: not view.open)
    assert (view.sent, view.received, view.total, view.errors) == (9, 9, 1, 0)


async def test_a_port_of_the_host_leads_here(room: Forwarding) -> None:
    async with local_server() as port:
        view = await room.start(f"R 0:127.0.0.1:{port}")
        assert view.state is LISTENING and view.port > 0
        link = await room.session.link()
        visitor = await link.open_stream("127.0.0.1", view.port)
        await visitor.write(b"from the host")
        await visitor.write_eof()
        received = b""
        while piece := await visitor.read():
            received += piece
        assert received == b"from the host"
        await visitor.close()
        view = await room.until(view.id, lambda view: not view.open)
        assert (view.sent, view.received, view.total, view.errors) == (13, 13, 1, 0)


async def test_a_socks_client_says_where_it_wants_to_go(room: Forwarding) -> None:
    view = await room.start("D 0")
    answer = await exchanged(view.port, SOCKS_ECHO + b"early bytes")
    assert answer == b"\x05\x00" + b"\x05\x00\x00\x01" + bytes(6) + b"early bytes"
    assert (await room.until(view.id, lambda view: not view.open)).sent == len(b"early bytes")


async def test_a_socks_client_on_the_host_says_where_this_machine_goes(room: Forwarding) -> None:
    async with local_server() as port:
        view = await room.start("R 0")
        link = await room.session.link()
        visitor = await link.open_stream("127.0.0.1", view.port)
        await visitor.write(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + port.to_bytes(2, "big") + b"hello")
        await visitor.write_eof()
        received = b""
        while piece := await visitor.read():
            received += piece
        assert received.endswith(b"hello") and received.startswith(b"\x05\x00\x05\x00")
        await visitor.close()


async def test_sockets_serve_on_both_sides(room: Forwarding, host: SimulatedHost, tmp_path: Path) -> None:
    host.sockets["/run/app.sock"] = host.programs[7]
    here = tmp_path / "here.sock"
    view = await room.start(f"L {here}:/run/app.sock")
    assert view.state is LISTENING, view
    assert here.stat().st_mode & 0o777 == 0o600
    reader, writer = await asyncio.open_unix_connection(str(here))
    writer.write(b"sock")
    writer.write_eof()
    assert await reader.read() == b"sock"
    await closed(writer)
    await room.service.stop(view.id)
    assert not here.exists()


async def test_each_direction_ends_by_itself(room: Forwarding, host: SimulatedHost) -> None:
    """The far end answers after our end of the stream has come; its answer is not cut."""

    async def count(line: object) -> None:
        total = 0
        while data := await line.read(65536):  # type: ignore[attr-defined]
            total += len(data)
        await line.write(f"{total} bytes".encode())  # type: ignore[attr-defined]

    host.programs[9] = count
    view = await room.start("L 0:localhost:9")
    assert await exchanged(view.port, bytes(300_000)) == b"300000 bytes"


@pytest.mark.parametrize("steps", range(6))
async def test_a_connection_that_has_just_come_when_the_forward_stops_is_cut(room: Forwarding, steps: int) -> None:
    view = await room.start("L 0:localhost:7")
    with socket.create_connection(("127.0.0.1", view.port)) as visitor:
        for _ in range(steps):
            await asyncio.sleep(0)
        await room.service.stop(view.id)
        gc.collect()  # what was let go of without an end would say so
        visitor.settimeout(5)
        with suppress(ConnectionError):
            assert await asyncio.to_thread(visitor.recv, 1) == b""


# --- what is refused and counted ---------------------------------------------------------------------------------


async def test_a_destination_that_does_not_answer_resets_that_connection_alone(room: Forwarding) -> None:
    view = await room.start("L 0:localhost:4444")
    good = await room.start("L 0:localhost:7")
    assert await was_reset(view.port)
    view = await room.until(view.id, lambda view: view.errors == 1)
    assert view.state is LISTENING
    assert view.last_error == "localhost:4444: Connection refused"
    assert await exchanged(good.port, b"fine") == b"fine"


@pytest.mark.parametrize(
    ("asked", "reply"),
    [(b"\x05\x01\x00\x01\x7f\x00\x00\x01\x11\x5c", 5), (b"\x05\x01\x00\x03\x07nowhere\x00\x50", 4)],
)
async def test_a_socks_client_hears_why_it_was_not_connected(room: Forwarding, asked: bytes, reply: int) -> None:
    view = await room.start("D 0")
    assert await exchanged(view.port, b"\x05\x01\x00" + asked) == b"\x05\x00" + bytes((5, reply, 0, 1)) + bytes(6)
    assert (await room.until(view.id, lambda view: view.errors == 1)).last_error


async def test_what_is_no_socks_is_refused_and_counted(room: Forwarding) -> None:
    view = await room.start("D 0")
    assert await exchanged(view.port, b"GET / HTTP/1.1\r\n\r\n") == b""
    view = await room.until(view.id, lambda view: view.errors == 1)
    assert "does not speak SOCKS" in view.last_error


async def test_a_socks_client_that_says_nothing_is_let_go(room: Forwarding) -> None:
    view = await room.start("D 0")
    reader, writer = await dial(view.port)
    assert await reader.read() == b""
    await closed(writer)
    assert "no request within" in (await room.until(view.id, lambda view: view.errors == 1)).last_error


async def test_a_server_that_forbids_forwarding_is_named_at_each_connection(
    room: Forwarding, host: SimulatedHost
) -> None:
    view = await room.start("L 0:localhost:7")
    host.faults.no_forwarding = True
    assert await was_reset(view.port)
    view = await room.until(view.id, lambda view: view.errors == 1)
    assert view.last_error == "localhost:7: the host does not allow it"


async def test_a_port_that_the_server_does_not_open_has_failed(room: Forwarding, host: SimulatedHost) -> None:
    host.faults.no_forwarding = True
    view = await room.start("R 0:localhost:22")
    assert view.state is FAILED and view.error is not None
    assert view.error.code is Code.LISTEN_PROHIBITED
    assert any("AllowTcpForwarding" in step.text for step in view.error.advice)
    host.faults.no_forwarding = False
    again = await room.start("R 0:localhost:22")
    assert again.state is LISTENING
    assert len(room.service.views()) == 1


async def test_a_taken_port_of_this_machine_is_told_with_its_holder(room: Forwarding) -> None:
    holder, port = taken_port()
    with holder:
        view = await room.start(f"L {port}:localhost:7")
    assert view.state is FAILED and view.error is not None
    assert view.error.code is Code.LOCAL_PORT
    assert f"(process {os.getpid()})" in view.error.message
    assert room.session.state is SessionState.IDLE


async def test_one_connection_too_many_is_refused_and_counted(
    room: Forwarding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward_module, "MOST_AT_ONCE", 2)
    view = await room.start("L 0:localhost:7")
    lines = [await dial(view.port) for _ in range(2)]
    await room.until(view.id, lambda view: view.open == 2)
    assert await was_reset(view.port)
    view = await room.until(view.id, lambda view: view.refused == 1)
    assert "at once" in view.last_error
    for _, writer in lines:
        await closed(writer)
    await room.until(view.id, lambda view: view.open == 0)
    assert await exchanged(view.port, b"room again") == b"room again"


async def test_a_local_program_that_cuts_its_connection_is_no_error(room: Forwarding) -> None:
    view = await room.start("L 0:localhost:7")
    _, writer = await dial(view.port)
    writer.write(b"x")
    await room.until(view.id, lambda view: view.sent == 1)
    writer.transport.abort()
    view = await room.until(view.id, lambda view: view.open == 0)
    assert view.errors == 0


# --- a lost link -------------------------------------------------------------------------------------------------


async def test_after_a_lost_link_a_local_forward_goes_on(room: Forwarding, rig: Rig) -> None:
    view = await room.start("L 0:localhost:7")
    reader, writer = await dial(view.port)
    writer.write(b"x")
    assert await reader.read(1) == b"x"
    rig.cut()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await closed(writer)
    view = await room.until(view.id, lambda view: view.errors == 1)
    assert view.last_error.startswith("cut off: ")
    await room.until(view.id, lambda view: view.state is LISTENING)
    assert await exchanged(view.port, b"again") == b"again"
    assert [change.state for change in room.changes] == [LISTENING, WAITING, LISTENING]
    assert "lost" in room.changes[1].reason


async def test_after_a_lost_link_the_same_port_of_the_host_is_asked_for(room: Forwarding, rig: Rig) -> None:
    async with local_server() as port:
        view = await room.start(f"R 0:127.0.0.1:{port}")
        rig.cut()
        again = await room.listening_again(view.id)
        assert again.port == view.port
        visitor = await (await room.session.link()).open_stream("127.0.0.1", view.port)
        await visitor.write(b"x")
        assert await visitor.read() == b"x"
        await visitor.close()


async def test_a_port_that_the_dead_connection_still_holds_is_waited_for(
    room: Forwarding, rig: Rig, host: SimulatedHost
) -> None:
    view = await room.start("R 9000:localhost:22")
    rig.cut()
    host.programs[9000] = host.programs[7]
    waiting = await room.until(view.id, lambda view: "tried again" in view.reason, seconds=10)
    assert waiting.state is WAITING
    del host.programs[9000]
    await room.until(view.id, lambda view: view.state is LISTENING)


async def test_a_port_that_stays_taken_is_given_up_with_its_reason(
    room: Forwarding, rig: Rig, host: SimulatedHost
) -> None:
    view = await room.start("R 9000:localhost:22")
    rig.cut()
    host.programs[9000] = host.programs[7]
    view = await room.until(view.id, lambda view: view.state is FAILED, seconds=30)
    assert view.error is not None and view.error.code is Code.LISTEN_FAILED


async def test_a_connection_waits_a_while_for_a_host_that_is_away_and_is_then_refused(
    room: Forwarding, rig: Rig, host: SimulatedHost
) -> None:
    view = await room.start("L 0:localhost:7")
    host.faults.refuses = True
    rig.cut()
    await room.until(view.id, lambda view: view.state is WAITING)
    assert await was_reset(view.port)
    view = await room.until(view.id, lambda view: view.refused == 1)
    assert "not back within 15 s" in view.last_error
    host.faults.refuses = False
    await room.until(view.id, lambda view: view.state is LISTENING, seconds=20)


async def test_a_connection_that_waits_is_served_when_the_host_is_back(room: Forwarding, rig: Rig) -> None:
    view = await room.start("L 0:localhost:7")
    rig.cut()
    assert await exchanged(view.port, b"patience") == b"patience"
    assert room.view(view.id).refused == 0


async def test_a_host_that_the_person_has_left_is_not_connected_by_a_visitor(room: Forwarding) -> None:
    view = await room.start("L 0:localhost:7")
    await room.session.disconnect()
    await room.until(view.id, lambda view: view.state is WAITING)
    assert await was_reset(view.port)
    assert room.session.state is SessionState.CLOSED
    assert (await room.until(view.id, lambda view: view.refused == 1)).last_error
    await room.session.link()
    await room.until(view.id, lambda view: view.state is LISTENING)
    assert await exchanged(view.port, b"back") == b"back"


# --- its life ----------------------------------------------------------------------------------------------------


async def test_a_host_that_cannot_be_reached_fails_the_forward_and_frees_its_port(
    room: Forwarding, host: SimulatedHost
) -> None:
    host.faults.refuses = True
    view = await room.start("L 0:localhost:7")
    assert view.state is FAILED and view.error is not None
    assert view.error.code is Code.TCP_REFUSED
    with pytest.raises(ConnectionRefusedError):
        await dial(view.port)


async def test_stopping_frees_the_port_and_cuts_what_is_open(room: Forwarding) -> None:
    view = await room.start("L 0:localhost:7")
    reader, writer = await dial(view.port)
    writer.write(b"x")
    await reader.read(1)
    await room.service.stop(view.id)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    await closed(writer)
    with pytest.raises(ConnectionRefusedError):
        await dial(view.port)
    assert room.service.views() == ()
    assert room.changes[-1].state is ForwardState.STOPPED and room.changes[-1].total == 1


async def test_a_forward_that_runs_is_not_started_twice(room: Forwarding) -> None:
    first = await room.start("D 0")
    assert (await room.start("D 0")).id == first.id
    assert len(room.service.views("server")) == 1
    await room.service.stop_all("server")
    assert room.service.views() == ()


async def test_a_stopped_remote_forward_closes_the_port_of_the_host(room: Forwarding, host: SimulatedHost) -> None:
    view = await room.start("R 0:localhost:22")
    assert view.port in host.programs
    await room.service.stop(view.id)
    assert view.port not in host.programs


async def test_many_packets_are_told_as_few_events(room: Forwarding) -> None:
    view = await room.start("L 0:localhost:7")
    told: list[ForwardCounted] = []
    room.bus.subscribe(ForwardCounted, told.append)
    assert len(await exchanged(view.port, bytes(3_000_000))) == 3_000_000
    await idle_until(lambda: bool(told) and told[-1].view.open == 0)
    assert told[-1].view.received == 3_000_000
    assert len(told) < 20


async def test_a_reader_that_stalls_stops_the_far_end_and_costs_no_memory(
    room: Forwarding, host: SimulatedHost
) -> None:
    produced = 0

    async def pour(line: object) -> None:
        nonlocal produced
        while True:
            await line.write(bytes(65536))  # type: ignore[attr-defined]
            produced += 65536

    host.programs[9] = pour
    view = await room.start("L 0:localhost:9")
    reader, writer = await dial(view.port)
    before = -1
    async with asyncio.timeout(20):
        while produced != before:
            before = produced
            await asyncio.sleep(0.2)
    assert 0 < produced < 24 << 20
    assert len(await reader.readexactly(1 << 20)) == 1 << 20
    await idle_until(lambda: produced > before)
    await closed(writer)


async def test_a_far_end_that_stalls_stops_the_local_writer(room: Forwarding, host: SimulatedHost) -> None:
    async def deaf(line: object) -> None:
        await asyncio.Event().wait()

    host.programs[9] = deaf
    view = await room.start("L 0:localhost:9")
    _, writer = await dial(view.port)
    sent = 0
    with pytest.raises(TimeoutError):
        while sent < 64 << 20:
            writer.write(bytes(65536))
            async with asyncio.timeout(1):
                await writer.drain()
            sent += 65536
    assert room.view(view.id).sent <= sent
    writer.transport.abort()
    await closed(writer)
