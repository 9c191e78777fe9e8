"""The connector for real hosts: one SSH connection over any number of jump hosts, built hop by hop with asyncssh.

asyncssh's types end in the `ssh*` modules of this package. What each of them does:
`ssh_hop` one hop from name to login · `ssh_reach`, `ssh_transport`, `ssh_proxy`, `ssh_command` the way to the first
hop · `ssh_carriers`, `ssh_banner` bytes and identification · `ssh_options` what asyncssh is told · `ssh_client`,
`ssh_gate` host key · `ssh_login`, `ssh_login_record`, `ssh_questions`, `ssh_keyring`, `ssh_keys` login · `ssh_link`,
`ssh_process`, `ssh_files` the live connection · `ssh_internals` the undocumented parts of asyncssh that are leaned on.
"""

from __future__ import annotations

from backend.clock import Clock
from backend.connection.connector import Gate, Observer
from backend.connection.interaction import Interaction
from backend.connection.ssh_hop import HopConnection, HopLink
from backend.connection.ssh_link import SshLink, abort_hops, close_hops
from backend.connection.ssh_surroundings import Surroundings
from backend.connection.target import Target
from backend.connection.vault import Vault


class SshConnector:
    """Makes connections to real hosts; see `Connector`. Secrets that logged in are kept in `vault` for a reconnect."""

    def __init__(self, *, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    async def connect(
        self, target: Target, interaction: Interaction, observer: Observer | None = None, gate: Gate | None = None
    ) -> SshLink:
        """One authenticated connection to `target`.

        Raises a located ConnectError, HostKeyError or AuthError. Cancelling, or failing, closes the hops so far.
        """
        around = Surroundings(target.name, self._vault, self._clock, interaction, observer, gate)
        hops: list[HopLink] = []
        finished = False
        try:
            for hop in target.hops:
                is_target = len(hops) + 1 == len(target.hops)
                hops.append(await HopConnection(hop, hops[-1] if hops else None, around, is_target=is_target).run())
            link = SshLink(target.name, hops, self._clock)
            finished = True
            return link
        except Exception:
            await close_hops(hops)
            hops.clear()
            raise
        finally:
            if not finished:
                abort_hops(hops)
