"""How a command gets its process: as its spec says, as the host's profile sets up, as another user, or plainly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backend.commands.values import CommandSpec, Opening
from backend.commands.workplace import place_of, placed
from backend.connection.connector import RemoteProcess
from backend.connection.session import Session

if TYPE_CHECKING:
    from backend.commands.elevation.elevation import Elevation

ElevationOf = Callable[[str], "Elevation"]
"""Other users of a host, as `Container.elevation` knows them."""
UsualOpening = Callable[[Session], Opening | None]
"""How commands of a connected host get their process where they do not say; None: a channel of their own."""


class Opener:
    """Opens processes on a connected host."""

    def __init__(self, *, usual: UsualOpening, elevation: ElevationOf) -> None:
        self._usual = usual
        self.elevation = elevation

    async def open(self, session: Session, spec: CommandSpec) -> RemoteProcess:
        """The process of `spec`. Raises FairleadError where there is none: nothing runs then."""

        async def start(command: bytes) -> RemoteProcess:
            return await self._start(session, spec, command)

        opening = spec.opening or self._usual(session)
        return await (start(spec.command) if opening is None else opening(session, spec, start))

    async def _start(self, session: Session, spec: CommandSpec, command: bytes) -> RemoteProcess:
        """`command` on a channel of its own, as the spec says."""
        if spec.elevate is not None:
            cwd, env = place_of(session.target, cwd=spec.cwd, env=spec.env)
            elevation = self.elevation(session.host)
            return await elevation.open_command(command, spec.elevate, cwd=cwd, env=env, pty=spec.pty)
        link = await session.link()
        return await link.open_process(placed(command, session.target, cwd=spec.cwd, env=spec.env), pty=spec.pty)
