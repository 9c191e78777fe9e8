"""The simulated world behind the seam: a Connector straight into SimulatedHosts, without sockets."""

from __future__ import annotations

import asyncio
import importlib
import sys

from backend.clock import Clock
from backend.connection.connector import Gate, LinkFacts, Observer
from backend.connection.interaction import Interaction
from backend.connection.target import Target
from backend.connection.vault import Vault
from mocks.link import SimulatedLink
from mocks.world import World


class SimulatedConnector:
    """`backend.connection.connector.Connector` for one world."""

    def __init__(self, world: World, *, vault: Vault, clock: Clock) -> None:
        self.world = world
        self._vault = vault
        self._clock = clock

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> SimulatedLink:
        # The login's client half brings asyncssh with it: loaded when it is needed, while keys go on being heard.
        if "mocks.handshake" not in sys.modules:
            await asyncio.to_thread(importlib.import_module, "mocks.handshake")
        from mocks.handshake import CIPHER, KEX, MAC, Handshake, LoggedIn, Surroundings
        from mocks.trust import key_of

        around = Surroundings(self.world, target.name, self._vault, self._clock, interaction, observer, gate)
        reached: list[LoggedIn] = []
        try:
            for hop in target.hops:
                is_target = len(reached) + 1 == len(target.hops)
                through = reached[-1] if reached else None
                reached.append(await Handshake(hop, through, around, is_target=is_target).run())
        except BaseException:
            for one in reversed(reached):
                one.wire.end()
            raise
        last = reached[-1]
        facts = LinkFacts(
            host=target.name,
            user=last.user.name,
            address=f"{last.host.address}:{target.host.port}",
            route=tuple(hop.name for hop in target.jumps),
            server_version=last.host.machine.banner.removeprefix("SSH-2.0-").split()[0],
            kex=KEX,
            cipher=CIPHER,
            mac=MAC,
            host_key=key_of(last.host).fingerprint,
            auth_method=last.method,
            auth_detail=last.detail,
            login_repeats=all(one.login_repeats for one in reached),
        )
        wires = tuple(one.wire for one in reached)
        return SimulatedLink(self.world, last.host, last.user, wires, facts, close_limit=target.host.timeouts.close)
