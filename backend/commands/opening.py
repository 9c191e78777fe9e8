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

    async def open(
        self, session: Session, spec: CommandSpec, begins: Callable[[], None] = lambda: None
    ) -> RemoteProcess:
        """The process of `spec`. Raises FairleadError where there is none: nothing runs then.

        `begins` is called just before the host is asked to start it: from then on it may run.
        """
        start = _Start(session, spec, self.elevation, begins)
        opening = spec.opening or self._usual(session)
        return await (start(spec.command) if opening is None else opening(session, spec, start))


class _Start:
    """Starts a command on a channel of its own, as the spec says."""

    def __init__(self, session: Session, spec: CommandSpec, elevation: ElevationOf, begins: Callable[[], None]) -> None:
        self._session = session
        self._spec = spec
        self._elevation = elevation
        self.begins = begins

    async def __call__(self, line: bytes) -> RemoteProcess:
        session, spec = self._session, self._spec
        if spec.elevate is not None:
            cwd, env = place_of(session.target, cwd=spec.cwd, env=spec.env)
            other = self._elevation(session.host)
            return await other.open_command(line, spec.elevate, cwd=cwd, env=env, pty=spec.pty, begins=self.begins)
        link = await session.link()
        self.begins()
        return await link.open_process(placed(line, session.target, cwd=spec.cwd, env=spec.env), pty=spec.pty)
