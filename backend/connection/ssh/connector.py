"""The connector for real hosts: one SSH connection over any number of jump hosts, built hop by hop."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING

from backend.clock import Clock
from backend.connection.connector import Gate, Observer
from backend.connection.interaction import Interaction
from backend.connection.sharing import tell_reused
from backend.connection.ssh.hop import HopConnection, HopLink
from backend.connection.ssh.loading import LINK, loaded
from backend.connection.ssh.shared_hops import SharedHops
from backend.connection.ssh.surroundings import Surroundings
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault

if TYPE_CHECKING:
    from backend.connection.ssh.link import SshLink


class SshConnector:
    """Makes connections to real hosts; see `Connector`. Secrets that logged in are kept in `vault` for a reconnect."""

    def __init__(self, *, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._hops = SharedHops(clock)

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> SshLink:
        """One authenticated connection to `target`; over one that is up, where its login took a person, as that of a
        jump host may have.

        Raises a located ConnectError, HostKeyError or AuthError. Cancelling, or failing, closes the hops so far.
        """
        around = Surroundings(target.name, self._vault, self._clock, interaction, observer, gate)

        def connect(hop: Hop, through: HopLink | None) -> Awaitable[HopLink]:
            return HopConnection(hop, through, around, is_target=hop is target.host).run()

        way = await self._hops.lease(target, connect, partial(tell_reused, observer))
        try:
            await loaded(LINK)
        except BaseException:
            way.abort()
            raise
        from backend.connection.ssh.host_connection import HostConnection
        from backend.connection.ssh.link import SshLink

        return SshLink(target, HostConnection(way), self._clock, first=way.made_for)

    async def close(self) -> None:
        """Close the hops that are kept for others; bounded."""
        await self._hops.close()
