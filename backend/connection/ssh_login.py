"""One hop's login: what is offered to the server, in which order, what it said to each, and how it failed.

Keys first, then what a person knows. A secret belongs to one hop and is shown to no other. Everything a person is asked
goes through Interaction, with the hop's time limits paused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import asyncssh

from backend.connection.credentials import KeyFile, KeyOffer, KeyProblem, plan, read_key_files
from backend.connection.host_keys import HostKey, shorten
from backend.connection.interaction import Challenge, Interaction, Prompt, SecretKind, SecretRequest
from backend.connection.ssh_keys import (
    Agent,
    CertificateUnusable,
    KeyNotOpened,
    KeyUnusable,
    WrongPassphrase,
    key_pairs,
    open_private,
)
from backend.connection.target import Hop, HopIdentity
from backend.connection.vault import Secret, Vault
from backend.errors import AuthError, Code
from backend.text import clean_line, clean_text

MOST_ASKS = 3
"""Times a person is asked for the same thing in one login (OpenSSH's NumberOfPasswordPrompts)."""
METHODS = ("publickey", "keyboard-interactive", "password")
_PASSWORD_PROMPT = re.compile(r"passwor[dt]|mot de passe|contraseña|senha|wachtwoord|пароль", re.IGNORECASE)
_NOT_A_PASSWORD = re.compile(r"\bnew\b|again|retype|one.?time|\botp\b|verification|token|code", re.IGNORECASE)


@dataclass(slots=True)
class _Try:
    """What the server is looking at."""

    method: str
    detail: str = ""
    secret: Secret | None = None
    """The password in it; kept once the server has taken it."""


class Login:
    """The login of `hop`'s user, driven by asyncssh's questions."""

    def __init__(
        self,
        hop: Hop,
        *,
        target: str,
        vault: Vault,
        interaction: Interaction,
        person: Callable[[], AbstractContextManager[None]],
        is_target: bool,
        before: tuple[HopIdentity, ...] = (),
    ) -> None:
        """`is_target`: this is the host itself, not a jump host on the way to it."""
        self._hop = hop
        self._is_target = is_target
        self._before = before
        self._target = target
        self._vault = vault
        self._interaction = interaction
        self._person = person
        self._agent = Agent(hop.agent_socket if "publickey" in hop.auth_methods else None)
        self._keys: list[KeyOffer] | None = None
        self._left_out = 0
        self._problems: list[KeyProblem] = []
        self._certificates_left_out: list[str] = []
        self._current: _Try | None = None
        self._accepted: list[_Try] = []
        self._refused: list[_Try] = []
        self._declined: list[str] = []
        self._given_up = False
        self._asked = {"password": 0, "keyboard-interactive": 0}
        self._vault_tried = False
        self._expired = ""
        self._offered: tuple[str, ...] = ()

    # --- asyncssh's questions ---

    async def next_key(self) -> Sequence[asyncssh.SSHKeyPair] | None:
        """The next key to offer; None when there is no more."""
        if "publickey" not in self._hop.auth_methods:
            return None
        if self._keys is None:
            self._keys = await self._plan()
        while self._keys:
            offer = self._keys.pop(0)
            try:
                pairs = await key_pairs(offer, self._agent, self._open)
            except CertificateUnusable as error:
                self._certificates_left_out.append(f"{offer.where}: {clean_line(str(error))}")
            except KeyUnusable as error:
                self._unusable(offer, str(error))
            except KeyNotOpened:
                continue
            else:
                self._current = _Try("publickey", _described(offer, pairs[0]))
                return pairs
        return None

    async def password(self) -> str | None:
        """The password: the kept one once, then a person's; None when there is none to be had."""
        if "password" not in self._hop.auth_methods or self._given_up:
            return None
        secret = self._kept() or await self._ask_password()
        if secret is None:
            return None
        self._current = _Try("password", secret=secret)
        return secret.reveal()

    def may_challenge(self) -> bool:
        """Whether the server may ask its own questions (keyboard-interactive, RFC 4256)."""
        if "keyboard-interactive" not in self._hop.auth_methods or self._given_up:
            return False
        if self._asked["keyboard-interactive"] >= MOST_ASKS:
            return False
        self._current = _Try("keyboard-interactive")
        return True

    async def challenge(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str] | None:
        """Answers to one round of the server's questions; None when the person declines."""
        shown = tuple(Prompt(clean_line(text), echo) for text, echo in prompts)
        known = self._from_vault(shown)
        asked = tuple(prompt for index, prompt in enumerate(shown) if index not in known)
        given = await self._ask(clean_line(title), clean_text(instructions), asked) if asked or not shown else ()
        if given is None or len(given) != len(asked):
            self._decline("answers to its questions")
            return None
        rest = iter(given)
        answers = [known[index] if index in known else next(rest) for index in range(len(shown))]
        self._note_password(shown, answers)
        revealed = [answer.reveal() for answer in answers]
        for answer in answers:
            answer.wipe()
        return revealed

    def expired(self, prompt: str) -> None:
        """The server wants a new password, in its own words."""
        self._expired = clean_line(prompt) or "the server asks for a new one"
        self._current = None

    # --- what came of it ---

    def answered(self, methods: Sequence[str]) -> None:
        """The server refused what it was shown, or took it as one of several; `methods` may go on."""
        self._offered = tuple(methods)
        current, self._current = self._current, None
        if current is None:
            return
        if current.method not in methods:
            self._accepted.append(current)
            return
        self._refused.append(current)
        if current.secret is not None:
            self._vault.forget_one(self._target, self._purpose)

    def succeeded(self) -> None:
        """Logged in. What the server took is kept, so that a reconnect asks nobody."""
        if self._current is not None:
            self._accepted.append(self._current)
        for part in self._accepted:
            if part.secret is not None:
                self._vault.put(self._target, self._purpose, part.secret)
        self.close()

    def close(self) -> None:
        """Let go of the agent and of the secrets that were in hand."""
        self._agent.close()
        for part in (*self._accepted, *self._refused, *([self._current] if self._current else ())):
            if part.secret is not None:
                part.secret.wipe()
                part.secret = None

    @property
    def method(self) -> str:
        """How the login was completed: `publickey`, `password`, `keyboard-interactive`, `none`."""
        return self._accepted[-1].method if self._accepted else "none"

    @property
    def detail(self) -> str:
        """The keys that were taken, if any."""
        return ", ".join(part.detail for part in self._accepted if part.detail)

    @property
    def refusals(self) -> int:
        return len(self._refused)

    @property
    def evidence(self) -> dict[str, str]:
        """What was tried and what the server offers, for people."""
        told = {
            "user": self._hop.user,
            "tried": "; ".join(_told(part) for part in (*self._accepted, *self._refused)) or "nothing",
            "offered": ", ".join(self._offered) or "nothing",
        }
        if self._left_out:
            told["left_out"] = f"{self._left_out} more keys, so as not to be shut out for too many tries"
        if self._agent.problem:
            told["agent"] = self._agent.problem
        if self._declined:
            told["not_answered"] = ", ".join(self._declined)
        unusable = [f"{shorten(item.path)}: {item.reason or item.mode}" for item in self._problems]
        if unusable := [*unusable, *self._certificates_left_out]:
            told["unusable"] = "; ".join(unusable)
        return told

    def failure(self) -> AuthError:
        """Why nothing logged in, as the most specific code that is true."""
        if self._expired:
            return self._error(Code.AUTH_PASSWORD_EXPIRED, reason=self._expired)
        if any(part.method != "publickey" for part in self._refused):
            return self._error(Code.AUTH_DENIED)
        if problem := self._worst_problem():
            return self._error(problem.code, **problem.evidence)
        if self._refused:
            return self._error(Code.AUTH_DENIED)
        if self._declined:
            return self._error(Code.NEEDS_PERSON, what=" and ".join(self._declined))
        return self._error(Code.AUTH_NO_METHOD)

    def too_many(self, reason: str) -> AuthError:
        return self._error(Code.AUTH_TOO_MANY, reason=reason)

    def timed_out(self) -> AuthError:
        return self._error(Code.AUTH_TIMEOUT, seconds=f"{self._hop.timeouts.login:g}")

    def _error(self, code: Code, **more: object) -> AuthError:
        return AuthError(code, evidence={**self.evidence, **more}, host=self._hop.name)

    def _worst_problem(self) -> KeyProblem | None:
        order = (Code.AUTH_PASSPHRASE, Code.AUTH_KEY_PERMISSIONS, Code.AUTH_KEY_UNREADABLE)
        ranked = sorted(self._problems, key=lambda problem: order.index(problem.code))
        return ranked[0] if ranked else None

    # --- keys ---

    async def _plan(self) -> list[KeyOffer]:
        hop = self._hop
        files, problems = await asyncio.to_thread(read_key_files, hop.identity_files, named=hop.identities_named)
        self._problems.extend(problems)
        planned = plan(files, await self._agent.keys(), named=hop.identities_named, only=hop.identities_only)
        self._left_out = planned.left_out
        return list(planned.offers)

    def _unusable(self, offer: KeyOffer, reason: str) -> None:
        if offer.file is not None:
            self._problems.append(KeyProblem(offer.file.path, Code.AUTH_KEY_UNREADABLE, clean_line(reason)))

    async def _open(self, file: KeyFile) -> asyncssh.SSHKey:
        """The private half; asks for the passphrase where there is one. Raises KeyNotOpened, KeyUnusable."""
        assert file.private is not None
        try:
            key = await (self._unlock(file) if file.encrypted else asyncio.to_thread(open_private, file.private, None))
        except KeyUnusable as error:
            self._current = None
            self._problems.append(KeyProblem(file.path, Code.AUTH_KEY_UNREADABLE, clean_line(str(error))))
            raise KeyNotOpened(str(error)) from error
        if key is None:
            self._current = None
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
            request = self._request(SecretKind.PASSPHRASE, shorten(file.path), attempt=attempt)
            with self._person():
                secret = await self._interaction.secret(request)
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
        self._problems.append(KeyProblem(file.path, Code.AUTH_PASSPHRASE))
        return None

    def _give_up_on(self, file: KeyFile, attempt: int) -> None:
        """Nobody gave the passphrase: not asked further, but a wrong one given before is what went wrong."""
        if attempt > 1:
            self._problems.append(KeyProblem(file.path, Code.AUTH_PASSPHRASE))
        else:
            self._note_declined(f"the passphrase of {shorten(file.path)}")

    # --- what a person knows ---

    @property
    def _purpose(self) -> tuple[HopIdentity | str, ...]:
        return (self._hop.identity, "password", *self._before)

    def _kept(self) -> Secret | None:
        """The vault's password, once in this login."""
        if self._vault_tried:
            return None
        self._vault_tried = True
        kept = self._vault.get(self._target, self._purpose)
        return kept.copy() if kept is not None else None

    def _request(self, kind: SecretKind, subject: str = "", *, attempt: int) -> SecretRequest:
        hop = self._hop
        return SecretRequest(kind, hop.name, hop.user, subject, attempt=attempt, is_target=self._is_target)

    async def _ask_password(self) -> Secret | None:
        if self._asked["password"] >= MOST_ASKS:
            return None
        self._asked["password"] += 1
        wrong = sum(1 for part in self._refused if part.method == "password")
        request = self._request(SecretKind.PASSWORD, attempt=wrong + 1)
        with self._person():
            secret = await self._interaction.secret(request)
        if secret is None:
            self._decline("a password")
        return secret

    def _from_vault(self, prompts: Sequence[Prompt]) -> dict[int, Secret]:
        """The kept password for the one prompt that asks for a password."""
        wanted = [index for index, prompt in enumerate(prompts) if _asks_for_password(prompt)]
        if len(wanted) != 1 or (secret := self._kept()) is None:
            return {}
        return {wanted[0]: secret}

    async def _ask(self, title: str, instructions: str, prompts: tuple[Prompt, ...]) -> tuple[Secret, ...] | None:
        attempt = sum(1 for part in self._refused if part.method == "keyboard-interactive") + 1
        question = Challenge(
            self._hop.name, self._hop.user, title, instructions, prompts, attempt, is_target=self._is_target
        )
        if prompts:
            self._asked["keyboard-interactive"] += 1
        elif not title and not instructions:
            return ()
        with self._person():
            given = await self._interaction.challenge(question)
        # Words without a question need no answer, even from nobody.
        return given if prompts else ()

    def _note_password(self, prompts: Sequence[Prompt], answers: Sequence[Secret]) -> None:
        """Keep the password among the answers in hand; the codes go with this round."""
        for prompt, answer in zip(prompts, answers, strict=True):
            if _asks_for_password(prompt) and self._current is not None:
                if self._current.secret is not None:
                    self._current.secret.wipe()
                self._current.secret = answer.copy()

    def _decline(self, what: str) -> None:
        """Nobody knows more: no further question in this login."""
        self._current = None
        self._given_up = True
        self._note_declined(what)

    def _note_declined(self, what: str) -> None:
        if what not in self._declined:
            self._declined.append(what)


def _asks_for_password(prompt: Prompt) -> bool:
    return not prompt.echo and bool(_PASSWORD_PROMPT.search(prompt.text)) and not _NOT_A_PASSWORD.search(prompt.text)


def _told(part: _Try) -> str:
    return f"{part.method} {part.detail}".strip()


def _described(offer: KeyOffer, pair: asyncssh.SSHKeyPair) -> str:
    if offer.blob is not None:
        return offer.description
    return f"{HostKey(pair.public_data).fingerprint} ({offer.where})"


async def _opened(file: KeyFile, secret: Secret) -> asyncssh.SSHKey:
    assert file.private is not None
    return await asyncio.to_thread(open_private, file.private, secret.reveal())
