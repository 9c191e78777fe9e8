"""Questions on the terminal: secrets, a server's challenge, host keys, confirmations.

`interaction_for` decides who answers: the first line of stdin, a person on /dev/tty, or nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from backend.connection.interaction import (
    Between,
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    Interaction,
    KnownKey,
    Nobody,
    SecretKind,
    SecretRequest,
)
from backend.connection.questions import Asks, asks_for
from backend.connection.vault import Secret
from backend.errors import Code, ConfigError
from backend.text import clean_line, clean_text
from cli.fitting import fitted
from cli.flags import GlobalFlags
from cli.narration import Narration
from cli.terminal import Terminal

if TYPE_CHECKING:
    from backend.files.model import NameTaken, TakenAnswer

TYPED_BACK = 8
"""How many characters of a changed key's new fingerprint have to be typed."""
_CHANGED_ADVICE = (
    "Somebody may be in between; nothing secret was sent. Or the machine was reinstalled, or its address went to "
    "another one: ask its administrator, over another way, for the fingerprint before you go on.",
    f"To connect this once all the same, type the last {TYPED_BACK} characters of what is shown now.",
)


class TerminalInteraction:
    """A person at a terminal. One question at a time; progress is held meanwhile."""

    def __init__(self, terminal: Terminal, narration: Narration) -> None:
        self._terminal = terminal
        self._narration = narration
        self._one_at_a_time = asyncio.Lock()

    async def secret(self, request: SecretRequest) -> Secret | None:
        async with self._one_at_a_time:
            with self._narration.held():
                if request.attempt > 1:
                    self._show(["That was not accepted; once more."])
                return _as_secret(await self._terminal.ask(_secret_prompt(request), echo=False))

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        async with self._one_at_a_time:
            with self._narration.held():
                if challenge.attempt > 1:
                    self._show(["The login was not accepted; once more."])
                login = f" ({clean_line(challenge.login)})" if challenge.login else ""
                who = f"{challenge.host} asks{login}:"
                self._show(_boxed(who, [challenge.title, challenge.instructions]))
                answers = await self._answers(challenge)
                self._show(["└"])
                return answers

    async def _answers(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        answers: list[Secret] = []
        for prompt in challenge.prompts:
            answer = _as_secret(await self._terminal.ask(f"│ {clean_line(prompt.text)} ", echo=prompt.echo))
            if answer is None:
                return None
            answers.append(answer)
        return tuple(answers)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        async with self._one_at_a_time:
            with self._narration.held():
                if question.state is HostKeyState.CHANGED:
                    return await self._changed_key(question)
                return await self._unknown_key(question)

    async def _unknown_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        leads = _leads_to(question.on_the_way_to)
        self._show(
            [
                f"The host key of {clean_line(question.host)}{leads} is not known yet.",
                f"  address      {question.address}",
                f"  algorithm    {question.algorithm}",
                f"  fingerprint  {question.fingerprint}",
                *self._looked_in(question, "  looked in    "),
                *question.randomart.splitlines(),
                "Compare it with what its administrator says.",
            ]
        )
        yes = "yes: and remember it, " if question.can_remember else ""
        answer = (await self._terminal.ask(f"Trust it? ({yes}once, no) [no]: ", echo=True) or "").strip().lower()
        if answer in {"y", "yes"} and question.can_remember:
            return HostKeyDecision.REMEMBER
        return HostKeyDecision.ONCE if answer == "once" else HostKeyDecision.REFUSE

    async def _changed_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        self._show(_changed_warning(question))
        self._show(self._looked_in(question, "  looked in        "))
        for sentence in _CHANGED_ADVICE:
            self._show(fitted(sentence, self._terminal.width))
        typed = (await self._terminal.ask("New fingerprint's end [refuse]: ", echo=True) or "").strip()
        if typed and typed == question.fingerprint[-TYPED_BACK:]:
            return HostKeyDecision.ONCE
        self._show(["Not connected."])
        return HostKeyDecision.REFUSE

    async def confirm(self, question: Confirmation) -> bool:
        async with self._one_at_a_time:
            with self._narration.held():
                self._show([question.title, *question.detail.splitlines()])
                answer = await self._terminal.ask(f"{question.yes}? y/N: ", echo=True)
                return (answer or "").strip().lower() in {"y", "yes"}

    async def name_taken(self, question: NameTaken) -> TakenAnswer | None:
        from cli import taken  # most commands copy nothing

        async with self._one_at_a_time:
            with self._narration.held():
                self._show(taken.lines(question))
                return taken.answer(await self._terminal.ask(taken.QUESTION, echo=True) or "")

    def announce(self, host: str, text: str) -> None:
        with self._narration.held():
            self._show([*_boxed(f"{host} says:", [text]), "└"])

    def _looked_in(self, question: HostKeyQuestion, name: str) -> list[str]:
        return fitted(", ".join(question.looked_in) or "no file", self._terminal.width, first=name)

    def _show(self, lines: Iterable[str]) -> None:
        self._terminal.write("".join(f"{clean_line(line)}\n" for line in lines))


class FirstLineOfStdin(Between):
    """`--password-stdin`: one password, given once, and to the host itself; everything else goes to `person`.

    A jump host never gets it, whatever it asks or is called: it could be anybody's.
    """

    def __init__(self, password: Secret, person: Interaction) -> None:
        super().__init__(person)
        self._password: Secret | None = password

    async def secret(self, request: SecretRequest) -> Secret | None:
        if request.kind is SecretKind.PASSWORD and (password := self._once(request.is_target)) is not None:
            return password
        return await self.person.secret(request)

    async def challenge(self, challenge: Challenge) -> tuple[Secret, ...] | None:
        if _asks_for_password(challenge) and (password := self._once(challenge.is_target)) is not None:
            return (password,)
        return await self.person.challenge(challenge)

    def _once(self, is_target: bool) -> Secret | None:
        if not is_target:
            return None
        password, self._password = self._password, None
        return password


def interaction_for(
    flags: GlobalFlags, narration: Narration, *, host: str | None, terminal: Terminal | None
) -> Interaction:
    """Who answers questions while `host` is worked on. Raises ConfigError when stdin holds no password."""
    person: Interaction = Nobody() if flags.batch or terminal is None else TerminalInteraction(terminal, narration)
    if not flags.password_stdin or host is None:
        return person
    return FirstLineOfStdin(read_password(0), person)


def read_password(fd: int) -> Secret:
    """The first line of `fd`, read byte by byte: what follows belongs to the command."""
    line = bytearray()
    while (byte := os.read(fd, 1)) not in {b"", b"\n"}:
        line += byte
    try:
        if not line:
            raise ConfigError(
                Code.USAGE, evidence={"problem": "--password-stdin, and the first line of stdin is empty."}
            )
        return Secret(line.removesuffix(b"\r").decode("utf-8", "surrogateescape"))
    finally:
        line[:] = bytes(len(line))


def _asks_for_password(challenge: Challenge) -> bool:
    """PAM's password question, alone. A one-time code is not answered with it, nor a wish for a new password."""
    return len(challenge.prompts) == 1 and asks_for(challenge.prompts[0]) is Asks.PASSWORD


def _as_secret(line: str | None) -> Secret | None:
    return None if line is None else Secret(line)


def _secret_prompt(request: SecretRequest) -> str:
    if request.kind is SecretKind.PASSPHRASE:
        return f"Passphrase of the key {clean_line(request.subject)}{_leads_to(request.on_the_way_to)}: "
    if request.kind is SecretKind.SUDO:
        asks = (
            f" asks: {clean_line(request.subject)}" if request.subject else f": password of {clean_line(request.user)}"
        )
        return f"sudo on {clean_line(request.host)}{asks} "
    if request.kind is SecretKind.SU:
        return f"su on {clean_line(request.host)}: password of {clean_line(request.user)} there: "
    return f"Password of {clean_line(request.user)} on {clean_line(request.host)}{_leads_to(request.on_the_way_to)}: "


def _leads_to(host: str) -> str:
    return f" (on the way to {clean_line(host)})" if host else ""


def _boxed(heading: str, texts: Iterable[str]) -> list[str]:
    """A server's words, marked as such by a bar that they cannot break out of."""
    lines = [line for text in texts if text.strip() for line in clean_text(text).strip().splitlines()]
    return [f"┌ {clean_line(heading)}", *(f"│ {line}" for line in lines)]


def _changed_warning(question: HostKeyQuestion) -> list[str]:
    old = [line for key in question.known for line in _known_lines(key)]
    return [
        "",
        f"!!! THE HOST KEY OF {clean_line(question.host)} HAS CHANGED !!!{_leads_to(question.on_the_way_to)}",
        *old,
        f"  shown now        {question.algorithm} {question.fingerprint}",
        f"  address          {question.address}",
    ]


def _known_lines(key: KnownKey) -> list[str]:
    where = f"{key.where}, since {key.since}" if key.since else key.where
    return [f"  known until now  {key.algorithm} {key.fingerprint}", f"                   {where}"]
