"""The whole world over real SSH: every host on a port of loopback, with an ssh_config that any client can use."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from mocks.demo.setup import known_hosts_text
from mocks.host import SimulatedHost
from mocks.relay import Relay, RelayFaults
from mocks.server import HostServer
from mocks.world import World


class ServedWorld:
    """`async with ServedWorld(world) as served:` then visit `served.port("web-1")`.

    Each host is behind a relay that gives it the round trip and the rate that the world says.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.relays: dict[str, Relay] = {}
        self.servers: dict[str, HostServer] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            for host in self.world:
                await self._serve(host)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def port(self, name: str) -> int:
        """Where the host called `name` listens on 127.0.0.1."""
        return self.relays[name].port

    def ssh_config(self, known_hosts: Path, key: Path) -> str:
        """Text for `ssh -F FILE`: an alias for each host. Hosts behind another one are reached through it."""
        return "".join(self._entry(listing.host.name, known_hosts, key) for listing in self.world.listings)

    def known_hosts(self) -> str:
        """Text for a known_hosts file, by the aliases of `ssh_config`."""
        return known_hosts_text(self.world)

    def _entry(self, name: str, known_hosts: Path, key: Path) -> str:
        listing = next(listing for listing in self.world.listings if listing.host.name == name)
        lines = [
            f"Host {name}",
            f"  User {listing.user}",
            f"  HostKeyAlias {listing.address}",
            f"  UserKnownHostsFile {known_hosts}",
            f"  IdentityFile {key}" if listing.uses_key else "  PubkeyAuthentication no",
            "  IdentitiesOnly yes",
        ]
        if listing.jump:
            lines += [f"  HostName {listing.address}", f"  Port {listing.host.port}", f"  ProxyJump {listing.jump}"]
        else:
            lines += ["  HostName 127.0.0.1", f"  Port {self.port(name)}"]
        return "\n".join(lines) + "\n\n"

    async def _serve(self, host: SimulatedHost) -> None:
        server = HostServer(host, world=self.world, route=self._route)
        self.servers[host.name] = await self._stack.enter_async_context(server)
        network = host.network
        faults = RelayFaults(delay=network.round_trip / 2, jitter=network.jitter / 2, rate=network.rate)
        relay = await self._stack.enter_async_context(Relay("127.0.0.1", server.port, faults))
        if host.faults.cut_after:
            relay.cut_after(down=host.faults.cut_after[0])
        self.relays[host.name] = relay

    def _route(self, host: str, port: int) -> int | None:
        """For jumps: the relay of a host's SSH port."""
        relay = self.relays.get(host)
        return relay.port if relay is not None and port == self.world[host].port else None
