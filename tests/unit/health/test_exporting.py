"""Health for other programs: one text for Prometheus, JSON lines, and what is answered over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.clock import SystemClock
from backend.errors import Code, ConnectError, FairleadError
from backend.forwards.spec import Port
from backend.health.deep.values import Level
from backend.health.exporting.endpoint import MOST_AT_ONCE, PATIENCE, read_address, serving
from backend.health.exporting.exposition import exposition
from backend.health.exporting.json_lines import json_lines
from backend.health.exporting.requests import MOST_HEAD, Asked, Refused, names_this_machine, read_request
from backend.health.live import LiveLook
from backend.health.trends.values import TrendKind
from backend.health.values import SshHealth
from backend.metrics.registry import Registry
from mocks.clock import VirtualClock
from tests.support.waiting import no_tasks_left
from tests.unit.metrics.exposition import read_exposition
from tests.unit.reports.examples import FILLING, history

NOW = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)
LOOKS = (
    LiveLook("web-1", None, 0.2, (("tcp", 0.1), ("auth", 0.1)), (0.01, 0.02, 0.03)),
    LiveLook("db-2", ConnectError(Code.TCP_REFUSED, host="db-2")),
)
HEALTHS = (history(), SshHealth("db-2"))
GET = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:9822\r\n\r\n"


def _program() -> Registry:
    registry = Registry()
    registry.counter("fairlead_connects_total", "Connection attempts.", ("host",)).add(2, "web-1")
    return registry


def test_prometheus_gets_histories_looks_and_the_program_in_one_text() -> None:
    families = read_exposition(exposition(HEALTHS, LOOKS, program=_program(), now=NOW, trouble=False))

    def values(name: str) -> dict[str, float]:
        return {dict(labels).get("host", ""): value for (_, labels), value in families[name].samples.items()}

    assert values("fairlead_look_success") == {"web-1": 1, "db-2": 0}
    assert values("fairlead_look_failure") == {"db-2": 1}
    assert values("fairlead_look_round_trip_seconds") == {"web-1": 0.02}
    assert values("fairlead_connects_total") == {"web-1": 2}
    assert values("fairlead_ssh_healthy") == {"web-1": 1}, "of db-2 nothing is known"
    assert values("fairlead_export_timestamp_seconds") == {"": NOW.timestamp()}
    assert values("fairlead_history_kept") == {"": 1}


def test_prometheus_gets_what_the_past_leads_to_and_of_two_dates_the_nearer_one() -> None:
    later = replace(FILLING, eta=NOW + timedelta(days=9), level=Level.OK)
    slower = replace(FILLING, kind=TrendKind.SHIFT, metric="latency", eta=None, uncertainty=None)
    trends = {"web-1": (FILLING, later, slower), "db-2": ()}
    families = read_exposition(exposition((), (), (), trends, program=_program(), now=NOW, trouble=False))

    def values(name: str) -> dict[tuple[str, str, str], float]:
        found = {}
        for (_, pairs), value in families[name].samples.items():
            labels = dict(pairs)
            found[labels["host"], labels["reading"], labels["kind"]] = value
        return found

    disk, latency = ("web-1", "disk./.used_ratio", "fill"), ("web-1", "latency", "shift")
    assert FILLING.eta is not None
    assert values("fairlead_trend_eta_timestamp_seconds") == {disk: FILLING.eta.timestamp()}
    assert values("fairlead_trend_eta_uncertainty_seconds") == {disk: 86_400}
    assert values("fairlead_trend_level") == {disk: 2, latency: 2}


def test_json_lines_have_one_value_each() -> None:
    records = [json.loads(line) for line in json_lines(HEALTHS, LOOKS, (), NOW).splitlines()]
    assert {tuple(record)[:5] for record in records} == {("at", "host", "name", "value", "unit")}
    told = {(record["host"], record["name"]): record for record in records}
    assert told["web-1", "look.round_trip"]["value"] == 0.02
    assert told["web-1", "look.round_trip"]["unit"] == "s"
    assert told["web-1", "ssh.success_ratio"]["value"] == 0.96
    assert told["db-2", "look.success"] == {
        "at": "2026-03-02T09:41:00.000Z",
        "host": "db-2",
        "name": "look.success",
        "value": 0.0,
        "unit": "boolean",
        "code": "TCP_REFUSED",
    }
    assert ("db-2", "ssh.healthy") not in told


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTPStatus.NOT_FOUND),
        (b"GET /metrics/../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTPStatus.NOT_FOUND),
        (b"GET /metrics HTTP/2\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n", HTTPStatus.MISDIRECTED_REQUEST),
        (b"GET /metrics HTTP/1.1\r\n\r\n", HTTPStatus.MISDIRECTED_REQUEST),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: x\r\n\r\n", HTTPStatus.MISDIRECTED_REQUEST),
    ],
)
def test_everything_but_reading_the_metrics_is_refused(head: bytes, status: HTTPStatus) -> None:
    found = read_request(head, here_only=True)
    assert isinstance(found, Refused)
    assert found.status is status


def test_a_port_that_others_reach_answers_under_any_name() -> None:
    assert read_request(b"GET /metrics?x=1 HTTP/1.0\r\nHost: desk.lan\r\n\r\n", here_only=False) == Asked(
        with_body=True
    )
    assert read_request(GET.replace(b"GET", b"HEAD"), here_only=True) == Asked(with_body=False)


@given(st.binary(max_size=200))
def test_no_request_breaks_the_reader(head: bytes) -> None:
    assert isinstance(read_request(head + b"\r\n\r\n", here_only=True), Refused)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9822", "127.9.9.9", "[::1]:9", "[::1]"])
def test_this_machine_has_these_names(host: str) -> None:
    assert names_this_machine(host)


@pytest.mark.parametrize("host", ["", "x", "10.0.0.1", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]:1"])
def test_others_have_not(host: str) -> None:
    assert not names_this_machine(host)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9822", Port("127.0.0.1", 9822)),
        ("0.0.0.0:1", Port("0.0.0.0", 1)),
        ("[::1]:9", Port("::1", 9)),
        ("localhost:0", Port("localhost", 0)),
    ],
)
def test_addresses_are_read(text: str, address: Port) -> None:
    assert read_address(text) == address
    assert address.is_loopback == (address.host != "0.0.0.0")


@pytest.mark.parametrize("text", ["", "web-1", "web-1:22", "99999", "1:2:3", "²"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"port|address"):
        read_address(text)


# --- the port itself -------------------------------------------------------------------------------------------------


async def _metrics() -> str:
    return "fairlead_x 1\n"


@asynccontextmanager
async def _served(clock: VirtualClock | SystemClock | None = None) -> AsyncIterator[Port]:
    async with no_tasks_left(), serving(Port("127.0.0.1", 0), _metrics, clock or SystemClock()) as places:
        yield places[0]


@asynccontextmanager
async def _connected(place: Port) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(place.host, place.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _exchange(place: Port, request: bytes) -> bytes:
    """The answer; empty where the connection is closed without one."""
    async with _connected(place) as (reader, writer):
        writer.write(request)
        with suppress(ConnectionError):
            return await reader.read()
    return b""


async def test_a_scrape_gets_the_text_and_the_connection_ends() -> None:
    async with _served() as place:
        head, _, body = (await _exchange(place, GET)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Content-Length: 13" in head
        assert body == b"fairlead_x 1\n"
        assert (await _exchange(place, GET.replace(b"GET", b"HEAD"))).endswith(b"\r\n\r\n")


async def test_headers_that_are_too_long_are_refused() -> None:
    async with _served() as place:
        told = await _exchange(place, GET[:-2] + b"X: " + b"a" * MOST_HEAD + b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 431 ")


async def test_who_sends_slowly_is_let_go() -> None:
    clock = VirtualClock(grace=0.01)
    async with _served(clock) as place:
        began = clock.monotonic()
        assert await _exchange(place, GET[:10]) == b""
        assert clock.monotonic() - began >= PATIENCE


async def test_there_are_only_so_many_at_once_and_others_are_served_after_them() -> None:
    async with _served() as place, AsyncExitStack() as held:
        for _ in range(MOST_AT_ONCE):
            _, writer = await held.enter_async_context(_connected(place))
            writer.write(b"G")
        assert await _exchange(place, GET) == b""
        await held.aclose()
        async with asyncio.timeout(10):
            while b"fairlead_x 1" not in await _exchange(place, GET):
                await asyncio.sleep(0.01)


async def test_stopping_ends_those_who_are_under_way() -> None:
    async with AsyncExitStack() as open_still:
        async with _served() as place:
            reader, writer = await open_still.enter_async_context(_connected(place))
            writer.write(GET[:10])
        with suppress(ConnectionError):
            assert await reader.read() == b""


async def test_a_port_that_is_taken_is_told() -> None:
    async with _served() as place:
        with pytest.raises(FairleadError) as caught:
            async with serving(place, _metrics, SystemClock()):
                pass
        assert caught.value.code is Code.LOCAL_PORT
        assert "listens there" in caught.value.message


async def test_a_name_with_two_addresses_gets_one_port_and_both_are_told() -> None:
    async with no_tasks_left(), serving(Port(None, 0), _metrics, SystemClock()) as places:
        assert len({place.port for place in places}) == 1
        assert [place.host for place in places] == ["127.0.0.1", "::1"][: len(places)]
        for place in places:
            assert b"fairlead_x 1" in await _exchange(place, GET)
