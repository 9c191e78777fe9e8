"""One SSH connection to a hop over what carries it: key exchange, host key, login; and what their failures mean.

With `link` it is the part of this package that needs asyncssh; see `loading`.
"""

from __future__ import annotations

import asyncssh

from backend.connection.connector import Phase
from backend.connection.ssh.carriers import Carrier
from backend.connection.ssh.client import HopClient
from backend.connection.ssh.errors import kex_error, kex_timeout
from backend.connection.ssh.gate import GatedClient
from backend.connection.ssh.login import Login
from backend.connection.ssh.options import connection_options
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.quick_packets import quicken
from backend.connection.ssh.surroundings import Surroundings
from backend.connection.ssh.trust import HopTrust
from backend.connection.ssh.words import reason
from backend.connection.target import Hop, HopIdentity
from backend.errors import FairleadError


class Handshake:
    """Makes one connection to `hop`; `before` are the hops on the way to it."""

    def __init__(
        self,
        hop: Hop,
        around: Surroundings,
        progress: HopProgress,
        trust: HopTrust,
        *,
        is_target: bool,
        before: tuple[HopIdentity, ...],
    ) -> None:
        self._hop = hop
        self._around = around
        self._progress = progress
        self._trust = trust
        self.client: HopClient | None = None
        """asyncssh's counterpart, once the two have met."""
        self.login = Login(
            hop,
            target=around.target,
            vault=around.vault,
            interaction=around.interaction,
            person=progress.person,
            is_target=is_target,
            before=before,
            admit=around.gate.admit if around.gate is not None else None,
        )

    async def connect(self, carrier: Carrier) -> asyncssh.SSHClientConnection:
        """The connection, logged in. Raises ConnectError KEX_NO_MATCH, and whatever asyncssh raises: see `again` and
        `explained`."""
        trust = self._trust
        options = connection_options(self._hop, trust.known, self._new_client, certificates=trust.certificates)
        conn = await asyncssh.connect(self._hop.address, self._hop.port, tunnel=carrier, **options)
        quicken(conn)
        return conn

    def _new_client(self) -> HopClient:
        self.client = client = GatedClient(
            self._hop,
            known=self._trust.known,
            accepted=self._trust.accepted,
            login=self.login,
            progress=self._progress,
            interaction=self._around.interaction,
        )
        client.gate = self._around.gate
        return client

    def close(self) -> None:
        """Let go of what the login had in hand."""
        self.login.close()

    # --- failures ---

    async def again(self, error: Exception) -> bool:
        """Whether another connection is worth it after `error`: another key is trusted now. Raises HostKeyError."""
        if self.client is not None and self.client.refused_key is not None:
            await self._trust.decide(self.client)
            return True
        return isinstance(error, asyncssh.HostKeyNotVerifiable) and self._trust.falls_back(error)

    def explained(self, error: Exception) -> FairleadError:
        """What a failure of the phase under way means."""
        if self._progress.phase is Phase.AUTH:
            return self._login_failure(error)
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return self._trust.certificate_error(self.client, error)
        return kex_error(self._hop, error, self.client.offers if self.client else None)

    def _login_failure(self, error: Exception) -> FairleadError:
        if isinstance(error, asyncssh.PermissionDenied):
            return self.login.failure()
        told = reason(error)
        hung_up = isinstance(error, asyncssh.ConnectionLost) and self.login.refusals
        if "too many" in told.lower() or hung_up:
            return self.login.too_many(told)
        return self.login.cut_off(told)

    def timed_out(self) -> FairleadError:
        """The limit of the phase under way was reached."""
        return self.login.timed_out() if self._progress.phase is Phase.AUTH else kex_timeout(self._hop)
