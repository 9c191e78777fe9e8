"""Which network one is on, and which route worked there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.connection.networks import here, identity
from backend.connection.route_memory import FORGOTTEN_AFTER, Remembered, RouteMemory
from backend.store import Store
from mocks.clock import VirtualClock

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
WIFI = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\n"
CABLE = "eth0\t00000000\tFE01A8C0\t0003\t0\t0\t100\t00000000\n"
LOCAL = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\n"
ARP = "IP address       HW type     Flags       HW address            Mask     Device\n"


def proc(directory: Path, *, route: str = "", arp: str = "", sixth: str = "") -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "route").write_text(HEAD + route)
    (directory / "arp").write_text(ARP + arp)
    (directory / "ipv6_route").write_text(sixth)
    return directory


def neighbour(mac: str) -> str:
    return f"192.168.1.1      0x1         0x2         {mac}     *        wlan0\n"


def test_two_homes_with_the_same_addresses_are_two_networks(tmp_path: Path) -> None:
    mine = proc(tmp_path / "mine", route=LOCAL + WIFI, arp=neighbour("aa:bb:cc:00:00:01"))
    theirs = proc(tmp_path / "theirs", route=WIFI + LOCAL, arp=neighbour("aa:bb:cc:00:00:02"))
    again = proc(tmp_path / "again", route=WIFI, arp=neighbour("aa:bb:cc:00:00:01"))
    assert identity(mine) == identity(again) != identity(theirs)


def test_of_two_default_routes_the_one_that_is_used_counts(tmp_path: Path) -> None:
    both = proc(tmp_path / "both", route=WIFI + CABLE)
    assert identity(both) == identity(proc(tmp_path / "cable", route=CABLE))
    assert identity(both) != identity(proc(tmp_path / "wifi", route=WIFI))


def test_a_network_without_ipv4_is_known_by_its_ipv6_gateway(tmp_path: Path) -> None:
    line = f"{'0' * 32} 00 {'0' * 32} 00 {{}} 00000400 00000001 00000000 00000003 wlan0\n"
    one = proc(tmp_path / "one", sixth=line.format("fe80" + "0" * 27 + "1"))
    other = proc(tmp_path / "other", sixth=line.format("fe80" + "0" * 27 + "2"))
    assert identity(one) not in {None, identity(other)}


def test_an_identity_tells_nobody_where_one_is(tmp_path: Path) -> None:
    found = identity(proc(tmp_path / "p", route=WIFI, arp=neighbour("aa:bb:cc:00:00:01")))
    assert found is not None
    assert len(found) == 16
    assert b"192" not in found


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_whatever_the_files_say_nothing_is_raised(
    tmp_path_factory: pytest.TempPathFactory, route: str, arp: str, sixth: str
) -> None:
    directory = proc(tmp_path_factory.mktemp("p"))
    for name, text in (("route", route), ("arp", arp), ("ipv6_route", sixth)):
        (directory / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    identity(directory)


async def test_without_the_kernels_files_the_local_address_has_to_do(tmp_path: Path) -> None:
    found = await here(tmp_path / "nothing")
    assert found is None or len(found) == 16


# --- memory ---


class Places:
    """The network one is on, by script."""

    def __init__(self) -> None:
        self.now: bytes | None = b"home"

    async def __call__(self) -> bytes | None:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "state" / "fairlead.db")
    yield opened
    await opened.close()


async def test_what_worked_here_is_remembered_here_and_nowhere_else(store: Store) -> None:
    clock, places = VirtualClock(), Places()
    memory = RouteMemory(store, clock, network=places)
    assert await memory.recall("gpu-7") is None
    await memory.keep("gpu-7", "jump")
    await memory.keep("gpu-7", "tailscale")
    assert await memory.recall("gpu-7") == Remembered("tailscale", clock.now())
    assert await memory.recall("other") is None
    places.now = b"office"
    assert await memory.recall("gpu-7") is None
    places.now = None
    await memory.keep("gpu-7", "direct")
    assert await memory.recall("gpu-7") is None


async def test_it_outlives_the_program_and_not_half_a_year(store: Store, tmp_path: Path) -> None:
    clock, places = VirtualClock(), Places()
    await RouteMemory(store, clock, network=places).keep("gpu-7", "jump")
    again = Store(store.path)
    later = VirtualClock(clock.now() + FORGOTTEN_AFTER - timedelta(days=1))
    found = await RouteMemory(again, later, network=places).recall("gpu-7")
    assert found is not None
    much_later = VirtualClock(clock.now() + FORGOTTEN_AFTER + timedelta(days=1))
    assert await RouteMemory(again, much_later, network=places).recall("gpu-7") is None
    await again.close()


async def test_a_state_file_that_cannot_be_used_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = Store(tmp_path / "file" / "fairlead.db")
    memory = RouteMemory(broken, VirtualClock(), network=Places())
    await memory.keep("gpu-7", "jump")
    assert await memory.recall("gpu-7") is None
    await broken.close()


@pytest.mark.parametrize(("days", "told"), [(0, "today"), (1, "yesterday"), (9, "9 days ago")])
def test_when_it_worked_is_told_in_words(days: int, told: str) -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert Remembered("jump", at).told(at + timedelta(days=days)) == f"it worked here {told}"
