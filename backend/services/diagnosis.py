"""Services that say what is wrong, and mend it."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from backend.services.shared import Shared

if TYPE_CHECKING:
    from backend.connection.target import Hop
    from backend.diagnostics.circumstances import Known
    from backend.diagnostics.explain import Explanation
    from backend.diagnostics.ladder import Diagnostics
    from backend.diagnostics.remedies.service import Remedies
    from backend.diagnostics.server_side.look import ServerSides
    from backend.diagnostics.slowness.service import Slowness
    from backend.diagnostics.verify import Verification
    from backend.errors import FairleadError


class DiagnosisServices(Shared):
    """The ladder, and what goes with it."""

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Climbs the ladder."""
        from backend.diagnostics.ladder import Diagnostics

        return Diagnostics(
            connector=self._connector,
            book=self.book,
            interaction=self._interaction,
            clock=self.clock,
            vault=self.vault,
            in_use=self.sessions.in_use,
            as_connected=self.sessions.as_connected,
            known=self._known,
        )

    async def _last_success(self, host: str) -> datetime | None:
        return (await self.health.of(host)).last_success

    @cached_property
    def remedies(self) -> Remedies:
        """Applies what can be done about a failure, when a person asks for it."""
        from backend.diagnostics.remedies.service import Remedies

        return Remedies(
            book=self.book,
            editor=lambda: self.host_editor,
            sessions=self.sessions,
            guard=self.guard,
            interaction=self._interaction,
            clock=self.clock,
        )

    async def explain(self, error: FairleadError, host: str | None = None) -> Explanation:
        """What the ladder would say about a failure that was met elsewhere; `host` where it does not name one."""
        from backend.diagnostics.explain import explain_anywhere

        return await explain_anywhere(error, host=host or error.host, book=self.book, known=self._known)

    def _known(self) -> Known:
        from backend.diagnostics.circumstances import Known

        return Known(self.book, self._last_success, self.sessions.connected, not self._simulated)

    async def told(self, error: FairleadError, host: str | None = None) -> FairleadError:
        """The same failure with what `explain` knows about it."""
        explanation = await self.explain(error, host)
        return error.explained(explanation.evidence, explanation.advice)

    @cached_property
    def slowness(self) -> Slowness:
        """Says why a host is slow."""
        from backend.diagnostics.slowness.service import Slowness

        return Slowness(
            connector=self._connector,
            book=self.book,
            interaction=self._interaction,
            clock=self.clock,
            vault=self.vault,
            in_use=self.sessions.in_use,
        )

    @cached_property
    def verification(self) -> Verification:
        """Tries what people do with a host."""
        from backend.diagnostics.explain import explain_around
        from backend.diagnostics.verify import Verification

        def explained(error: FairleadError, host: str, hop: Hop) -> Awaitable[Explanation]:
            return explain_around(error, host=host, hop=hop, book=self.book, known=self._known)

        return Verification(sessions=self.sessions, clock=self.clock, explained=explained)

    @cached_property
    def server_sides(self) -> ServerSides:
        """Looks from inside at why a host refuses a login."""
        from backend.diagnostics.server_side.look import ServerSides

        return ServerSides(sessions=self.sessions, book=self.book, clock=self.clock)
