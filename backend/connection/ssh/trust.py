"""Which host key of one hop is trusted, and what is done about one that is not.

A host key that is not trusted ends the attempt; after a person's (or the policy's) yes, the hop is connected anew with
exactly that key trusted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from backend.connection.host_key_file import can_remember, remember, replace
from backend.connection.host_keys import HostKey, HostNames, Judgement, KnownHosts, load, looked_in
from backend.connection.interaction import HostKeyDecision, HostKeyQuestion, HostKeyState
from backend.connection.ssh.progress import HopProgress
from backend.connection.ssh.surroundings import Surroundings
from backend.connection.ssh.words import reason
from backend.connection.target import Hop, HostKeyPolicy
from backend.errors import Code, HostKeyError

if TYPE_CHECKING:
    from backend.connection.ssh.client import HopClient


class HopTrust:
    """What is known of `hop`'s keys while it is being connected."""

    def __init__(self, hop: Hop, around: Surroundings, progress: HopProgress) -> None:
        self._hop = hop
        self._around = around
        self._progress = progress
        self.known = KnownHosts(HostNames.of(hop))
        self.accepted: HostKey | None = None
        """The key that was accepted just now."""
        self.certificates = True
        """Whether the host may show a certificate for its key."""

    async def read(self) -> None:
        """Read the files of known keys. Raises HostKeyError where one cannot be read."""
        self.known = await asyncio.to_thread(load, self._hop.known_hosts, HostNames.of(self._hop))

    def falls_back(self, error: Exception) -> bool:
        """Whether it was a certificate that does not hold, of a host whose plain key is known: then that decides, as in
        OpenSSH (`sshconnect.c:check_host_key`), and none is asked for any more. `error` says that a key is not
        trusted."""
        if "revoked" in reason(error) or not self.certificates or not self.known.algorithms:
            return False
        self.certificates = False
        return True

    async def decide(self, client: HopClient) -> None:
        """Trust the key that was refused from now on, or raise HostKeyError."""
        key, judgement = client.refused_key, client.judgement
        assert key is not None and judgement is not None
        if judgement.state is HostKeyState.REVOKED:
            raise self._error(client, Code.HOST_KEY_REVOKED, where=judgement.where)
        if client.refused_authority:
            self.certificates = False
            return
        judgement = await self._judged_in_turn(key, judgement)
        if judgement.state is HostKeyState.TRUSTED:
            return
        decision = await self._decision(key, judgement)
        if decision is HostKeyDecision.REFUSE:
            raise self._not_trusted(client, judgement)
        if decision is HostKeyDecision.REMEMBER:
            await self._write_down(key, judgement)
        self.accepted = key

    # --- failures ---

    def certificate_error(self, client: HopClient | None, error: Exception) -> HostKeyError:
        """What asyncssh has against the certificate that the host has shown."""
        told = reason(error)
        if client is not None:
            client.exchanged()
        if "revoked" in told:
            return self._error(client, Code.HOST_KEY_REVOKED, told, where=", ".join(self.known.revoked_where))
        sentence = f"The certificate that {self._hop.name} shows for its host key does not hold: {told}"
        return self._error(client, Code.HOST_KEY_UNKNOWN, told, sentence=sentence)

    def never_the_same(self, client: HopClient | None) -> HostKeyError:
        """The key that was accepted is not shown."""
        return self._error(client, Code.HOST_KEY_UNKNOWN, "the server shows another key each time")

    def _not_trusted(self, client: HopClient, judgement: Judgement) -> HostKeyError:
        if judgement.state is HostKeyState.CHANGED:
            return self._error(client, Code.HOST_KEY_CHANGED, **judgement.expected)
        return self._error(client, Code.HOST_KEY_UNKNOWN, where=", ".join(looked_in(self.known.looked_in)))

    def _error(
        self, client: HopClient | None, code: Code, told: str = "", *, sentence: str = "", **more: str
    ) -> HostKeyError:
        key = (client.refused_key or client.host_key) if client else None
        evidence = {"name": self.known.names.main, **more}
        if key is not None:
            evidence |= {"fingerprint": key.fingerprint, "algorithm": key.algorithm}
        if told:
            evidence["reason"] = told
        return HostKeyError(code, sentence, evidence=evidence, host=self._hop.name)

    # --- the decision ---

    async def _decision(self, key: HostKey, judgement: Judgement) -> HostKeyDecision:
        hop = self._hop
        if hop.host_key_policy is HostKeyPolicy.STRICT:
            return HostKeyDecision.REFUSE
        if hop.host_key_policy is HostKeyPolicy.ACCEPT_NEW:
            changed = judgement.state is HostKeyState.CHANGED
            return HostKeyDecision.REFUSE if changed else HostKeyDecision.REMEMBER
        question = HostKeyQuestion(
            hop.name,
            self.known.names.main,
            judgement.state,
            key.algorithm,
            key.fingerprint,
            key.randomart,
            known=judgement.known,
            looked_in=looked_in(self.known.looked_in),
            can_remember=can_remember(hop.known_hosts),
        )
        with self._progress.person():
            return await self._around.interaction.host_key(question)

    async def _judged_in_turn(self, key: HostKey, judgement: Judgement) -> Judgement:
        """What holds once it is this route's turn: the key may have been accepted over another one meanwhile."""
        if self._around.gate is None:
            return judgement
        with self._progress.person():
            await self._around.gate.take()
        await self.read()
        return self.known.judge(key)

    async def _write_down(self, key: HostKey, judgement: Judgement) -> None:
        files = self._hop.known_hosts
        if not can_remember(files):
            return
        write = replace if judgement.state is HostKeyState.CHANGED else remember
        await asyncio.to_thread(write, files, self.known.names.main, key)
