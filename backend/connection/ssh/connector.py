"""The connector for real hosts: one SSH connection over any number of jump hosts, built hop by hop."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from backend.clock import Clock
from backend.connection.connector import Gate, Observer, Phase, PhasePassed, PhaseStarted
from backend.connection.interaction import Interaction
from backend.connection.ssh.closing import abort_hops, close_hops
from backend.connection.ssh.hop import HopConnection, HopLink
from backend.connection.ssh.jumps import JumpLease, SharedJumps
from backend.connection.ssh.link import SshLink
from backend.connection.ssh.surroundings import Surroundings
from backend.connection.target import Hop, Target
from backend.connection.vault import Vault


class SshConnector:
    """Makes connections to real hosts; see `Connector`. Secrets that logged in are kept in `vault` for a reconnect."""

    def __init__(self, *, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._jumps = SharedJumps(clock)

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> SshLink:
        """One authenticated connection to `target`.

        Raises a located ConnectError, HostKeyError or AuthError. Cancelling, or failing, closes the hops so far.
        """
        around = Surroundings(target.name, self._vault, self._clock, interaction, observer, gate)

        def jump(hop: Hop, through: HopLink | None) -> Awaitable[HopLink]:
            return HopConnection(hop, through, around, is_target=False).run()

        jumps = await self._jumps.lease(target.jumps, jump, partial(_tell_reused, observer))
        through = jumps.links[-1] if jumps.links else None
        try:
            last = await HopConnection(target.host, through, around, is_target=True).run()
        except BaseException as error:
            await self._leave(jumps, politely=isinstance(error, Exception))
            raise
        return SshLink(target.name, jumps, last, self._clock)

    async def close(self) -> None:
        """Close the jump hosts that are kept for others; bounded."""
        await self._jumps.close()

    async def _leave(self, jumps: JumpLease, *, politely: bool) -> None:
        try:
            if politely:
                await close_hops(jumps.own)
        finally:
            abort_hops(jumps.own)
            jumps.give_back()


def _tell_reused(observer: Observer | None, hop: Hop) -> None:
    if observer is not None:
        observer(PhaseStarted(hop, Phase.AUTH))
        observer(PhasePassed(hop, Phase.AUTH, 0.0, {"shared": "the connection that is up already"}))
