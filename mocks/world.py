"""The simulated world: hosts by name and address. Names resolve in here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backend.clock import Clock, SystemClock
from mocks.demo.hosts import demo_listings
from mocks.demo.listing import Listing
from mocks.host import SimulatedHost


class World:
    """Hosts that can reach each other."""

    def __init__(self, hosts: Iterable[SimulatedHost] = (), *, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.listings: tuple[Listing, ...] = ()
        """What a host list says about them, where the world brings one."""
        self.tailscale_runs = True
        """Whether this machine is in the tailnet, in which every host is."""
        self._hosts: dict[str, SimulatedHost] = {}
        for host in hosts:
            self.add(host)

    def add(self, host: SimulatedHost) -> SimulatedHost:
        """Put `host` into the world; one of the same name is replaced."""
        self._hosts[host.name] = host
        return host

    def __getitem__(self, name: str) -> SimulatedHost:
        return self._hosts[name]

    def __iter__(self) -> Iterator[SimulatedHost]:
        return iter(self._hosts.values())

    def find(self, address: str) -> SimulatedHost | None:
        """The host of that name (case does not matter, nor does a domain after it) or numeric address."""
        wanted = address.lower().rstrip(".")
        for host in self._hosts.values():
            if wanted in (host.name.lower(), host.address, f"{host.name.lower()}.example"):
                return host
        return None


def demo_world(clock: Clock | None = None) -> World:
    """The world of `fairlead demo`: seven hosts with histories, new each time and always the same.

    `clock` dates its files and drives what happens on it; give the same one to the connector.
    """
    clock = clock or SystemClock()
    listings = demo_listings(clock)
    world = World((listing.host for listing in listings), clock=clock)
    world.listings = listings
    world.tailscale_runs = False
    return world
