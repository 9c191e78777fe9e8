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
    DeferredKey,
    KeyNotOpened,
    KeyUnusable,
    WrongPassphrase,
    doubts_about,
    key_pairs,
    open_private,
    read_certificates,
)
from backend.connection.ssh.login_record import Record, Try
from backend.connection.target import Hop
from backend.connection.vault import Secret, Vault
from backend.errors import Advice, Code
from backend.text import clean_line, shell_word

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
        socket = hop.agent_socket if "publickey" in hop.auth_methods else None
        self._agent = Agent(socket, person, self._not_signed)
        self._offers: list[KeyOffer] | None = None
        self._shown: asyncssh.SSHKeyPair | None = None

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
                self._record.current = self._try_of(offer, pairs[0])
                self._shown = pairs[0]
                return pairs
        return None

    def _try_of(self, offer: KeyOffer, pair: asyncssh.SSHKeyPair) -> Try:
        detail = _described(offer, pair)
        if offer.certificate is None:
            return Try("publickey", detail, mark=offer.mark)
        doubts = doubts_about(offer.certificate, self._hop.user)
        detail = f"{detail}, {doubts.text}" if doubts.text else detail
        outdated = (_certificate_place(offer), doubts.outdated) if doubts.outdated else None
        return Try("publickey", detail, mark=offer.mark, outdated=outdated)

    def at_hand(self, public: bytes) -> asyncssh.SSHKeyPair | None:
        """The key with this public half that `next` gave last, where its private half is open already."""
        shown = self._shown
        return shown if isinstance(shown, DeferredKey) and shown.is_open and shown.public_data == public else None

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
        (files, problems), (certificates, remarks) = await asyncio.to_thread(
            lambda: (
                read_key_files(hop.identity_files, named=hop.identities_named),
                read_certificates(hop.certificate_files),
            )
        )
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

    def _not_signed(self, blob: bytes, reason: str) -> None:
        """The server would have taken the key: that it was not refused must not look like it."""
        self._record.unsigned(HostKey(blob).fingerprint, reason)

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
            shown = shorten(file.path)
            instead = Advice("Or let your agent hold the key.", f"ssh-add {shell_word(shown)}")
            self._record.decline(f"the passphrase of {shown}", instead)


def _marks(tries: Sequence[Try]) -> frozenset[bytes]:
    return frozenset(part.mark for part in tries if part.mark)


def _described(offer: KeyOffer, pair: asyncssh.SSHKeyPair) -> str:
    if offer.blob is not None:
        return offer.description
    return f"{HostKey(pair.public_data).fingerprint} ({offer.where})"


def _certificate_place(offer: KeyOffer) -> str:
    """Where the certificate of an offer is, as it would be typed."""
    if offer.certificate_path is not None:
        return str(offer.certificate_path)
    return f"{offer.file.path}-cert.pub" if offer.file is not None else "of the agent"


async def _opened(file: KeyFile, secret: Secret) -> asyncssh.SSHKey:
    assert file.private is not None
    return await asyncio.to_thread(open_private, file.private, secret.reveal())
