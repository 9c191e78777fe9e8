"""From a planned key offer to something asyncssh can sign with; private halves are opened only when they are wanted."""

from __future__ import annotations

import asyncio
import base64
import copy
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import asyncssh

from backend.connection.credentials import AgentKey, CertificateFile, KeyFile, KeyOffer, Source
from backend.connection.host_keys import shorten
from backend.text import clean_line

KeyOpener = Callable[[KeyFile], Awaitable[asyncssh.SSHKey]]
"""Opens a key file, asking for its passphrase if need be. Raises KeyNotOpened."""

AGENT_LIMIT = 5.0
"""Seconds for the agent to list its keys."""


class KeyNotOpened(ValueError):
    """The private half stays closed: no passphrase, or no right one. asyncssh goes on to the next key on ValueError."""


class WrongPassphrase(Exception):
    """The passphrase does not open the file."""


class KeyUnusable(Exception):
    """The file holds no key that can be used; the reason is the text."""


class CertificateUnusable(KeyUnusable):
    """The certificate beside the key is damaged or belongs to another key; the bare key may still do."""


class DeferredKey(asyncssh.SSHKeyPair):
    """A key whose private half is opened after the server has said that it would accept it."""

    _key_type = "local"

    def __init__(
        self,
        public: asyncssh.SSHKey,
        opened: Callable[[], Awaitable[asyncssh.SSHKey]],
        certificate: asyncssh.SSHCertificate | None = None,
    ) -> None:
        super().__init__(
            public.algorithm,
            public.algorithm,
            public.sig_algorithms,
            public.sig_algorithms,
            public.public_data,
            None,
            certificate,
        )
        self._opened = opened

    async def sign_async(self, data: bytes) -> bytes:
        """Sign; asyncssh awaits this one where it is there."""
        key = await self._opened()
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


def public_key(blob: bytes) -> asyncssh.SSHKey:
    """asyncssh's key for a wire blob. Raises KeyUnusable for types that it does not know."""
    length = int.from_bytes(blob[:4], "big")
    line = blob[4 : 4 + length] + b" " + base64.b64encode(blob)
    try:
        return asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise KeyUnusable(str(error)) from error


def open_private(content: bytes, passphrase: str | None) -> asyncssh.SSHKey:
    """The key of a private key file; slow for encrypted ones (bcrypt), so call it in a thread.

    Raises WrongPassphrase or KeyUnusable.
    """
    try:
        return asyncssh.import_private_key(content, passphrase)
    except asyncssh.KeyEncryptionError as error:
        raise WrongPassphrase(str(error)) from error
    except (asyncssh.KeyImportError, ValueError) as error:
        if passphrase is not None and "passphrase" in str(error).lower():
            raise WrongPassphrase(str(error)) from error
        raise KeyUnusable(str(error)) from error


class Agent:
    """The person's SSH agent, for the length of one login. An agent that does not answer is as good as none."""

    def __init__(self, socket: Path | None) -> None:
        self._socket = socket
        self._client: asyncssh.SSHAgentClient | None = None
        self._pairs: dict[bytes, asyncssh.SSHKeyPair] = {}
        self.problem = ""
        """Why it could not be asked; empty when it answered or there is none."""

    async def keys(self) -> tuple[AgentKey, ...]:
        if self._socket is None:
            return ()
        try:
            async with asyncio.timeout(AGENT_LIMIT):
                self._client = await asyncssh.connect_agent(str(self._socket))
                pairs = await self._client.get_keys()
        except TimeoutError:
            self.problem = "the agent did not answer"
            return ()
        except (OSError, ValueError, asyncssh.Error) as error:
            self.problem = f"the agent could not be asked: {error}"
            return ()
        self._pairs = {pair.public_data: pair for pair in pairs}
        return tuple(AgentKey(blob, _comment(pair)) for blob, pair in self._pairs.items())

    def pair(self, blob: bytes) -> asyncssh.SSHKeyPair:
        return self._pairs[blob]

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _comment(pair: asyncssh.SSHKeyPair) -> str:
    return (pair.get_comment_bytes() or b"").decode("utf-8", "backslashreplace")


async def key_pairs(offer: KeyOffer, agent: Agent, opener: KeyOpener) -> Sequence[asyncssh.SSHKeyPair]:
    """What asyncssh is to offer for `offer`. Raises KeyUnusable (CertificateUnusable where only the certificate is), or
    KeyNotOpened where the public half hides behind a passphrase that nobody gave."""
    if offer.source is Source.AGENT:
        assert offer.blob is not None
        pair = agent.pair(offer.blob)
        if offer.certificate:
            # A pair of its own: the bare key is offered after it, from the one that the agent gave.
            pair = copy.copy(pair)
            pair.set_certificate(_certificate(offer))
        return [pair]
    file = offer.file
    assert file is not None
    if offer.blob is None:
        key = await opener(file)
        return asyncssh.load_keypairs(key)
    certificate = _certificate(offer) if offer.certificate else None
    return [DeferredKey(public_key(offer.blob), lambda: opener(file), certificate)]


def _certificate(offer: KeyOffer) -> asyncssh.SSHCertificate:
    assert offer.certificate is not None
    try:
        certificate = asyncssh.import_certificate(offer.certificate)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise CertificateUnusable(f"its certificate is left out: {error}") from error
    if certificate.key.public_data != offer.blob:
        raise CertificateUnusable("its certificate is left out: it is for another key")
    return certificate


def read_certificates(paths: Sequence[Path]) -> tuple[tuple[CertificateFile, ...], tuple[str, ...]]:
    """The certificates in these files, and for people what is wrong with the others. Blocks."""
    found: list[CertificateFile] = []
    remarks: list[str] = []
    for path in paths:
        try:
            content = path.read_bytes()
            found.append(CertificateFile(path, content, asyncssh.import_certificate(content).key.public_data))
        except OSError as error:
            remarks.append(f"{shorten(path)}: {error.strerror or error}")
        except (asyncssh.KeyImportError, ValueError) as error:
            remarks.append(f"{shorten(path)}: {clean_line(str(error))}")
    return tuple(found), tuple(remarks)
