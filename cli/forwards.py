"""How forwards look on stderr and in JSON: where they listen, what goes through them, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from backend.events import EventBus
from backend.forwards.model import ForwardChanged, ForwardCounted, ForwardState, ForwardView
from backend.forwards.spec import ForwardKind, ForwardSpec
from backend.sizes import size_text
from cli.failures import print_json
from cli.narration import Narration
from cli.units import counted


class ForwardsView:
    """Tells about the forwards of one host while they run. `close` when they have ended."""

    def __init__(self, host: str, *, bus: EventBus, narration: Narration, as_json: bool) -> None:
        self.views: dict[int, ForwardView] = {}
        """How each stands, by number; the last of a stopped one stays."""
        self._host = host
        self._narration = narration
        self._as_json = as_json
        self._subscriptions = (
            bus.subscribe(ForwardChanged, self._changed),
            bus.subscribe(ForwardCounted, self._counted),
        )

    def _changed(self, event: ForwardChanged) -> None:
        if event.host != self._host:
            return
        before = self.views.get(event.view.id)
        self._update(event.view, "state")
        for line in news_of(event.view, before):
            self._narration.say(line)

    def _counted(self, event: ForwardCounted) -> None:
        if event.host != self._host:
            return
        before = self.views.get(event.view.id)
        self._update(event.view, "count")
        if event.view.last_error and (before is None or before.last_error != event.view.last_error):
            self._narration.say(f"{event.view.spec}: {event.view.last_error}")

    def _update(self, view: ForwardView, kind: str) -> None:
        self.views[view.id] = view
        if self._as_json:
            print_json({"event": kind, **view_json(view)})
        self._narration.progress("  |  ".join(status_line(one) for one in self.views.values()))

    def close(self, last: Iterable[ForwardView], asked: Iterable[ForwardSpec]) -> None:
        """The line of progress goes, the summary comes; `last` is how they stand now.

        What was `asked` for and not begun is in it, too.
        """
        for subscription in self._subscriptions:
            subscription.cancel()
        self._narration.end_progress()
        self.views |= {view.id: view for view in last}
        if self._as_json:
            begun = {view.spec for view in self.views.values()}
            rest = [not_begun(self._host, spec) for spec in asked if spec not in begun]
            print_json({"host": self._host, "forwards": [view_json(view) for view in (*self.views.values(), *rest)]})
        for view in self.views.values():
            if view.total:
                self._narration.say(summary(view))


def not_begun(host: str, spec: ForwardSpec) -> ForwardView:
    """One that was asked for, and whose turn did not come."""
    return ForwardView(0, host, spec, ForwardState.STOPPED, datetime.now(UTC), reason="it was not begun")


def view_json(view: ForwardView) -> dict[str, Any]:
    """A forward as it stands."""
    return {
        "host": view.host,
        "forward": str(view.spec),
        "state": view.state.value,
        "reason": view.reason,
        "error": None if view.error is None else view.error.to_json(),
        "listening": list(view.places),
        "port": view.port or None,
        "sent": view.sent,
        "received": view.received,
        "open": view.open,
        "total": view.total,
        "refused": view.refused,
        "errors": view.errors,
        "last_error": view.last_error or None,
    }


def news_of(view: ForwardView, before: ForwardView | None) -> list[str]:
    """What a person should read when a forward has come into its state."""
    if view.state is ForwardState.LISTENING:
        again = before is not None and before.state is not ForwardState.STARTING
        return [f"{view.spec}: listening again"] if again else [listening_line(view), *warnings(view)]
    if view.state is ForwardState.FAILED and before is not None:  # at the start its error is told in full
        return [f"{view.spec}: failed: {view.reason}"]
    if view.state is ForwardState.WAITING and before is not None and before.state is not ForwardState.WAITING:
        return [f"{view.spec}: waiting for {view.host}"]
    if view.state is ForwardState.WAITING and before is not None and before.reason != view.reason:
        return [f"{view.spec}: {view.reason}"]
    return []


def listening_line(view: ForwardView) -> str:
    """Where it listens, and where connections go."""
    places = " and ".join(view.places)
    if view.spec.kind is ForwardKind.REMOTE:
        to = "to wherever clients ask for (SOCKS), from this machine" if view.spec.to is None else f"to {view.spec.to}"
        return f"{view.host} listens on {places}, {to}{'' if view.spec.to is None else ' as this machine sees it'}"
    if view.spec.to is None:
        return f"listening on {places} (SOCKS), to wherever {view.host} can reach"
    return f"listening on {places}, to {view.spec.to} as {view.host} sees it"


def warnings(view: ForwardView) -> list[str]:
    """Who else can come in, where that is not only this machine's or the host's own programs."""
    lines = []
    if not view.spec.listen.is_loopback:
        where = view.host if view.spec.kind is ForwardKind.REMOTE else "this machine"
        perhaps = ", if its GatewayPorts allows it" if view.spec.kind is ForwardKind.REMOTE else ""
        lines.append(f"  note: every machine that reaches {where} can use it{perhaps}")
    if view.spec.kind is ForwardKind.REMOTE and view.spec.to is None:
        lines.append(f"  note: whoever uses it on {view.host} reaches all that this machine reaches")
    return lines


def status_line(view: ForwardView) -> str:
    """`L 8080  2 open  14 total  ↓ 1.2 MB  ↑ 48 kB`, with what went wrong where something did."""
    if view.state is not ForwardState.LISTENING:
        return f"{_short(view)}  {view.state.value}"
    parts = [_short(view), f"{view.open} open", f"{view.total} total"]
    parts += [f"↓ {size_text(view.received)}", f"↑ {size_text(view.sent)}"]
    parts += [f"{view.refused} refused"] if view.refused else []
    parts += [counted(view.errors, "error")] if view.errors else []
    return "  ".join(parts)


def _short(view: ForwardView) -> str:
    return f"{view.spec.kind.value} {view.port}" if view.port else str(view.spec)


def summary(view: ForwardView) -> str:
    """What went through it, in one line."""
    connections = counted(view.total, "connection")
    parts = [connections, f"{size_text(view.received)} received", f"{size_text(view.sent)} sent"]
    parts += [f"{view.refused} refused"] if view.refused else []
    parts += [f"{view.errors} failed"] if view.errors else []
    last = f" (the last: {view.last_error})" if view.last_error else ""
    return f"{view.spec}: {', '.join(parts)}{last}"
