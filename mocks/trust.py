"""Host keys of simulated hosts, judged, asked about and remembered by the same core as those of real ones."""

from __future__ import annotations

import asyncio
import base64

from backend.connection.connector import Gate
from backend.connection.host_key_file import can_remember, remember, replace
from backend.connection.host_keys import HostKey, HostNames, Judgement, load, looked_in
from backend.connection.interaction import HostKeyDecision, HostKeyQuestion, HostKeyState, Interaction
from backend.connection.ssh.progress import HopProgress
from backend.connection.target import Hop, HostKeyPolicy
from backend.errors import Code, HostKeyError
from mocks.host import SimulatedHost


def key_of(host: SimulatedHost) -> HostKey:
    """The host's public key as it goes over the wire."""
    return HostKey(base64.b64decode(host.host_key.public_line.split()[1]))


async def check(
    hop: Hop, key: HostKey, interaction: Interaction, progress: HopProgress, gate: Gate | None = None
) -> str:
    """Where the key is known, once it is trusted. Raises HostKeyError as the real connector does."""
    known = await asyncio.to_thread(load, hop.known_hosts, HostNames.of(hop))
    judgement = known.judge(key)
    if judgement.state is HostKeyState.TRUSTED:
        return judgement.known[0].where
    if judgement.state is HostKeyState.REVOKED:
        raise _refused(Code.HOST_KEY_REVOKED, known.names, key, where=judgement.where)
    with progress.person():
        if gate is not None:
            await gate.take()
        decision = await _decision(hop, key, judgement, interaction)
    if decision is HostKeyDecision.REFUSE:
        if judgement.state is HostKeyState.CHANGED:
            raise _refused(Code.HOST_KEY_CHANGED, known.names, key, **judgement.expected)
        raise _refused(Code.HOST_KEY_UNKNOWN, known.names, key, where=", ".join(looked_in(known.looked_in)))
    if decision is HostKeyDecision.REMEMBER and can_remember(hop.known_hosts):
        write = replace if judgement.state is HostKeyState.CHANGED else remember
        await asyncio.to_thread(write, hop.known_hosts, known.names.main, key)
    return "accepted now"


def _refused(code: Code, names: HostNames, key: HostKey, **places: str) -> HostKeyError:
    evidence = {"name": names.main, "fingerprint": key.fingerprint, "algorithm": key.algorithm, **places}
    return HostKeyError(code, evidence=evidence)


async def _decision(hop: Hop, key: HostKey, judgement: Judgement, interaction: Interaction) -> HostKeyDecision:
    changed = judgement.state is HostKeyState.CHANGED
    if hop.host_key_policy is HostKeyPolicy.STRICT:
        return HostKeyDecision.REFUSE
    if hop.host_key_policy is HostKeyPolicy.ACCEPT_NEW:
        return HostKeyDecision.REFUSE if changed else HostKeyDecision.REMEMBER
    question = HostKeyQuestion(
        hop.name,
        HostNames.of(hop).main,
        judgement.state,
        key.algorithm,
        key.fingerprint,
        key.randomart,
        known=judgement.known,
        looked_in=looked_in((*hop.known_hosts.user, *hop.known_hosts.system)),
        can_remember=can_remember(hop.known_hosts),
    )
    return await interaction.host_key(question)
