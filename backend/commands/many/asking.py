"""Questions of many hosts at once: one at a time, the same one once, one password for all where the person says so.

A password is given to further hosts only after it has let us in at one: a typing mistake must not become a hundred
wrong logins, for which an address is locked out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from backend.connection.interaction import (
    Between,
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    Interaction,
    SecretKind,
    SecretRequest,
)
from backend.connection.questions import Asks, asks_for
from backend.connection.vault import Secret

LOGIN = frozenset({SecretKind.PASSWORD})
"""What has been right once a host is connected."""
ELEVATION = frozenset({SecretKind.SUDO, SecretKind.SU})
"""What has been right once the command runs."""
_SHARED = LOGIN | ELEVATION
_Purpose = tuple[SecretKind, str]
"""What a password is for, and whose it is."""
Ask = Callable[[], Awaitable[Secret | None]]


class _SharedPassword:
    """A user's password on many hosts, to log in or to become somebody else, from the first question on."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        """Held while somebody is asked about it."""
        self.given: Secret | None = None
        """What was typed, and is to be used for all."""
        self.tried_at = ""
        """The host that tries it first; empty once it was let in."""
        self.judged = asyncio.Event()
        """That host has been let in, or not."""
        self.each_alone = False
        """The person wants to be asked for every host."""
        self.declined = False

    def forget(self) -> None:
        """It was wrong, or is of no more use."""
        if self.given is not None:
            self.given.wipe()
        self.given, self.tried_at = None, ""


class Crowd:
    """The hosts of one run, and what was answered for them."""

    def __init__(self, hosts: Sequence[str], *, agreed: bool = False) -> None:
        """`agreed`: the first password that is given to log in is meant for all of them."""
        self.hosts = frozenset(hosts)
        self._agreed = agreed
        self._passwords: dict[_Purpose, _SharedPassword] = {}
        self._offered: set[tuple[str, _Purpose]] = set()
        self._keys: dict[tuple[str, str], HostKeyDecision] = {}
        self._key_turn = asyncio.Lock()

    def came_to(self, host: str, *, let_in: bool, kinds: Collection[SecretKind] = _SHARED) -> None:
        """Passwords of these `kinds` were right at `host`, or it has come to an end without that."""
        for (kind, _), shared in self._passwords.items():
            if shared.tried_at == host and kind in kinds:
                if let_in:
                    shared.tried_at = ""
                else:
                    shared.forget()
                shared.judged.set()

    def wipe(self) -> None:
        """Overwrite the passwords."""
        for shared in self._passwords.values():
            shared.forget()

    async def password(
        self, host: str, purpose: _Purpose, attempt: int, person: Interaction, ask: Ask
    ) -> Secret | None:
        """The password for `purpose` on `host`: the shared one at the first attempt, else what the person says."""
        shared = self._passwords.setdefault(purpose, _SharedPassword())
        if attempt > 1:
            given = await ask()
            if host == shared.tried_at:  # the others wait for it, and one of them has the turn
                await self._take(shared, host, purpose, given, person)
            return given
        async with shared.turn:
            if (known := await self._shared(shared, host, purpose)) is not None:
                return known
            if shared.declined:
                return None
            given = await ask()
            await self._take(shared, host, purpose, given, person)
            return given

    async def _shared(self, shared: _SharedPassword, host: str, purpose: _Purpose) -> Secret | None:
        """The one that is for all, once it has been found to be right."""
        if shared.given is not None and shared.tried_at:
            await shared.judged.wait()
        if shared.given is None or (host, purpose) in self._offered:
            return None
        self._offered.add((host, purpose))
        return shared.given.copy()

    async def _take(
        self, shared: _SharedPassword, host: str, purpose: _Purpose, given: Secret | None, person: Interaction
    ) -> None:
        if given is None:
            shared.declined = True
            shared.forget()
            shared.judged.set()
            return
        if shared.each_alone or len(self.hosts) < 2:
            return
        agreed = (self._agreed and purpose[0] in LOGIN) or bool(shared.tried_at)
        if not agreed and not await person.confirm(_for_all(purpose, len(self.hosts) - 1)):
            shared.each_alone = True
            return
        shared.forget()
        shared.given, shared.tried_at = given.copy(), host
        shared.judged.clear()

    async def host_key(self, question: HostKeyQuestion, person: Interaction) -> HostKeyDecision:
        """As the person decides; the same key of the same address, as of a jump host for all, is asked about once."""
        which = (question.address, question.fingerprint)
        async with self._key_turn:
            if which not in self._keys:
                self._keys[which] = await person.host_key(question)
            return self._keys[which]


def _for_all(purpose: _Purpose, others: int) -> Confirmation:
    kind, user = purpose
    what = "a password" if kind is SecretKind.PASSWORD else f"the password that {kind.value} wants"
    count = "the other host" if others == 1 else f"the other {others:,} hosts"
    return Confirmation(
        "One password for all?",
        f"Where {count} of this run ask for {what} of {user}, give the one that you have just typed. It is given "
        "to them after it has been accepted here.",
        yes="Use it for all",
    )


class AskedOnce(Between):
    """`person`, for whom the questions of hosts that are at work together become few."""

    def __init__(self, person: Interaction) -> None:
        super().__init__(person)
        self._crowds: list[Crowd] = []

    @contextmanager
    def for_all(self, hosts: Sequence[str], *, agreed: bool = False) -> Iterator[Crowd]:
        """Answer for `hosts` together until the block is left; then the passwords are wiped. `agreed`: as for Crowd."""
        crowd = Crowd(hosts, agreed=agreed)
        self._crowds.append(crowd)
        try:
            yield crowd
        finally:
            self._crowds.remove(crowd)
            crowd.wipe()

    async def secret(self, request: SecretRequest) -> Secret | None:
        crowd = self._crowd(request.host)
        if crowd is None or not request.is_target or request.kind not in _SHARED:
            return await self.person.secret(request)
        purpose = request.kind, request.user
        return await crowd.password(
            request.host, purpose, request.attempt, self.person, lambda: self.person.secret(request)
        )

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        crowd = self._crowd(challenge.host)
        if crowd is None or not challenge.is_target or not _is_for_password(challenge):
            return await self.person.challenge(challenge)

        async def ask() -> Secret | None:
            answers = await self.person.challenge(challenge)
            return answers[0] if answers else None

        purpose = SecretKind.PASSWORD, challenge.user
        given = await crowd.password(challenge.host, purpose, challenge.attempt, self.person, ask)
        return None if given is None else (given,)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        crowd = self._crowd(question.host) or self._crowd(question.on_the_way_to)
        return await (self.person.host_key(question) if crowd is None else crowd.host_key(question, self.person))

    def _crowd(self, host: str) -> Crowd | None:
        return next((crowd for crowd in reversed(self._crowds) if host in crowd.hosts), None)


def _is_for_password(challenge: Challenge) -> bool:
    """PAM's password question, alone; a one-time code is each host's own."""
    return len(challenge.prompts) == 1 and asks_for(challenge.prompts[0]) is Asks.PASSWORD
