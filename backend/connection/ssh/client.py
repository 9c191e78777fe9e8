"""What asyncssh calls while a connection comes about and when it ends: host key, login, farewell.

asyncssh is given no trusted keys: every key comes here to be judged, before anything secret is sent. A key that needs a
decision is refused at once, as the call cannot wait for a person, and named in `refused_key`; the hop asks and connects
anew.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import asyncssh

from backend.connection.connector import Phase
from backend.connection.host_keys import HostKey, Judgement, KnownHosts
from backend.connection.interaction import HostKeyState, Interaction
from backend.connection.ssh.internals import (
    Farewell,
    Offers,
    log_in_at_once,
    offers,
    on_farewell,
    on_login_answer,
    sign_at_once,
)
from backend.connection.ssh.loading import LINK, begin_loading
from backend.connection.ssh.login import Login
from backend.connection.ssh.progress import HopProgress
from backend.connection.target import Hop
from backend.text import clean_line, clean_text

_MOST_TOLD = 300
"""Characters of a server's debug message that are kept."""


class HopClient(asyncssh.SSHClient):
    """asyncssh's counterpart for one connection to `hop`."""

    def __init__(
        self,
        hop: Hop,
        *,
        known: KnownHosts,
        accepted: HostKey | None,
        login: Login,
        progress: HopProgress,
        interaction: Interaction,
    ) -> None:
        self._hop = hop
        self._known = known
        self._accepted = accepted
        self._login = login
        self._progress = progress
        self._interaction = interaction
        self._conn: asyncssh.SSHClientConnection | None = None
        self.offers: Offers | None = None
        """Both sides' algorithms, as far as they are known."""
        self.host_key: HostKey | None = None
        """The key that was trusted."""
        self.where_known = ""
        self.refused_key: HostKey | None = None
        """The key that needs a decision, with its judgement."""
        self.refused_authority = False
        """The server showed a certificate by an authority that nobody trusts for it."""
        self.judgement: Judgement | None = None
        self.ended: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        """Completes when the connection is gone."""
        self.told: deque[str] = deque(maxlen=8)
        """The server's last debug messages: OpenSSH's says in them why it opens no port."""
        self._farewell: Farewell | None = None
        self.on_lost: list[Callable[[Exception | None], None]] = []

    # --- the connection ---

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self._conn = conn
        on_login_answer(conn, self._heard)
        on_farewell(conn, self._said_farewell)
        log_in_at_once(conn)
        sign_at_once(conn, self._login.at_hand)

    def _said_farewell(self, farewell: Farewell) -> None:
        self._farewell = farewell

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_offers()
        if exc is None and self._farewell is not None:
            exc = asyncssh.DisconnectError(self._farewell.code, self._farewell.words)
        if not self.ended.done():
            self.ended.set_result(exc)
        for tell in tuple(self.on_lost):
            tell(exc)

    def _note_offers(self) -> None:
        if self._conn is not None:
            self.offers = offers(self._conn)

    def debug_msg_received(self, msg: str, lang: str, always_display: bool) -> None:
        self.told.append(clean_line(msg)[:_MOST_TOLD])

    # --- host key ---

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return self._judge(HostKey(key.public_data))

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.exchanged()
        authority = HostKey(key.public_data)
        self.judgement = self._known.judge_authority(authority)
        if self.judgement.state is HostKeyState.TRUSTED:
            self._trust(authority, "signed by " + self.judgement.known[0].where)
            return True
        self.refused_authority = self.judgement.state is HostKeyState.UNKNOWN
        self.refused_key = authority
        return False

    def _judge(self, key: HostKey) -> bool:
        self.exchanged()
        self.judgement = self._known.judge(key)
        if self.judgement.state is HostKeyState.TRUSTED:
            self._trust(key, self.judgement.known[0].where)
            return True
        if key == self._accepted and self.judgement.state is not HostKeyState.REVOKED:
            self._trust(key, "accepted now")
            return True
        self.refused_key = key
        return False

    def exchanged(self) -> None:
        """The server has shown its key: the algorithms are agreed. asyncssh asks us about no key that is revoked."""
        self._note_offers()
        if self.offers is None or self.host_key is not None:
            return
        seen = self.offers
        self._progress.passed(Phase.KEX, {"kex": seen.kex, "cipher": seen.cipher, "mac": seen.mac})
        self._progress.enter(Phase.HOST_KEY)

    def _trust(self, key: HostKey, where: str) -> None:
        self.host_key, self.where_known = key, where

    # --- login ---

    def begin_auth(self, username: str) -> None:
        assert self.host_key is not None
        self._progress.passed(
            Phase.HOST_KEY,
            {
                "algorithm": self.host_key.algorithm,
                "fingerprint": self.host_key.fingerprint,
                "known": self.where_known,
            },
        )
        self._progress.enter(Phase.AUTH, self._hop.timeouts.login)
        begin_loading(LINK)

    def auth_completed(self) -> None:
        self._login.succeeded()

    def auth_banner_received(self, msg: str, lang: str) -> None:
        self._interaction.announce(self._hop.name, clean_text(msg))

    def _heard(self, methods: Sequence[str]) -> None:
        self._progress.limit(self._hop.timeouts.login)
        self._login.answered(methods)

    async def public_key_auth_requested(self) -> list[asyncssh.SSHKeyPair] | None:
        pairs = await self._login.next_key()
        return list(pairs) if pairs else None

    async def password_auth_requested(self) -> str | None:
        return await self._login.password()

    async def kbdint_auth_requested(self) -> str | None:
        return "" if await self._login.may_challenge() else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        if prompts:  # words alone win the server no time
            self._progress.limit(self._hop.timeouts.login)
        return await self._login.challenge(name, instructions, prompts)

    async def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        changed = await self._login.new_password(prompt)
        return NotImplemented if changed is None else changed  # asyncssh's word for "go on to the next method"
