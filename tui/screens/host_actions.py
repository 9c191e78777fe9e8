"""What is done about one host besides connecting: routes, forwards, waiting requests, verifying, unlocking.

The screen that has a list of hosts is built on it; what is read from disk is read here, when a host is looked at first
and again when it has changed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import BindingType

from backend.connection.session import Session
from backend.connection.state import CONNECTED
from backend.errors import FairleadError
from backend.text import clean_line
from tui.actions import Action, bindings, bindings_of
from tui.detail.details import HostDetails, HostRecord
from tui.detail.routes import leading
from tui.detail.state import is_held_back
from tui.health.gathering import health_of
from tui.hosts import HostView
from tui.messages import ForwardsUpdated, Notice, OperationFailed, RecordUpdated
from tui.screens.book_actions import BookActions

_GROUP = "This host"

ACTIONS = (
    Action("host.forwards", "f", "forwards", "Open, close and look at this host's forwards.", _GROUP, "host", rank=3),
    Action("host.waiting", "w", "waiting", "See what waits for this host while it is away, and change it.", _GROUP,
           "host", rank=5),
    Action("host.routes", "R", "routes", "Tell which route is used, and why the others lost.", _GROUP, "host", rank=8),
    Action("host.readings", "H", "history", "See the health of this host: readings, plots, and what they lead to.",
           _GROUP, "host", rank=8),
    Action("host.unlock", "u", "log in anyway", "Forget the logins that were refused, and connect.", _GROUP, "host",
           rank=1),
)  # fmt: skip


class HostActions(BookActions):
    """A screen with a list of hosts. Subclasses say which one is chosen, and connect."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(ACTIONS), *bindings("host.verify")]

    def __init__(self) -> None:
        super().__init__()
        self._records: dict[str, HostRecord | None] = {}
        """What was read of each host; None while it is read for the first time."""
        self._unread: set[str] = set()

    def connect_to(self, host: str) -> None:
        """Connect, and show how it goes."""
        raise NotImplementedError

    def draw_detail(self) -> None:
        """Show what is known of the chosen host."""
        raise NotImplementedError

    # --- what is known -------------------------------------------------------------------------------------------

    def details_of(self, view: HostView) -> HostDetails:
        """All that is known of a host now; what is on disk is read if that was not done yet."""
        name, services, bridge = view.name, self.services, self.workbench.bridge
        if name not in self._records:
            self._records[name] = None
            self._read_record(name)
        session = next((one for one in services.sessions.all() if one.host == name), None)
        entry = services.book.settings.hosts.get(name)
        if view.error is not None:
            view = replace(view, error=self.workbench.told(view.error, name, self.draw_detail))
        return HostDetails(
            view,
            services.clock.now(),
            services.clock.monotonic(),
            phases=bridge.phases(name, leading(session.routes if session else ())) if bridge else (),
            planned=(entry.routes or ()) if entry else (),
            listed=len(entry.forwards) if entry else 0,
            forwards=services.forwards.views(name),
            record=self._records[name],
            given_up_in=_left(session, services.clock.monotonic()),
            facts=session.facts if session else None,
            shared_with=session.shared_with if session else (),
            target=session.target if session else None,
            routes=session.routes if session else (),
            remembered=session.remembered if session else None,
        )

    def _read_record(self, host: str) -> None:
        self._unread.add(host)
        self._read_records()

    @work(exclusive=True, group="records", exit_on_error=False)
    async def _read_records(self) -> None:
        """Read what is wanted; a call that comes meanwhile takes over what is left."""
        while self._unread:
            host = next(iter(self._unread))
            self._records[host] = await self._record(host)
            self._unread.discard(host)
            if self.host == host:
                self.draw_detail()

    async def _record(self, host: str) -> HostRecord:
        known = await health_of(self.services, host)
        try:
            return HostRecord(known.ssh, known.check, known.trends, await self.services.requests.all(host))
        except FairleadError as error:
            return HostRecord(known.ssh, known.check, known.trends, problem=error.message)

    def on_record_updated(self, message: RecordUpdated) -> None:
        if message.host in self._records:
            self._read_record(message.host)

    def on_forwards_updated(self, message: ForwardsUpdated) -> None:
        if message.host == self.host:
            self.draw_detail()

    def on_screen_resume(self) -> None:
        """Nothing was heard while another screen was in front."""
        self._records = {host: record for host, record in self._records.items() if host == self.host}
        for host in self._records:
            self._read_record(host)

    # --- what is done --------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        view = self.chosen
        match action:
            case "forwards" | "waiting" | "routes" | "readings":
                return view is not None
            case "verify":
                return view is not None and view.state in CONNECTED
            case "unlock":
                return view is not None and is_held_back(view.error)
            case _:
                return super().check_action(action, parameters)

    def action_forwards(self) -> None:
        if (view := self.chosen) is not None:
            from tui.prompts.forwards import ForwardsPanel

            self.workbench.push_screen(ForwardsPanel(view.name, self.services, self.glyphs))

    def action_waiting(self) -> None:
        if (view := self.chosen) is not None:
            from tui.prompts.waiting import WaitingPanel

            self.workbench.push_screen(WaitingPanel(view.name, self.services, self.glyphs))

    def action_verify(self) -> None:
        if (view := self.chosen) is not None:
            from tui.prompts.verify import VerifyPanel

            self.workbench.push_screen(VerifyPanel(view.name, self.services, self.glyphs))

    def action_readings(self) -> None:
        if (view := self.chosen) is not None:
            from tui.prompts.readings import ReadingsPanel

            self.workbench.push_screen(ReadingsPanel(view.name, self.services, self.glyphs))

    def action_routes(self) -> None:
        if (view := self.chosen) is not None:
            from tui.prompts.routes import RoutesPrompt

            self.workbench.push_screen(RoutesPrompt(view.name, partial(self._details_now, view), self.glyphs))

    def _details_now(self, view: HostView) -> HostDetails:
        """What is known of a host now, if it was looked at before as `view`."""
        return self.details_of(self.chosen if self.chosen is not None and self.chosen.name == view.name else view)

    @work(group="unlock", exclusive=True, exit_on_error=False)
    async def action_unlock(self) -> None:
        """Forget what the lock-out guard has counted for this host and the jump hosts before it, and connect."""
        if (view := self.chosen) is None or not is_held_back(view.error):
            return
        try:
            forgotten = sum(
                [await self.services.guard.forget(way) for way in await self.services.book.routes(view.name)]
            )
        except FairleadError as error:
            self.post_message(OperationFailed(error, f"unlocking {clean_line(view.name)}"))
            return
        what = "1 refused login is" if forgotten == 1 else f"{forgotten} refused logins are"
        self.post_message(Notice(f"{what} forgotten.", title=view.name))
        self.connect_to(view.name)


def _left(session: Session | None, now: float) -> float | None:
    """Seconds until a link that does not answer is given up."""
    change = session.last_change if session is not None else None
    return None if change is None or change.given_up_at is None else max(0.0, change.given_up_at - now)
