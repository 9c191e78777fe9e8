"""Another user on one host: the attempts without a password, with the one that is known, and with what is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping

from backend.commands.elevation.conversation import Answers, Conversation, Refused
from backend.commands.elevation.lines import Marks, command_script, script_as
from backend.commands.elevation.process import ElevatedProcess
from backend.commands.values import Elevate, ElevateBy
from backend.connection.connector import PtyRequest
from backend.connection.interaction import Interaction, SecretKind, SecretRequest
from backend.connection.session import Session
from backend.connection.vault import Secret, Vault
from backend.errors import Code, SessionError
from backend.text import clean_line, show_bytes

TRIES = 3
"""Passwords that are asked for; sudo itself takes no more (`passwd_tries`)."""
_SHOWN_REASON = 300
_CODES = {
    ElevateBy.SUDO: (Code.SUDO_REFUSED, Code.SUDO_PASSWORD),
    ElevateBy.SU: (Code.SU_REFUSED, Code.SU_PASSWORD),
}


class Elevation:
    """Opens processes as other users of one host, for whoever is logged in there."""

    def __init__(self, session: Session, *, interaction: Interaction, vault: Vault) -> None:
        self._session = session
        self._interaction = interaction
        self._vault = vault
        self._one_at_a_time = asyncio.Lock()
        """While a password may be asked for: it is asked for once."""
        self.checking = False
        """A password was given, and it is not known yet whether it is right: it may be asked for once more."""

    async def open_command(
        self,
        command: bytes,
        who: Elevate,
        *,
        cwd: bytes | None = None,
        env: Mapping[str, str] | None = None,
        pty: PtyRequest | None = None,
        begins: Callable[[], None],
    ) -> ElevatedProcess:
        """Start `command`, in `cwd` and with `env`, as the user that `who` names. `begins`, and what is raised: as for
        `open_script`."""
        before, script = command_script(command, who, cwd=cwd, env=env)
        return await self.open_script(script, who, pty=pty, before=before, begins=begins)

    async def open_script(
        self,
        script: bytes,
        who: Elevate,
        *,
        pty: PtyRequest | None = None,
        before: bytes = b"",
        begins: Callable[[], None] = lambda: None,
    ) -> ElevatedProcess:
        """Start `script` in a POSIX shell as the user that `who` names; `before` is done as the person, and `begins` is
        called just before it begins, when the way is free.

        Raises SessionError (SUDO_REFUSED, SUDO_PASSWORD, SU_REFUSED, SU_PASSWORD, or what kept commands from running)
        or LinkLost: then nothing of it was done.
        """
        start = _Start(self, script, who, pty, before, begins)
        async with self._one_at_a_time:
            return await (start.by_sudo() if who.by is ElevateBy.SUDO else start.by_su())

    async def run_silently(self, script: bytes, who: Elevate) -> None:
        """Run a short script, as `open_script`, and leave what it says."""
        process = await self.open_script(script, who)
        try:
            await process.write_eof()
            async for _ in process.output():
                pass
        finally:
            await asyncio.shield(process.close())

    async def talk(
        self, line: bytes, marks: Marks, answers: Answers, *, pty: PtyRequest | None, tries: int
    ) -> ElevatedProcess:
        """One start of sudo or su, with up to `tries` passwords. Raises Refused."""
        link = await self._session.link()
        process = await link.open_process(line, pty=pty)
        try:
            return await Conversation(process, marks, answers, terminal=pty is not None, tries=tries).hold()
        finally:
            self.checking = False

    # --- the password --------------------------------------------------------------------------------------------

    def knows(self, who: Elevate) -> bool:
        """Whether a password for it is kept."""
        return self._vault.get(self._session.host, _purpose(who)) is not None

    async def password(self, who: Elevate, attempt: int, question: str) -> Secret | None:
        """The kept one at first, then what the person types; None when there is none to be had."""
        self.checking = False
        kept = self._vault.get(self._session.host, _purpose(who))
        if attempt == 1 and kept is not None:
            return kept.copy()
        self._vault.forget_one(self._session.host, _purpose(who))
        by_su = who.by is ElevateBy.SU
        kind, user = (SecretKind.SU, who.user) if by_su else (SecretKind.SUDO, self._user)
        given = await self._interaction.secret(SecretRequest(kind, self._session.host, user, question, attempt))
        self.checking = given is not None
        return given

    def accepted(self, who: Elevate, password: Secret) -> None:
        """It was right: kept until the host is disconnected."""
        self._vault.put(self._session.host, _purpose(who), password)

    def error(self, who: Elevate, refused: Refused) -> SessionError:
        """Why the other user's shell did not come."""
        reason = clean_line(show_bytes(refused.said.strip()[-_SHOWN_REASON:])) or "it said nothing"
        evidence = {"user": self._user or "you", "as": who.user, "reason": reason}
        return SessionError(_CODES[who.by][refused.asked], evidence=evidence, host=self._session.host)

    @property
    def _user(self) -> str:
        """Whose password sudo asks for, as a rule."""
        target = self._session.target
        return "" if target is None else target.host.user


class _Start:
    """One thing to be started, in as many attempts as it takes."""

    def __init__(
        self,
        elevation: Elevation,
        script: bytes,
        who: Elevate,
        pty: PtyRequest | None,
        before: bytes,
        begins: Callable[[], None],
    ) -> None:
        self._elevation = elevation
        self._script = script
        self._who = who
        self._pty = pty
        self._before = before
        self._begins = begins
        self._plain = False
        """The terminal is there for su alone, nobody has asked for it."""

    async def by_sudo(self) -> ElevatedProcess:
        """Without a password where that will do; then sudo asks, as often as it likes."""
        try:
            if not self._elevation.knows(self._who):
                try:
                    return await self._attempt(asking=False, tries=0)
                except Refused:
                    pass  # it may be the password that was missing
            return await self._attempt(tries=TRIES)
        except Refused as refused:
            raise self._elevation.error(self._who, refused) from None

    async def by_su(self) -> ElevatedProcess:
        """su asks once each time. Where it reads from a terminal only, it gets one."""
        attempt = 1
        while True:
            try:
                return await self._attempt(first=attempt, tries=1)
            except Refused as refused:
                if refused.given and attempt < TRIES:
                    attempt += 1
                elif not refused.asked and self._pty is None:
                    self._pty, self._plain = PtyRequest(term="dumb"), True
                else:
                    raise self._elevation.error(self._who, refused) from None

    async def _attempt(self, *, asking: bool = True, first: int = 1, tries: int) -> ElevatedProcess:
        marks = Marks.new()
        line = script_as(
            self._script,
            self._who,
            marks,
            asking=asking,
            terminal=self._pty is not None,
            before=self._before,
            plain=self._plain,
        )
        answers = _Answers(self._elevation, self._who, first, self._begins)
        process = await self._elevation.talk(line, marks, answers, pty=self._pty, tries=tries)
        process.types_its_end = self._plain
        return process


class _Answers:
    """The passwords of one start, from the one numbered `first` on."""

    def __init__(self, elevation: Elevation, who: Elevate, first: int, begins: Callable[[], None]) -> None:
        self._elevation = elevation
        self._who = who
        self._first = first
        self.begins = begins

    async def password(self, attempt: int, question: str) -> Secret | None:
        return await self._elevation.password(self._who, self._first + attempt - 1, question)

    def accepted(self, password: Secret) -> None:
        self._elevation.accepted(self._who, password)


def _purpose(who: Elevate) -> Hashable:
    """What the vault keeps the password for: su's belongs to the other user."""
    return SecretKind.SUDO if who.by is ElevateBy.SUDO else (SecretKind.SU, who.user)
