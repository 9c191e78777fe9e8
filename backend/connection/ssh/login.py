"""One hop's login: what is offered to the server, in which order, what it said to each, and how it failed.

Keys first, then what a person knows. A secret belongs to one hop and is shown to no other. Everything a person is asked
goes through Interaction, with the hop's time limits paused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager

import asyncssh

from backend.connection.interaction import Challenge, Interaction, Prompt, SecretKind, SecretRequest, has_person
from backend.connection.logins import HopPassword
from backend.connection.questions import Asks, asks_for
from backend.connection.ssh.keyring import MOST_ASKS, Keyring
from backend.connection.ssh.login_record import Record, Try
from backend.connection.target import Hop, HopIdentity
from backend.connection.vault import Secret, Vault
from backend.errors import AuthError, ConnectError
from backend.text import clean_line, clean_text

MOST_ROUNDS = 30
"""Rounds of questions in one login: a server that asks on is not waited for."""
_NEW_PASSWORD = "New password: "  # noqa: S105 - a question, not a secret
_ONCE_MORE = "The new password again: "
_WANTED = "The password has expired. The server asks for a new one."
_DIFFERENT = "The two were not the same; nothing was changed. Once more."


class Login:
    """The login of `hop`'s user, driven by asyncssh's questions."""

    def __init__(
        self,
        hop: Hop,
        *,
        target: str,
        vault: Vault,
        interaction: Interaction,
        person: Callable[..., AbstractContextManager[None]],
        is_target: bool,
        before: tuple[HopIdentity, ...] = (),
        admit: Callable[[Hop], Awaitable[None]] | None = None,
    ) -> None:
        """`is_target`: this is the host itself, not a jump host on the way to it. `person(renew=False)` leaves the
        limit that runs as it is, for words that need no answer. `admit`: asked once before anything is shown to the
        server; an AuthError that it raises is why the login fails."""
        self._hop = hop
        self._is_target = is_target
        self._target = target
        self._vault = vault
        self._interaction = interaction
        self._person = person
        self._purpose = HopPassword(hop.identity, before)
        self._record = Record(hop, attended=has_person(interaction))
        self._keyring = Keyring(
            hop,
            self._record,
            target=target,
            vault=vault,
            interaction=interaction,
            person=person,
            is_target=is_target,
            memory=(hop.identity, *before),
        )
        self._admit = admit
        self._given_up = False
        self._asked = {"password": 0, "keyboard-interactive": 0, "new password": 0}
        self._challenged = 0
        self._rounds = 0
        self._vault_tried = False
        self._repeats = True

    # --- asyncssh's questions ---

    async def next_key(self) -> Sequence[asyncssh.SSHKeyPair] | None:
        """The next key to offer; None when there is no more."""
        return await self._keyring.next() if await self._admitted() else None

    def at_hand(self, public: bytes) -> asyncssh.SSHKeyPair | None:
        """The key with this public half that was just offered, where it signs without anybody's help."""
        return self._keyring.at_hand(public)

    async def password(self) -> str | None:
        """The password: the kept one once, then a person's; None when there is none to be had."""
        if "password" not in self._hop.auth_methods or not await self._admitted() or not self._may_go_on():
            return None
        kept = self._kept()
        secret = kept or await self._ask_password()
        if secret is None:
            return None
        self._record.current = Try("password", secret=secret, by_person=kept is None)
        return secret.reveal()

    async def may_challenge(self) -> bool:
        """Whether the server may ask its own questions (keyboard-interactive, RFC 4256)."""
        if "keyboard-interactive" not in self._hop.auth_methods or not await self._admitted() or not self._may_go_on():
            return False
        # The kept password may have been one try more.
        if self._asked["keyboard-interactive"] >= MOST_ASKS or self._challenged > MOST_ASKS:
            return False
        if any(part.unasked for part in self._record.refused):  # it has no questions for this user
            return False
        self._challenged += 1
        self._record.current = Try("keyboard-interactive", unasked=True)
        return True

    async def challenge(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str] | None:
        """Answers to one round of the server's questions; None when the person declines or it asks without end."""
        self._rounds += 1
        if self._record.current is not None:
            self._record.current.unasked = False
        if self._rounds > MOST_ROUNDS:
            self._record.endless, self._given_up = True, True
            return None
        shown = tuple(Prompt(clean_line(text), echo) for text, echo in prompts)
        answers = await self._answers(clean_line(title), clean_text(instructions), shown)
        if answers is None:
            self._decline("a new password" if self._record.expired else "answers to its questions")
            return None
        self._note_passwords(shown, answers)
        revealed = [answer.reveal() for answer in answers]
        for answer in answers:
            answer.wipe()
        return revealed

    async def new_password(self, words: str) -> tuple[str, str] | None:
        """The old password and a new one, where the server wants it changed (RFC 4252 §8); None when nobody gives one.

        Called again when the new one was not good enough, with the server's words about that.
        """
        self._record.expired = clean_line(words) or _WANTED
        current = self._record.current
        if current is None or current.secret is None or self._asked["new password"] >= MOST_ASKS:
            return None
        self._asked["new password"] += 1
        if (new := await self._ask_new("", clean_text(words) or _WANTED, _NEW_PASSWORD)) is None:
            self._decline("a new password")
            return None
        self._take_new(current, new)
        return current.secret.reveal(), new.reveal()

    # --- what came of it ---

    def answered(self, methods: Sequence[str]) -> None:
        """The server refused what it was shown, or took it as one of several; `methods` may go on."""
        refused = self._record.answered(methods)
        if refused is not None and refused.secret is not None:
            self._vault.forget_one(self._target, self._purpose)

    def succeeded(self) -> None:
        """Logged in. What the server took is kept, so that a reconnect asks nobody."""
        self._record.succeeded()
        for part in self._record.accepted:
            if (secret := part.new_secret or part.secret) is not None:
                self._vault.put(self._target, self._purpose, secret)
        self._repeats = all(part.repeats for part in self._record.accepted)
        self._keyring.remember()
        self.close()

    def close(self) -> None:
        """Let go of the agent and of the secrets that were in hand."""
        self._keyring.close()
        for part in self._record.every:
            part.wipe()

    @property
    def method(self) -> str:
        """How the login was completed: `publickey`, `password`, `keyboard-interactive`, `none`."""
        return self._record.accepted[-1].method if self._record.accepted else "none"

    @property
    def detail(self) -> str:
        """The keys that were taken, if any."""
        return ", ".join(part.detail for part in self._record.accepted if part.detail)

    @property
    def repeats(self) -> bool:
        """Once logged in: whether the same login can be made again without a person."""
        return self._repeats

    @property
    def refusals(self) -> int:
        return len(self._record.refused)

    @property
    def evidence(self) -> dict[str, str]:
        """What was tried and what the server offers, for people."""
        return self._record.evidence

    def failure(self) -> AuthError:
        """Why nothing logged in, as the most specific code that is true."""
        self._keyring.forget()
        return self._record.failure()

    def too_many(self, reason: str) -> AuthError:
        self._keyring.forget()
        return self._record.too_many(reason)

    def cut_off(self, reason: str) -> ConnectError:
        return self._record.cut_off(reason)

    def timed_out(self) -> AuthError:
        return self._record.timed_out()

    # --- what a person knows ---

    async def _admitted(self) -> bool:
        admit, self._admit = self._admit, None
        if admit is not None:
            try:
                await admit(self._hop)
            except AuthError as error:
                self._record.held_back = error
        return self._record.held_back is None

    def _may_go_on(self) -> bool:
        return not self._given_up and not self._record.at_the_limit

    def _kept(self) -> Secret | None:
        """The vault's password, once in this login."""
        if self._vault_tried:
            return None
        self._vault_tried = True
        kept = self._vault.get(self._target, self._purpose)
        return kept.copy() if kept is not None else None

    async def _ask_password(self) -> Secret | None:
        if self._asked["password"] >= MOST_ASKS:
            return None
        self._asked["password"] += 1
        hop, wrong = self._hop, sum(1 for part in self._record.refused if part.method == "password")
        request = SecretRequest(SecretKind.PASSWORD, hop.name, hop.user, attempt=wrong + 1, is_target=self._is_target)
        with self._person():
            secret = await self._interaction.secret(request)
        if secret is None:
            self._decline("a password")
        return secret

    async def _answers(self, title: str, instructions: str, prompts: tuple[Prompt, ...]) -> list[Secret] | None:
        """One answer for each prompt: those that are known, then a new password, then what a person says."""
        if not prompts:
            await self._tell(title, instructions)
            return []
        known = self._known(prompts)
        if await self._add_new(known, title, instructions, prompts) and await self._add_rest(
            known, title, instructions, prompts
        ):
            return [known[index] for index in range(len(prompts))]
        for secret in known.values():
            secret.wipe()
        return None

    def _known(self, prompts: Sequence[Prompt]) -> dict[int, Secret]:
        """The answers that nobody has to be asked for: the kept password once, and what was given a moment ago."""
        asked = [asks_for(prompt) for prompt in prompts]
        current, known = self._record.current, dict[int, Secret]()
        if asked.count(Asks.PASSWORD) == 1 and (secret := self._kept()) is not None:
            known[asked.index(Asks.PASSWORD)] = secret
        for index, kind in enumerate(asked):
            if (said := self._said(kind, current)) is not None:
                known[index] = said
        return known

    def _said(self, kind: Asks, current: Try | None) -> Secret | None:
        """What was said in this very exchange: PAM asks for the current password again, and for the new one twice."""
        if kind is Asks.AGAIN:
            return current.new_secret.copy() if current is not None and current.new_secret is not None else None
        if kind is not Asks.CURRENT:
            return None
        self._record.expired = self._record.expired or _WANTED
        return current.secret.copy() if current is not None and current.secret is not None else self._kept()

    async def _add_new(
        self, known: dict[int, Secret], title: str, instructions: str, prompts: Sequence[Prompt]
    ) -> bool:
        """A new password, where one is asked for, typed twice before it is sent; False when nobody gives one."""
        wanted = [index for index, prompt in enumerate(prompts) if asks_for(prompt) is Asks.NEW]
        if not wanted:
            return True
        self._record.expired = clean_line(instructions) or self._record.expired or _WANTED
        new = await self._ask_new(title, instructions, prompts[wanted[0]].text)
        if new is None:
            return False
        if self._record.current is not None:
            self._take_new(self._record.current, new.copy())
        again = [index for index, prompt in enumerate(prompts) if asks_for(prompt) is Asks.AGAIN]
        for index in (*wanted, *again):
            known[index] = new.copy()
        new.wipe()
        return True

    async def _add_rest(
        self, known: dict[int, Secret], title: str, instructions: str, prompts: Sequence[Prompt]
    ) -> bool:
        """What only a person can answer; False when nobody does."""
        rest = {index: prompt for index, prompt in enumerate(prompts) if index not in known}
        if not rest:
            return True
        given = await self._ask(title, instructions, tuple(rest.values()))
        if given is None or len(given) != len(rest):
            return False
        known.update(zip(rest, given, strict=True))
        return True

    async def _ask_new(self, title: str, instructions: str, prompt: str) -> Secret | None:
        """A new password that was typed twice alike; None when nobody gives one, or never alike."""
        told = instructions or _WANTED
        for attempt in range(1, MOST_ASKS + 1):
            given = await self._put(title, told, (Prompt(prompt, False), Prompt(_ONCE_MORE, False)), attempt)
            if given is None or len(given) != 2:
                return None
            new, again = given
            alike = new.reveal() == again.reveal()
            again.wipe()
            if alike:
                return new
            new.wipe()
            told = _DIFFERENT
        return None

    def _take_new(self, part: Try, new: Secret) -> None:
        if part.new_secret is not None:
            part.new_secret.wipe()
        part.new_secret, part.by_person = new, True

    async def _ask(self, title: str, instructions: str, prompts: tuple[Prompt, ...]) -> tuple[Secret, ...] | None:
        current = self._record.current
        if current is None or not current.by_person:
            self._asked["keyboard-interactive"] += 1
        attempt = sum(1 for part in self._record.refused if part.method == "keyboard-interactive") + 1
        given = await self._put(title, instructions, prompts, attempt)
        if current is not None and given is not None:
            current.by_person = True
            current.only_now = current.only_now or any(asks_for(prompt) is Asks.OTHER for prompt in prompts)
        return given

    async def _put(
        self, title: str, instructions: str, prompts: tuple[Prompt, ...], attempt: int
    ) -> tuple[Secret, ...] | None:
        hop = self._hop
        question = Challenge(hop.name, hop.user, title, instructions, prompts, attempt, is_target=self._is_target)
        with self._person():
            return await self._interaction.challenge(question)

    async def _tell(self, title: str, instructions: str) -> None:
        """Words without a question need no answer, even from nobody, and win the server no time."""
        if not title and not instructions:
            return
        hop = self._hop
        with self._person(renew=False):
            await self._interaction.challenge(
                Challenge(hop.name, hop.user, title, instructions, (), is_target=self._is_target)
            )

    def _note_passwords(self, prompts: Sequence[Prompt], answers: Sequence[Secret]) -> None:
        """Keep the password among the answers in hand; the codes go with this round."""
        current = self._record.current
        for prompt, answer in zip(prompts, answers, strict=True):
            if current is not None and asks_for(prompt) in (Asks.PASSWORD, Asks.CURRENT):
                if current.secret is not None:
                    current.secret.wipe()
                current.secret = answer.copy()

    def _decline(self, what: str) -> None:
        """Nobody knows more: no further question in this login."""
        if self._record.current is not None:
            self._record.current.wipe()
        self._record.current = None
        self._given_up = True
        self._record.decline(what)
