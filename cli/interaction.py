"""Questions on the terminal: secrets, a server's challenge, host keys, confirmations.

`interaction_for` decides who answers: the first line of stdin, a person on /dev/tty, or nobody.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable

from backend.connection.interaction import (
    Challenge,
    Confirmation,
    HostKeyDecision,
    HostKeyQuestion,
    HostKeyState,
    Interaction,
    Nobody,
    SecretKind,
    SecretRequest,
)
from backend.connection.vault import Secret
from backend.errors import Code, ConfigError
from backend.text import clean_line, clean_text
from cli.flags import GlobalFlags
from cli.narration import Narration
from cli.terminal import Terminal

TYPED_BACK = 8
"""How many characters of a changed key's new fingerprint have to be typed."""


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
                who = f"{challenge.host}{_leads_to(challenge.on_the_way_to)} asks:"
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
        self._show([f"The host key of {clean_line(question.host)}{leads} is not known.", *_key_lines(question)])
        self._show(question.randomart.splitlines())
        offered = "y: yes, and remember   once   no (default)" if question.can_remember else "once   no (default)"
        answer = (await self._terminal.ask(f"Trust it? {offered}: ", echo=True) or "").strip().lower()
        if answer in {"y", "yes"} and question.can_remember:
            return HostKeyDecision.REMEMBER
        return HostKeyDecision.ONCE if answer == "once" else HostKeyDecision.REFUSE

    async def _changed_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        self._show(_changed_warning(question))
        asked = f"To connect this once all the same, type the last {TYPED_BACK} characters of the new fingerprint: "
        typed = (await self._terminal.ask(asked, echo=True) or "").strip()
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

    def announce(self, host: str, text: str) -> None:
        with self._narration.held():
            self._show([*_boxed(f"{host} says:", [text]), "└"])

    def _show(self, lines: Iterable[str]) -> None:
        self._terminal.write("".join(f"{clean_line(line)}\n" for line in lines))


class FirstLineOfStdin:
    """`--password-stdin`: one password, given once, and to the host itself; everything else goes to `person`.

    A jump host never gets it, whatever it asks or is called: it could be anybody's.
    """

    def __init__(self, password: Secret, person: Interaction) -> None:
        self._password: Secret | None = password
        self.person = person

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

    async def host_key(self, question: HostKeyQuestion) -> HostKeyDecision:
        return await self.person.host_key(question)

    async def confirm(self, question: Confirmation) -> bool:
        return await self.person.confirm(question)

    def announce(self, host: str, text: str) -> None:
        self.person.announce(host, text)


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
    """PAM's password question: one prompt, not echoed, that says so. A one-time code is not answered with it."""
    if len(challenge.prompts) != 1 or challenge.prompts[0].echo:
        return False
    return re.search(r"pass(word|phrase)|kennwort|mot de passe", challenge.prompts[0].text, re.IGNORECASE) is not None


def _as_secret(line: str | None) -> Secret | None:
    return None if line is None else Secret(line)


def _secret_prompt(request: SecretRequest) -> str:
    if request.kind is SecretKind.PASSPHRASE:
        return f"Passphrase of the key {clean_line(request.subject)}{_leads_to(request.on_the_way_to)}: "
    return f"Password of {clean_line(request.user)} on {clean_line(request.host)}{_leads_to(request.on_the_way_to)}: "


def _leads_to(host: str) -> str:
    return f" (on the way to {clean_line(host)})" if host else ""


def _boxed(heading: str, texts: Iterable[str]) -> list[str]:
    """A server's words, marked as such by a bar that they cannot break out of."""
    lines = [line for text in texts if text.strip() for line in clean_text(text).strip().splitlines()]
    return [f"┌ {clean_line(heading)}", *(f"│ {line}" for line in lines)]


def _key_lines(question: HostKeyQuestion) -> list[str]:
    return [
        f"  address      {question.address}",
        f"  algorithm    {question.algorithm}",
        f"  fingerprint  {question.fingerprint}",
        f"  looked in    {', '.join(question.looked_in) or 'no file'}",
    ]


def _changed_warning(question: HostKeyQuestion) -> list[str]:
    old = [
        f"  known        {key.algorithm} {key.fingerprint}  ({key.where}{', since ' + key.since if key.since else ''})"
        for key in question.known
    ]
    return [
        "",
        f"!!! THE HOST KEY OF {clean_line(question.host)} HAS CHANGED !!!{_leads_to(question.on_the_way_to)}",
        "Somebody may be in between, or the machine was reinstalled. Nothing secret was sent.",
        *_key_lines(question),
        *old,
        "Ask the administrator, over another way, for the fingerprint before you go on.",
    ]
