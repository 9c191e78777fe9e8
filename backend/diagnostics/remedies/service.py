"""Applies a remedy that a person has asked for, says what was done, and what the next climb is to do differently.

It never decides: which remedy, which key, and whether at all, comes from the person. The climb that follows is one
attempt, made by whoever asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from backend.clock import Clock
from backend.connection.guard import LockoutGuard
from backend.connection.host_keys import shorten
from backend.connection.interaction import Interaction
from backend.connection.sessions import Sessions
from backend.connection.target import Hop, Target
from backend.dataclass import dataclass
from backend.diagnostics.remedies.case import entry_name
from backend.diagnostics.remedies.entries import command_that_says, own_entry, write_entry
from backend.diagnostics.remedies.keys import KeyAtHand, keys_at_hand
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.diagnostics.remedies.own_agent import OwnAgent
from backend.diagnostics.remedies.reaching import DEFAULT_PORT
from backend.diagnostics.remedies.space import Room, what_takes_room
from backend.errors import Code, ConfigError, FairleadError
from backend.hosts.book import HostBook
from backend.hosts.editor import HostEditor
from backend.text import clean_line

Adjust = Callable[[Target], Target]
"""What one attempt does differently from what is written."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a remedy."""

    host: str
    """The host to climb now."""
    said: str
    """What was done, in one sentence."""
    undo: str = ""
    """A command that takes it back."""
    adjust: Adjust | None = None
    """For the next climb alone."""
    room: Room | None = None
    """SHOW_SPACE: what was found."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person has chosen for a remedy that needs it."""

    key: Path
    keep: bool = True
    """Written into the host's own entry; else for one attempt."""


class Remedies:
    """Applies them."""

    def __init__(
        self,
        *,
        book: HostBook,
        editor: Callable[[], HostEditor],
        sessions: Sessions,
        guard: LockoutGuard,
        interaction: Interaction,
        clock: Clock,
        home: Path | None = None,
    ) -> None:
        self._book = book
        self._editor = editor
        self._sessions = sessions
        self._guard = guard
        self._interaction = interaction
        self._agent = OwnAgent(clock)
        self._home = home

    async def keys(self, remedy: Remedy) -> tuple[KeyAtHand, ...]:
        """The keys to choose from for the machine at fault. Raises ConfigError."""
        return await keys_at_hand(await self._hop(remedy), (self._home or Path.home()) / ".ssh")

    async def apply(self, remedy: Remedy, choice: Choice | None = None) -> Applied:
        """Do what `remedy.sentence` says. Raises FairleadError, and then nothing was done.

        A remedy with `needs_choice` gets one.
        """
        if remedy.needs_choice and choice is None:
            raise ConfigError(Code.USAGE, evidence={"problem": "a key has to be chosen"})
        if remedy.changes is Changes.HOST_BOOK:
            await self._book.reload()  # another program may have written the entry meanwhile
        if choice is not None:
            return await self._use_key(remedy, choice)
        return await _APPLY[remedy.id](self, remedy)

    async def close(self) -> None:
        """End what was started for this program alone."""
        await self._agent.close()

    # --- one for each --------------------------------------------------------------------------------------------

    async def _fix_mode(self, remedy: Remedy) -> Applied:
        import asyncio

        from backend.diagnostics.remedies.key_mode import make_owner_only

        assert remedy.path is not None
        mode = await asyncio.to_thread(make_owner_only, remedy.path)
        shown = clean_line(shorten(remedy.path))
        said = f"{shown} is yours alone now: its mode was {mode.before:04o} and is {mode.after:04o}."
        return Applied(remedy.host, said, remedy.undo)

    async def _use_key(self, remedy: Remedy, choice: Choice) -> Applied:
        shown = clean_line(shorten(choice.key))
        if not choice.keep:
            said = f"For this one attempt only {shown} is offered to {clean_line(remedy.hop)}."
            return Applied(remedy.host, said, adjust=_at(remedy.hop, lambda hop: _with_key(hop, choice.key)))
        values = {"identity_files": (str(choice.key),), "identities_only": True}
        undo = await self._write(remedy, values)
        said = f"{shown} is the key for {clean_line(entry_name(remedy.hop))} now, as its entry in config.toml says."
        return Applied(remedy.host, said, undo)

    async def _allow_algorithm(self, remedy: Remedy) -> Applied:
        name = entry_name(remedy.hop)
        allowing = _allowing(self._own_list(remedy), remedy.name)
        undo = await self._write(remedy, {f"algorithms.{remedy.option}": allowing})
        said = f"{remedy.name} is allowed for {clean_line(name)} alone, as its entry in config.toml says."
        return Applied(remedy.host, said, undo)

    async def _quick_cipher(self, remedy: Remedy) -> Applied:
        name = clean_line(entry_name(remedy.hop))
        undo = await self._write(remedy, {f"algorithms.{remedy.option}": remedy.name})
        return Applied(remedy.host, f"AES-GCM comes first for {name} now, as its entry in config.toml says.", undo)

    async def _near_name(self, remedy: Remedy) -> Applied:
        return Applied(remedy.name, f"On with {clean_line(remedy.name)}.")

    async def _default_port(self, remedy: Remedy) -> Applied:
        keep = await command_that_says(self._book, remedy.hop, f"-p {DEFAULT_PORT}")
        said = f"Port {DEFAULT_PORT} for this one attempt. Where it answers, write it down: {keep}"
        return Applied(remedy.host, said, adjust=_at(remedy.hop, lambda hop: replace(hop, port=DEFAULT_PORT)))

    async def _show_host_key(self, remedy: Remedy) -> Applied:
        return Applied(remedy.host, "The key is shown when the server has sent it; nothing is trusted unasked.")

    async def _unlock(self, remedy: Remedy) -> Applied:
        ways = await self._book.routes(remedy.host)
        count = sum([await self._guard.forget(way) for way in ways])
        return Applied(remedy.host, f"{count} refused login{' is' if count == 1 else 's are'} forgotten.")

    async def _show_space(self, remedy: Remedy) -> Applied:
        session = self._sessions.get(remedy.host)
        room = await what_takes_room(await session.link(), remedy.host, remedy.name)
        return Applied(remedy.host, "Nothing was removed.", room=room)

    async def _start_agent(self, remedy: Remedy) -> Applied:
        from backend.connection.ssh.agent_keys import load_into

        assert remedy.path is not None
        started = self._agent.socket is None
        socket = await self._agent.start()
        try:
            hop = await self._hop(remedy)
            if hop.agent_socket != socket:
                problem = f"the entry of {clean_line(remedy.hop)} leaves the agent out, or names one of its own"
                raise ConfigError(Code.CONFIG_INVALID, evidence={"problem": problem}, host=remedy.host)
            await load_into(socket, remedy.path, self._interaction, host=hop.name, user=hop.user)
        except FairleadError:
            if started:
                await self._agent.close()
            raise
        said = f"An agent of Fairlead's own holds {clean_line(shorten(remedy.path))} until Fairlead ends."
        return Applied(remedy.host, said)

    # --- what they share -----------------------------------------------------------------------------------------

    def _own_list(self, remedy: Remedy) -> str | None:
        """What the machine's own entry says about the kind of algorithm that the remedy is about."""
        own = own_entry(self._book, remedy.hop)
        return None if own is None else own.algorithms.get(remedy.option)

    async def _write(self, remedy: Remedy, values: Mapping[str, object]) -> str:
        target: Target | None = None
        with suppress(FairleadError):
            target = await self._book.resolve(remedy.hop)
        return await write_entry(self._book, self._editor(), remedy.hop, target, values)

    async def _hop(self, remedy: Remedy) -> Hop:
        targets = await self._book.routes(remedy.host)
        hops = [hop for target in targets for hop in target.hops]
        return next((hop for hop in hops if hop.name == remedy.hop), targets[0].host)


_APPLY: Mapping[RemedyId, Callable[[Remedies, Remedy], Awaitable[Applied]]] = {
    RemedyId.FIX_MODE: Remedies._fix_mode,
    RemedyId.ALLOW_ALGORITHM: Remedies._allow_algorithm,
    RemedyId.NEAR_NAME: Remedies._near_name,
    RemedyId.DEFAULT_PORT: Remedies._default_port,
    RemedyId.SHOW_HOST_KEY: Remedies._show_host_key,
    RemedyId.UNLOCK: Remedies._unlock,
    RemedyId.SHOW_SPACE: Remedies._show_space,
    RemedyId.START_AGENT: Remedies._start_agent,
    RemedyId.QUICK_CIPHER: Remedies._quick_cipher,
}


def _at(name: str, change: Callable[[Hop], Hop]) -> Adjust:
    """The change of one hop of a target."""
    return lambda target: replace(target, hops=tuple(change(hop) if hop.name == name else hop for hop in target.hops))


def _with_key(hop: Hop, key: Path) -> Hop:
    return replace(hop, identity_files=(key,), identities_named=True, identities_only=True)


def _allowing(before: str | None, name: str) -> str:
    """The list of an entry with one name more."""
    if before is None:
        return f"+{name}"
    return before if name in before.lstrip("+^-").split(",") and before[:1] != "-" else f"{before},{name}"
