"""The named sessions of all hosts: opened on first use, re-used by name, closed when they have been idle for long.

A session that is gone stays known as gone: a command for it fails and says so, for a new shell would have another
directory, other variables and other functions. Only a person opens it anew.
"""

from __future__ import annotations

import asyncio

from backend.clock import Clock
from backend.commands.shells.protocol import is_posix
from backend.commands.shells.session import ShellSession, ShellState, open_shell
from backend.commands.values import CommandSpec, Opening, Start
from backend.connection.connector import RemoteProcess
from backend.connection.session import Session
from backend.connection.sessions import Sessions
from backend.errors import Code, ConfigError
from backend.tasks import cancel_all

IDLE = 4 * 3600.0
"""Seconds without a command after which a session is closed."""
_LONGEST_NAME = 40


class ShellService:
    """All named sessions."""

    def __init__(self, *, sessions: Sessions, clock: Clock, idle: float = IDLE) -> None:
        self._sessions = sessions
        self._clock = clock
        self._idle = idle
        self._shells: dict[tuple[str, str], ShellSession] = {}
        self._opening: dict[tuple[str, str], asyncio.Lock] = {}
        self._watches: set[asyncio.Task[None]] = set()

    def all(self, host: str) -> tuple[ShellSession, ...]:
        """Those of a host, gone ones included, in the order in which they were opened."""
        return tuple(shell for (where, _), shell in self._shells.items() if where == host)

    def open_now(self) -> tuple[tuple[str, str], ...]:
        """Host and name of each that is not gone."""
        return tuple(key for key, shell in self._shells.items() if shell.state is not ShellState.GONE)

    def find(self, host: str, name: str) -> ShellSession | None:
        return self._shells.get((host, name))

    async def open(self, host: str, name: str) -> ShellSession:
        """The session of this name; a fresh one where there is none, or where it is gone.

        Raises ConfigError (USAGE) for a name that cannot be one, and what keeps commands from running on the host.
        """
        key = (host, checked_name(name))
        async with self._opening.setdefault(key, asyncio.Lock()):
            shell = self._shells.get(key)
            if shell is None or shell.state is ShellState.GONE:
                self._shells.pop(key, None)
                shell = self._shells[key] = await open_shell(self._sessions.get(host), name, self._clock)
                watch = asyncio.create_task(self._close_when_idle(shell), name=f"idle {name} on {host}")
                self._watches.add(watch)
                watch.add_done_callback(self._watches.discard)
            return shell

    async def end(self, host: str, name: str) -> None:
        """Close a session and forget it, with what runs in it."""
        if (shell := self._shells.pop((host, name), None)) is not None:
            await shell.close()

    def opening(self, name: str) -> Opening:
        """For `CommandSpec.opening`: the command runs in this session, when those before it have ended.

        Raises SessionError (SHELL_GONE) where the session is gone.
        """

        async def open_in_session(session: Session, spec: CommandSpec, start: Start) -> RemoteProcess:
            _refuse(spec)
            shell = self.find(session.host, name) or await self.open(session.host, name)
            return await shell.run(spec.command, start.begins)

        return open_in_session

    async def close(self) -> None:
        """Close them all; bounded."""
        await cancel_all(self._watches)
        await asyncio.gather(*(shell.close("Fairlead was closed") for shell in self._shells.values()))

    async def _close_when_idle(self, shell: ShellSession) -> None:
        while shell.state is not ShellState.GONE:
            unused = (self._clock.now() - shell.used_at).total_seconds()
            if shell.state is ShellState.READY and unused >= self._idle:
                await shell.close(f"it was not used for {self._idle / 3600:g} hours")
            else:
                await self._clock.sleep(max(1.0, self._idle - unused))


def checked_name(name: str) -> str:
    """A name that a session can have. Raises ConfigError (USAGE)."""
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ConfigError(Code.USAGE, evidence={"problem": f"{name!r} cannot name a session."})
    return name


def shell_note(shell: ShellSession) -> str:
    """What a person must know about the shell of a session; empty where it is the login shell."""
    return "" if is_posix(shell.shell) else f"runs in sh: {shell.shell} is no POSIX shell"


def _refuse(spec: CommandSpec) -> None:
    """A session has its own directory and variables, and its commands read nothing."""
    if spec.stdin or spec.stdin_stream is not None or spec.pty is not None or spec.env or spec.cwd is not None:
        problem = "a command in a session takes no input, terminal, directory or variables of its own"
        raise ConfigError(Code.USAGE, evidence={"problem": problem})
