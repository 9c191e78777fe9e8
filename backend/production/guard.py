"""Asks before a host that is marked as production is changed: once for each thing that a person does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from backend.connection.interaction import Confirmation, Interaction, has_person
from backend.connection.sessions import Sessions
from backend.errors import Code, ConfigError, FairleadError
from backend.hosts.book import HostBook
from backend.text import clean_line, clean_text, show_bytes

Permit = Callable[[str, str], Awaitable[None]]
"""`ProductionGuard.ask`, as it is handed to those who change hosts."""
PermitToRun = Callable[[str, bytes], Awaitable[None]]
"""`ProductionGuard.ask_to_run`."""

_SHOWN = 1000
"""Characters of a change that are shown."""
_NAMED = 3
"""Hosts that a refusal names."""


class ProductionGuard:
    """Stands before every change of a host: commands that do more than read, files, uploads, ports, shells."""

    def __init__(self, *, sessions: Sessions, book: HostBook, person: Interaction, agreed: bool = False) -> None:
        """`agreed`: the person has agreed to all changes beforehand (`--yes`)."""
        self._sessions = sessions
        self._book = book
        self._person = person
        self._agreed = agreed

    async def marks(self, host: str) -> bool:
        """Whether `host` is marked as production. Raises ConfigError for a host that the book cannot make out."""
        known = self._sessions.get(host).target
        return await self._book.is_production(host) if known is None else known.production

    async def ask(self, host: str, change: str) -> None:
        """Let `change`, for people, go on where `host` is not production, or where the person agrees.

        Raises FairleadError PRODUCTION_HOST, and ConfigError as `marks` does.
        """
        if not self._agreed and await self.marks(host):
            await self._confirm(host, change)

    async def ask_to_run(self, host: str, command: bytes) -> None:
        """As `ask`, for a command; one that only looks may always run."""
        if self._agreed or not await self.marks(host):
            return
        from backend.production.reading import only_reads  # most hosts are not production

        if not only_reads(command):
            await self._confirm(host, f"Run: {show_bytes(command)}")

    async def ask_to_run_on(self, hosts: Sequence[str], command: bytes) -> None:
        """As `ask_to_run` on many hosts: one question, which names those that are production. Who cannot be made out is
        told of when it is reached, and does not keep the others."""
        from backend.production.reading import only_reads

        if self._agreed or only_reads(command):
            return
        marked = [host for host in hosts if await self._marks(host)]
        if marked:
            await self._confirm_all(marked, len(hosts), command)

    async def _marks(self, host: str) -> bool:
        with suppress(ConfigError):
            return await self.marks(host)
        return False

    async def _confirm_all(self, marked: Sequence[str], hosts: int, command: bytes) -> None:
        if len(marked) == 1:
            title = f"{marked[0]} is a production host"
        else:
            title = (
                f"{len(marked):,} of {hosts:,} are production hosts"
                if len(marked) < hosts
                else (f"All {hosts:,} are production hosts")
            )
        await self._agree(title, f"Run: {show_bytes(command)}\n\n{', '.join(marked)}", *marked)

    async def _confirm(self, host: str, change: str) -> None:
        await self._agree(f"{host} is a production host", change, host)

    async def _agree(self, title: str, change: str, *hosts: str) -> None:
        question = Confirmation(title, shown(change), yes="Go on", danger=True)
        if not has_person(self._person):
            raise _not_agreed(hosts, "there is nobody to ask")
        if not await self._person.confirm(question):
            raise _not_agreed(hosts, "you did not agree")


def _not_agreed(hosts: Sequence[str], why: str) -> FairleadError:
    if len(hosts) == 1:
        return FairleadError(Code.PRODUCTION_HOST, evidence={"why": why}, host=hosts[0])
    named = ", ".join(clean_line(host) for host in hosts[:_NAMED])
    more = f" and {len(hosts) - _NAMED:,} more" if len(hosts) > _NAMED else ""
    message = f"Nothing was changed: {named}{more} are production hosts, and {why}."
    return FairleadError(Code.PRODUCTION_HOST, message, evidence={"why": why}, host=named + more)


def shown(change: str) -> str:
    """A change as it is asked about: cleaned, and no longer than a question may be."""
    text = clean_text(change).strip()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


async def never_asks(host: str, change: str | bytes) -> None:
    """A `Permit`, or `PermitToRun`, for where nothing is guarded."""
