"""How the backend asks a person: the workbench answers with modals, the command line on the terminal, tests by script.

The backend never waits for a person except through here, and no time limit runs meanwhile.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from backend.connection.vault import Secret
from backend.dataclass import dataclass

if TYPE_CHECKING:
    from backend.files.model import NameTaken, TakenAnswer


class SecretKind(Enum):
    """What is asked for."""

    PASSWORD = "password"  # noqa: S105 - a kind, not a secret
    PASSPHRASE = "passphrase"  # noqa: S105
    SUDO = "sudo"
    """What sudo on the host asks for: mostly the person's own password there."""
    SU = "su"
    """The password of the other user, who is named in the request."""


@dataclass(frozen=True, slots=True)
class SecretRequest:
    """A single secret."""

    kind: SecretKind
    host: str
    """The name of the hop that asks; shown."""
    user: str
    subject: str = ""
    """For a passphrase: the key file. For sudo: its question, cleaned, where that is not the usual one."""
    attempt: int = 1
    """From 1; above 1 the previous answer was wrong."""
    is_target: bool = True
    """Whether the host itself asks, not a jump host on the way; their names may be the same."""
    on_the_way_to: str = ""
    """For another machine than the host itself: where it leads; shown."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One line of a server's challenge, cleaned."""

    text: str
    echo: bool
    """Whether the answer may be shown while it is typed."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Questions of a server (RFC 4256). All words are the server's own, cleaned; show them as such."""

    host: str
    user: str
    title: str
    instructions: str
    prompts: tuple[Prompt, ...]
    attempt: int = 1
    is_target: bool = True
    """As for `SecretRequest`."""
    on_the_way_to: str = ""

    @property
    def login(self) -> str:
        """Whose login it is, as the server's own words seldom say: `logging in as mara, on the way to app`."""
        named = f"logging in as {self.user}" if self.user and not self.host.startswith(f"{self.user}@") else ""
        way = f"on the way to {self.on_the_way_to}" if self.on_the_way_to else ""
        return ", ".join(part for part in (named, way) if part)


class HostKeyState(Enum):
    """How a presented host key compares with what is known."""

    TRUSTED = "trusted"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that is written down for a host."""

    algorithm: str
    fingerprint: str
    where: str
    """File and line, as `~/.ssh/known_hosts:7`."""
    since: str = ""
    """When it was first trusted, where that is known; for people."""


@dataclass(frozen=True, slots=True)
class HostKeyQuestion:
    """A host key that needs a decision."""

    host: str
    address: str
    """As it is looked up in known_hosts: `web-1` or `[10.0.0.7]:2222`."""
    state: HostKeyState
    """UNKNOWN or CHANGED; a revoked key is never asked about."""
    algorithm: str
    fingerprint: str
    """`SHA256:…`"""
    randomart: str
    known: tuple[KnownKey, ...] = ()
    """For a changed key: the old ones."""
    looked_in: tuple[str, ...] = ()
    """The files that were searched."""
    can_remember: bool = True
    on_the_way_to: str = ""
    """As for `SecretRequest`."""


class HostKeyDecision(Enum):
    """The answer. A changed key can be accepted only by a front end that had the fingerprint typed back."""

    REFUSE = "refuse"
    ONCE = "once"
    REMEMBER = "remember"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A yes-or-no question."""

    title: str
    detail: str
    yes: str = "Yes"
    danger: bool = False


class Interaction(Protocol):
    """A person, or whoever answers for one. None means: they declined, or there is nobody."""

    async def secret(self, request: SecretRequest) -> Secret | None: ...

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        """One answer for each prompt. A challenge without prompts is shown and answered with ()."""
        ...

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision: ...

    async def confirm(self, question: Confirmation) -> bool: ...

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None: ...

    def announce(self, host: str, text: str) -> None:
        """Show a server's banner (RFC 4252 §5.4), cleaned. Returns at once."""
        ...


class Nobody:
    """There is nobody to ask (`--batch`): every question is declined."""

    async def secret(self, request: SecretRequest) -> Secret | None:
        return None

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        return None

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        return HostKeyDecision.REFUSE

    async def confirm(self, question: Confirmation) -> bool:
        return False

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        return None

    def announce(self, host: str, text: str) -> None:
        return None


class Between:
    """Somebody between the backend and `person`, who passes every question on. Subclasses change some of them."""

    def __init__(self, person: Interaction) -> None:
        self.person = person

    async def secret(self, request: SecretRequest) -> Secret | None:
        return await self.person.secret(request)

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        return await self.person.challenge(challenge)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        return await self.person.host_key(question)

    async def confirm(self, question: Confirmation) -> bool:
        return await self.person.confirm(question)

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        return await self.person.name_taken(question)

    def announce(self, host: str, text: str) -> None:
        self.person.announce(host, text)


def has_person(interaction: Interaction) -> bool:
    """Whether somebody may be there to answer. Who stands between names whom it asks as `person`."""
    while (inner := getattr(interaction, "person", None)) is not None:
        interaction = inner
    return not isinstance(interaction, Nobody)
