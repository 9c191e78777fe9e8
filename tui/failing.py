"""Failures in the workbench: told once and in full, quietly where they are the person's own answer, and led to the
ladder or to a remedy where the person wants that. The app's part; what is told is the backend's explanation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, cast

from textual import work
from textual.app import App

from backend.errors import Code, FairleadError
from backend.text import clean_line
from tui.messages import OperationFailed
from tui.told import ToldFailures

if TYPE_CHECKING:
    from backend.diagnostics.explain import Explanation
    from backend.diagnostics.remedies.model import Remedy
    from backend.diagnostics.remedies.service import Applied
    from tui.app import WorkbenchApp
    from tui.screens.diagnostics import DiagnosticsScreen

ANSWERS = frozenset({Code.PRODUCTION_HOST, Code.COMMAND_DANGEROUS, Code.DECLINED})
"""What failed because the person said no: known to them, and no cause for a dialog."""


class TellsFailures(App[int]):
    """An app that is told of failures."""

    @cached_property
    def _told(self) -> ToldFailures:
        return ToldFailures(self._workbench.services.told, self._look_up)

    def told(self, error: FairleadError, host: str | None, redraw: Callable[[], object]) -> FairleadError:
        """A failure that is shown in place, with what the ladder would say; `redraw` is called when that is known."""
        return self._told.of(error, host, lambda: self.call_next(redraw))

    @work(group="explain", exit_on_error=False)
    async def _look_up(self, looking: Awaitable[None]) -> None:
        await looking

    def on_operation_failed(self, message: OperationFailed) -> None:
        error = message.error
        if error.code in ANSWERS:
            self.notify(error.message, title=message.title, markup=False)
        else:
            self._tell_failure(error, message.title)

    @work(group="failure", exit_on_error=False)
    async def _tell_failure(self, error: FairleadError, title: str) -> None:
        from tui.prompts.failure import FailurePrompt, Next
        from tui.remedy_words import choices, fixes

        app = self._workbench
        explanation = await app.services.explain(error)
        match await self.push_screen_wait(FailurePrompt(error, title, explanation, app.options.keymap)):
            case Next.FIX:
                app.remedy(fixes(explanation.remedies))
            case Next.CHOOSE_KEY:
                app.remedy(choices(explanation.remedies))
            case Next.DIAGNOSE:
                app.diagnose_met(error, clean_line(title) or "what failed", explanation=explanation)

    @work(group="diagnose", exclusive=True, exit_on_error=False)
    async def diagnose_met(
        self,
        error: FairleadError,
        where: str,
        *,
        host: str | None = None,
        at: datetime | None = None,
        explanation: Explanation | None = None,
    ) -> None:
        """Go to the ladder of the host at which `error` was met, climb it, and show the rung that it belongs to.

        `where` is where it was met, as the end of `from …`, and `at` when, if not just now; `host` stands for one that
        the failure does not name.
        """
        from tui.met import Met

        app = self._workbench
        if (host := host or error.host) is None:
            return
        told = explanation or await app.services.explain(error, host)
        met = Met(host, error, told, where, at or app.services.clock.now())
        if (screen := await self._ladder_of(host)) is not None:
            screen.look_at(met)

    @work(group="remedy", exclusive=True, exit_on_error=False)
    async def remedy(self, remedies: Sequence[Remedy]) -> None:
        """Let one of them be chosen, agreed to and applied; then climb, once."""
        from tui.remedying import apply_one

        applied = await apply_one(self._workbench, remedies)
        if applied is None:
            return
        if applied.room is not None:
            await self._show_room(applied)
        elif (screen := await self._ladder_of(applied.host)) is not None:
            screen.climb(applied.adjust)

    async def _show_room(self, applied: Applied) -> None:
        from tui.prompts.room import RoomPrompt
        from tui.screens.files import FilesScreen

        assert applied.room is not None
        if not await self.push_screen_wait(RoomPrompt(applied.host, applied.room)):
            return
        self._workbench.host = applied.host
        await self._to("files")
        if isinstance(self.screen, FilesScreen):
            self.screen.go_there(applied.host, applied.room.place)

    async def _ladder_of(self, host: str) -> DiagnosticsScreen | None:
        """The diagnostics screen, in front and on `host`; None where a question is in the way."""
        from tui.screens.diagnostics import DiagnosticsScreen

        self._workbench.host = host
        await self._to("diagnostics")
        return self.screen if isinstance(self.screen, DiagnosticsScreen) else None

    async def _to(self, name: str) -> None:
        """Go to a screen, out of the panels that lie over this one; what they show goes on."""
        from tui.prompts.panel import Panel

        while isinstance(self.screen, Panel):
            await self.screen.dismiss(None)
        await self._workbench.action_show(name)

    @property
    def _workbench(self) -> WorkbenchApp:
        return cast("WorkbenchApp", self)
