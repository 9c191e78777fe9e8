"""Environment modules: what a host offers, and the environment that loading some of them makes.

An environment is made once for each connection and choice of modules and then used for all commands with it: loading
takes a login shell a second or so. When loading fails nothing is run.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

from backend.commands.asking import ask
from backend.commands.modules import reading, script
from backend.commands.modules.values import Listing, Module, ModuleEnvironment, checked_names, resolved
from backend.commands.quoting import wrap
from backend.commands.values import CommandSpec, Opening, Start
from backend.connection.connector import Link, RemoteProcess
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.errors import Advice, Code, SessionError
from backend.text import clean_text

_SECONDS = 90.0
"""For a login shell and its module command on a busy login node with a cold cache."""


class ModuleService:
    """The modules of all hosts."""

    def __init__(self, sessions: Sessions, sets: Callable[[], Mapping[str, tuple[str, ...]]]) -> None:
        """`sets` tells the saved sets of the settings as they are now."""
        self._sessions = sessions
        self._sets = sets
        self._made: WeakKeyDictionary[Link, dict[tuple[str, ...], asyncio.Task[ModuleEnvironment]]]
        self._made = WeakKeyDictionary()

    async def available(self, host: str, pattern: str = "") -> Listing:
        """What can be loaded now (`module -t avail`). Raises SessionError (MODULES_ABSENT, MODULE_FAILED), LinkLost."""
        words = [b"avail", *([checked_names([pattern])[0].encode()] if pattern else [])]
        found, how, _ = await self._query(self._sessions.get(host), b"-t", *words)
        return Listing(reading.available(found), how)

    async def loaded(self, host: str, names: tuple[str, ...] = ()) -> Listing:
        """What a login has loaded by itself, and with `names`."""
        environment = await self.environment(host, names)
        return Listing(tuple(Module(name) for name in environment.loaded), environment.system)

    async def explain(self, host: str, name: str) -> str:
        """What the module system says about a name (`spider`, else `whatis`); for people, may be long."""
        session = self._sessions.get(host)
        (wanted,) = checked_names([name])
        said, how, status = await self._query(session, b"spider", wanted.encode())
        if not how.startswith("Lmod") or status != 0:
            said, _, _ = await self._query(session, b"whatis", wanted.encode())
        return clean_text(said.decode("utf-8", "replace")).strip()

    async def environment(self, host: str, names: tuple[str, ...]) -> ModuleEnvironment:
        """The environment of a login with `names` loaded.

        Raises SessionError (MODULES_ABSENT, MODULE_UNKNOWN, MODULE_FAILED), TimeLimitError or LinkLost.
        """
        names = resolved(names, self._sets())
        session = self._sessions.get(host)
        link = await session.link()
        made = self._made.setdefault(link, {})
        task = made.get(names)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = made[names] = asyncio.create_task(self._make(session, names), name=f"modules on {host}")
            task.add_done_callback(_heard)
        return await asyncio.shield(task)

    def opening(self, names: tuple[str, ...] = (), *, beside_profile: bool = True) -> Opening:
        """For `CommandSpec.opening`: the command runs with `names` loaded after those of the host's profile, or without
        these; or it does not run at all. Without any, it gets a plain channel."""

        async def open_with_modules(session: Session, spec: CommandSpec, start: Start) -> RemoteProcess:
            await session.link()  # the profile is known from then on
            command = wrap(spec.command, env=spec.env)  # its own variables win over those of modules
            return await start(await self.around(session, command, names, beside_profile=beside_profile))

        return open_with_modules

    async def around(
        self, session: Session, command: bytes, names: tuple[str, ...] = (), *, beside_profile: bool = True
    ) -> bytes:
        """A command line that runs `command` with the modules as `opening` says; `command` itself without any."""
        wanted = (*(self.of_profile(session) if beside_profile else ()), *names)
        if not wanted:
            return command
        return (await self.environment(session.host, wanted)).around(command, session.host)

    @staticmethod
    def of_profile(session: Session) -> tuple[str, ...]:
        """What the host's profile names; nothing is known before it is resolved."""
        return () if session.target is None else session.target.workplace.modules

    # --- asking the host -----------------------------------------------------------------------------------------

    async def _query(self, session: Session, *words: bytes) -> tuple[bytes, str, int]:
        """What `module WORDS` says, which module system that is, and the status."""
        mark = secrets.token_hex(16).encode()
        parts = await self._parts(session, mark, script.query(mark, *words))
        status = parts.get("status", b"1").strip()
        return parts.get("said", b""), _text(parts["how"]), int(status) if status.isdigit() else 1

    async def _parts(self, session: Session, mark: bytes, text: bytes) -> dict[str, bytes]:
        answer = await ask(session, text, seconds=_SECONDS)
        parts = reading.parts(mark, answer.out)
        how = parts.get("how")
        if how is None:
            reason = _text(answer.err).strip()[-300:] or f"its login shell ended with status {answer.status}"
            raise SessionError(Code.MODULES_ABSENT, evidence={"reason": reason}, host=session.host)
        if how == script.ABSENT:
            reason = "no login shell, LMOD_PKG, MODULESHOME, BASH_ENV or /etc/profile.d defines `module`"
            raise SessionError(Code.MODULES_ABSENT, evidence={"reason": reason}, host=session.host)
        return parts

    async def _make(self, session: Session, names: tuple[str, ...]) -> ModuleEnvironment:
        mark = secrets.token_hex(16).encode()
        words = [name.encode("utf-8", "surrogateescape") for name in names]
        wanted = script.load(mark, *words) if names else script.load(mark)
        parts = await self._parts(session, mark, wanted)
        said, after = _text(parts.get("said", b"")).strip(), reading.environment(parts.get("after", b""))
        now = reading.loaded(after)
        if not after or (names and reading.failed(parts.get("status", b"1"), said, names, now)):
            raise await self._failure(session, names, said)
        changed, gone = reading.difference(reading.environment(parts.get("before", b"")), after)
        return ModuleEnvironment(names, now, changed, gone, said if names else "", _text(parts["how"]))

    async def _failure(self, session: Session, names: tuple[str, ...], said: str) -> SessionError:
        """Why `names` could not be loaded: one that is not there, with those it may have been; else what was said."""
        listing = await self.available(session.host)
        missing = reading.unknown(names, listing.modules)
        evidence = {"modules": " ".join(names), "reason": reading.reason(said), "said": said[:2000]}
        if not missing:
            evidence |= {"module": " ".join(names[:1])}
            return SessionError(Code.MODULE_FAILED, evidence=evidence, host=session.host)
        near = reading.nearest(missing[0], listing.modules)
        evidence |= {"module": missing[0], "nearest": " ".join(near) or "none"}
        error = SessionError(Code.MODULE_UNKNOWN, evidence=evidence, host=session.host)
        if not near:
            return error
        meant = Advice(f"Perhaps you mean {' or '.join(near)}.")
        return SessionError(Code.MODULE_UNKNOWN, evidence=evidence, host=session.host, advice=(meant, *error.advice))


def _text(raw: bytes) -> str:
    return clean_text(raw.decode("utf-8", "replace"))


def _heard(task: asyncio.Task[ModuleEnvironment]) -> None:
    """What failed is told to those who waited for it."""
    if not task.cancelled():
        task.exception()
