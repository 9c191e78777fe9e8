"""The keys of one login, one after the other: which are offered, and opening those that the server would take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import asyncssh

from backend.connection.credentials import KeyFile, KeyOffer, KeyProblem, plan, read_key_files
from backend.connection.host_keys import HostKey, shorten
from backend.connection.interaction import Interaction, SecretKind, SecretRequest
from backend.connection.ssh.keys import (
    Agent,
    CertificateUnusable,
    KeyNotOpened,
    KeyUnusable,
    WrongPassphrase,
    key_pairs,
    open_private,
    read_certificates,
)
from backend.connection.ssh.login_record import Record, Try
from backend.connection.target import Hop
from backend.connection.vault import Secret, Vault
from backend.errors import Code
from backend.text import clean_line

MOST_ASKS = 3
"""Times a person is asked for the same thing in one login (OpenSSH's NumberOfPasswordPrompts)."""
_SECRET_METHODS = frozenset({"password", "keyboard-interactive"})


class Keyring:
    """What can be shown to `hop` by public key."""

    def __init__(
        self,
        hop: Hop,
        record: Record,
        *,
        target: str,
        vault: Vault,
        interaction: Interaction,
        person: Callable[[], AbstractContextManager[None]],
        is_target: bool,
        memory: tuple[object, ...],
    ) -> None:
        """`memory` is where the vault remembers which keys this hop took and refused."""
        self._hop = hop
        self._record = record
        self._target = target
        self._vault = vault
        self._interaction = interaction
        self._person = person
        self._is_target = is_target
        self._memory = memory
        self._agent = Agent(hop.agent_socket if "publickey" in hop.auth_methods else None)
        self._offers: list[KeyOffer] | None = None

    async def next(self) -> Sequence[asyncssh.SSHKeyPair] | None:
        """The next key to offer; None when there is no more."""
        if "publickey" not in self._hop.auth_methods or self._record.at_the_limit:
            return None
        if self._offers is None:
            self._offers = await self._plan()
        while self._offers:
            offer = self._offers.pop(0)
            try:
                pairs = await key_pairs(offer, self._agent, self._open)
            except CertificateUnusable as error:
                self._record.remarks.append(f"{offer.where}: {clean_line(str(error))}")
            except KeyUnusable as error:
                self._unusable(offer, str(error))
            except KeyNotOpened:
                continue
            else:
                self._record.current = Try("publickey", _described(offer, pairs[0]), mark=offer.mark)
                return pairs
        return None

    def remember(self) -> None:
        """Logged in: the next login shows the same keys first, and not those that were refused."""
        record = self._record
        self._vault.note(self._target, ("keys taken", *self._memory), _marks(record.accepted))
        self._vault.note(self._target, ("keys refused", *self._memory), _marks(record.refused))

    def forget(self) -> None:
        """Not logged in: what was remembered is no longer true."""
        for what in ("keys taken", "keys refused"):
            self._vault.note(self._target, (what, *self._memory), frozenset())

    def close(self) -> None:
        self._agent.close()

    async def _plan(self) -> list[KeyOffer]:
        hop, record = self._hop, self._record
        files, problems = await asyncio.to_thread(read_key_files, hop.identity_files, named=hop.identities_named)
        certificates, remarks = await asyncio.to_thread(read_certificates, hop.certificate_files)
        record.problems.extend(problems)
        held = await self._agent.keys()
        record.agent_problem = self._agent.problem
        planned = plan(
            files,
            held,
            named=hop.identities_named,
            only=hop.identities_only,
            certificates=certificates,
            # A secret that a person gives needs room for one try below the server's limit.
            reserve=1 if _SECRET_METHODS & set(hop.auth_methods) & set(record.offered) else 0,
            first=self._vault.noted(self._target, ("keys taken", *self._memory)),
            never=self._vault.noted(self._target, ("keys refused", *self._memory)),
        )
        record.remarks += [*remarks, *planned.without_key]
        record.left_out = planned.left_out
        return list(planned.offers)

    def _unusable(self, offer: KeyOffer, reason: str) -> None:
        if offer.file is not None:
            self._record.problems.append(KeyProblem(offer.file.path, Code.AUTH_KEY_UNREADABLE, clean_line(reason)))

    async def _open(self, file: KeyFile) -> asyncssh.SSHKey:
        """The private half; asks for the passphrase where there is one. Raises KeyNotOpened, KeyUnusable."""
        assert file.private is not None
        try:
            key = await (self._unlock(file) if file.encrypted else asyncio.to_thread(open_private, file.private, None))
        except KeyUnusable as error:
            self._record.current = None
            self._record.problems.append(KeyProblem(file.path, Code.AUTH_KEY_UNREADABLE, clean_line(str(error))))
            raise KeyNotOpened(str(error)) from error
        if key is None:
            self._record.current = None
            raise KeyNotOpened("no passphrase")
        return key

    async def _unlock(self, file: KeyFile) -> asyncssh.SSHKey | None:
        purpose = ("passphrase", str(file.path))
        if (kept := self._vault.get(self._target, purpose)) is not None:
            try:
                return await _opened(file, kept)
            except WrongPassphrase:
                self._vault.forget_one(self._target, purpose)
        for attempt in range(1, MOST_ASKS + 1):
            with self._person():
                secret = await self._interaction.secret(self._request(file, attempt))
            if secret is None:
                self._give_up_on(file, attempt)
                return None
            try:
                key = await _opened(file, secret)
            except WrongPassphrase:
                continue
            else:
                self._vault.put(self._target, purpose, secret)
                return key
            finally:
                secret.wipe()
        self._record.problems.append(KeyProblem(file.path, Code.AUTH_PASSPHRASE))
        return None

    def _request(self, file: KeyFile, attempt: int) -> SecretRequest:
        hop, subject = self._hop, shorten(file.path)
        return SecretRequest(
            SecretKind.PASSPHRASE, hop.name, hop.user, subject, attempt=attempt, is_target=self._is_target
        )

    def _give_up_on(self, file: KeyFile, attempt: int) -> None:
        """Nobody gave the passphrase: not asked further, but a wrong one given before is what went wrong."""
        if attempt > 1:
            self._record.problems.append(KeyProblem(file.path, Code.AUTH_PASSPHRASE))
        else:
            self._record.decline(f"the passphrase of {shorten(file.path)}")


def _marks(tries: Sequence[Try]) -> frozenset[bytes]:
    return frozenset(part.mark for part in tries if part.mark)


def _described(offer: KeyOffer, pair: asyncssh.SSHKeyPair) -> str:
    if offer.blob is not None:
        return offer.description
    return f"{HostKey(pair.public_data).fingerprint} ({offer.where})"


async def _opened(file: KeyFile, secret: Secret) -> asyncssh.SSHKey:
    assert file.private is not None
    return await asyncio.to_thread(open_private, file.private, secret.reveal())
