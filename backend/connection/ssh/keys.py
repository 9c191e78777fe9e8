"""From a planned key offer to something asyncssh can sign with; private halves are opened only when they are wanted."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
from asyncssh.public_key import SSHOpenSSHCertificate

from backend.connection.credentials import AgentKey, CertificateFile, KeyFile, KeyOffer, Source
from backend.connection.host_keys import shorten
from backend.connection.ssh.internals import validity
from backend.dataclass import dataclass
from backend.text import clean_line

Person = Callable[[], AbstractContextManager[None]]
"""While a person is asked, no limit runs."""
KeyOpener = Callable[[KeyFile], Awaitable[asyncssh.SSHKey]]
"""Opens a key file, asking for its passphrase if need be. Raises KeyNotOpened."""

AGENT_LIMIT = 5.0
"""Seconds for the agent to list its keys."""
SIGNING_LIMIT = 60.0
"""Seconds for the agent to sign: it may ask its person for a yes, a PIN or a touch of the key."""
_FOR_USERS = 1
"""SSH2_CERT_TYPE_USER of OpenSSH's PROTOCOL.certkeys."""
_MOST_NAMED = 3
"""Principals of a certificate that are named."""


class KeyNotOpened(ValueError):
    """The private half stays closed: no passphrase, or no right one. asyncssh goes on to the next key on ValueError."""


class WrongPassphrase(Exception):
    """The passphrase does not open the file."""


class KeyUnusable(Exception):
    """The file holds no key that can be used; the reason is the text."""


class CertificateUnusable(KeyUnusable):
    """The certificate beside the key is damaged or belongs to another key; the bare key may still do."""


class DeferredKey(asyncssh.SSHKeyPair):
    """A key whose private half is opened when it is needed: after the server has said that it would accept it, or
    before where that takes nobody's help."""

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
        self._key: asyncssh.SSHKey | None = None

    @property
    def is_open(self) -> bool:
        """Whether it signs without anybody's help."""
        return self._key is not None

    async def open_ahead(self, content: bytes) -> None:
        """Open the private half in `content`, which is not encrypted. What is wrong with it is told when it is needed;
        a key on a token stays closed, as somebody has to touch that."""
        if not self.algorithm.startswith(b"sk-"):
            with suppress(WrongPassphrase, KeyUnusable):
                self._key = await asyncio.to_thread(open_private, content, None)

    async def sign_async(self, data: bytes) -> bytes:
        """Sign; asyncssh awaits this one where it is there."""
        key = self._key or await self._opened()
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


class AgentPair(asyncssh.SSHAgentKeyPair):
    """A key that the agent signs with, once the server has said that it would accept it. The agent may ask its person
    first, and that time is not the server's."""

    def __init__(
        self,
        client: asyncssh.SSHAgentClient,
        pair: asyncssh.SSHKeyPair,
        person: Person,
        unsigned: Callable[[str], None],
    ) -> None:
        """`unsigned` hears why the agent did not sign."""
        super().__init__(client, pair.algorithm, pair.public_data, pair.get_comment_bytes() or b"")
        self._client = client
        self._person = person
        self._unsigned = unsigned

    async def sign_async(self, data: bytes) -> bytes:
        """Sign. Raises KeyNotOpened, and asyncssh goes on to the next key."""
        try:
            with self._person():
                async with asyncio.timeout(SIGNING_LIMIT):
                    return await super().sign_async(data)
        except TimeoutError as error:
            self._client.close()  # its late answer must not be taken for the next one
            self._unsigned(f"it gave no answer within {SIGNING_LIMIT:g} s")
            raise KeyNotOpened(str(error)) from error
        except (OSError, ValueError, asyncssh.Error) as error:
            self._unsigned(clean_line(str(error)))
            raise KeyNotOpened(str(error)) from error


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

    def __init__(self, socket: Path | None, person: Person, unsigned: Callable[[bytes, str], None]) -> None:
        """`unsigned` hears with which key the agent did not sign, and why."""
        self._socket = socket
        self._person = person
        self._unsigned = unsigned
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
        """A pair of its own for each call."""
        assert self._client is not None

        def unsigned(reason: str) -> None:
            self._unsigned(blob, reason)

        return AgentPair(self._client, self._pairs[blob], self._person, unsigned)

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
        held = agent.pair(offer.blob)
        if offer.certificate:
            held.set_certificate(_certificate(offer))
        return [held]
    file = offer.file
    assert file is not None
    if offer.blob is None:
        key = await opener(file)
        return asyncssh.load_keypairs(key)
    certificate = _certificate(offer) if offer.certificate else None
    pair = DeferredKey(public_key(offer.blob), lambda: opener(file), certificate)
    if file.private is not None and not file.encrypted:
        await pair.open_ahead(file.private)
    return [pair]


def _certificate(offer: KeyOffer) -> asyncssh.SSHCertificate:
    assert offer.certificate is not None
    try:
        certificate = asyncssh.import_certificate(offer.certificate)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise CertificateUnusable(f"its certificate is left out: {error}") from error
    if certificate.key.public_data != offer.blob:
        raise CertificateUnusable("its certificate is left out: it is for another key")
    return certificate


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why a server may not take a certificate, as far as it shows. It is offered all the same: this machine's clock may
    be wrong, and a server may let other principals be the user."""

    outdated: str = ""
    """It is not valid at this time; for people."""
    others: str = ""
    """For whom it is, where that is not the user."""

    @property
    def text(self) -> str:
        return self.outdated or self.others


def doubts_about(certificate: bytes, user: str) -> Doubts:
    """What speaks against this certificate for `user`."""
    shown = asyncssh.import_certificate(certificate)
    if not isinstance(shown, SSHOpenSSHCertificate):
        return Doubts()
    try:
        shown.validate(_FOR_USERS, None)
    except ValueError as error:
        return _invalid(clean_line(str(error)).removeprefix("Certificate ").lower(), validity(shown))
    principals = [clean_line(str(name)) for name in shown.principals]
    if not principals or user in principals:
        return Doubts()
    more = " and others" if len(principals) > _MOST_NAMED else ""
    return Doubts(others=f"for {', '.join(principals[:_MOST_NAMED])}{more}")


def _invalid(told: str, times: tuple[int, int] | None) -> Doubts:
    """asyncssh's words, with the time where it is about that."""
    if "expired" in told:
        return Doubts(f"{told} on {_moment(times[1])}" if times else told)
    if "not yet" in told:
        return Doubts(f"{told}: it begins on {_moment(times[0])}" if times else told)
    return Doubts(others=told)


def _moment(seconds: int) -> str:
    """A point in time of a certificate, which may be far outside of what a calendar knows."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return "a time without end"


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
