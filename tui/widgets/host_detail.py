"""One host in full: state and since when, how it is reached, who logged in, with what; and while it is not: why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from backend.connection.connector import LinkFacts, Phase, PhaseEvent, PhaseFailed, PhasePassed
from backend.connection.state import BUSY, CONNECTED, SessionState
from backend.connection.target import Target
from backend.text import clean_line
from tui.format import ago_text, duration_text, latency_text
from tui.glyphs import Glyphs, sparkline
from tui.hosts import HostView
from tui.widgets.explanation import explain

_NAME_WIDTH = 10
_PHASE_WORDS = {Phase.HOST_KEY: "host key", Phase.AUTH: "login", Phase.KEX: "key exchange"}


@dataclass(frozen=True, slots=True)
class HostDetails:
    """All that the pane tells of one host."""

    view: HostView
    now: datetime
    facts: LinkFacts | None = None
    target: Target | None = None
    phases: tuple[PhaseEvent, ...] = ()
    """Of the attempt under way or the last one."""


class HostDetail(VerticalScroll, can_focus=True):
    """The pane; scrolls when a failure has much to say."""

    HELP = "All that is known about the current host. enter connects, x disconnects, d climbs the diagnostic ladder."

    def compose(self) -> list[Static]:
        return [Static(id="detail-text", markup=False)]

    def show(self, details: HostDetails | None, glyphs: Glyphs) -> None:
        """Draw these details."""
        text = Content("") if details is None else details_content(details, self.content_size.width, glyphs)
        self.query_one("#detail-text", Static).update(text)


def details_content(details: HostDetails, width: int, glyphs: Glyphs) -> Content:
    """The whole pane, in blocks with a blank line between them."""
    blocks = [
        _state_block(details, glyphs),
        _attempt_block(details, glyphs),
        _facts_block(details, glyphs),
        _entry_block(details),
    ]
    return Content("\n\n").join([block for block in blocks if block.plain])


def _state_block(details: HostDetails, glyphs: Glyphs) -> Content:
    view = details.view
    shown = view.look(glyphs)
    head = Content.assemble((f"{shown.glyph} {shown.word}", f"bold {shown.style}"), (_since(details), "$quiet"))
    if view.state is SessionState.FAILED and view.error is not None:
        error = view.error
        return Content("\n\n").join([head, explain(error.message, error.code, error.evidence, error.advice)])
    return Content("\n").join([line for line in (head, _reason_line(view)) if line.plain])


def _since(details: HostDetails) -> str:
    view = details.view
    if view.since is None:
        return ""
    if view.state in CONNECTED:
        return f" for {duration_text((details.now - view.since).total_seconds())}"
    return f"  {ago_text(view.since, details.now)}" if view.state not in BUSY else ""


def _reason_line(view: HostView) -> Content:
    if view.state is SessionState.IDLE:
        return Content.styled("Press enter to connect.", "$quiet")
    reason = view.error.message if view.error is not None else view.reason
    lines = [Content(clean_line(reason))] if reason and view.state is not SessionState.READY else []
    if view.state is SessionState.RECONNECTING and view.retry_in is not None:
        wait = f"Next try in {view.retry_in:.0f} s" if view.retry_in >= 0.5 else "Trying now"
        keys = Content.assemble(("r", "bold $accent"), " try now   ", ("x", "bold $accent"), " stop")
        lines.append(Content.assemble((f"{wait}, attempt {view.attempt + 1}.", "$warning"), "   ", keys))
    return Content("\n").join(lines)


def _attempt_block(details: HostDetails, glyphs: Glyphs) -> Content:
    """Hop by hop, how far the attempt has come."""
    if details.view.state not in BUSY and details.view.state is not SessionState.FAILED:
        return Content("")
    hops: dict[str, list[PhaseEvent]] = {}
    for event in details.phases:
        steps = hops.setdefault(event.hop.name, [])
        if steps and steps[-1].phase is event.phase:
            steps[-1] = event
        else:
            steps.append(event)
    return Content("\n").join([_hop_line(name, steps, glyphs) for name, steps in hops.items()])


def _hop_line(name: str, steps: Sequence[PhaseEvent], glyphs: Glyphs) -> Content:
    return _row(clean_line(name), Content("  ").join([_step(event, glyphs) for event in steps]))


def _step(event: PhaseEvent, glyphs: Glyphs) -> Content:
    word = _PHASE_WORDS.get(event.phase, event.phase.value)
    if isinstance(event, PhasePassed):
        return Content.assemble((glyphs.passed, "$success"), f" {word}")
    if isinstance(event, PhaseFailed):
        return Content.assemble((glyphs.failed, "$error"), f" {word}")
    return Content.assemble((glyphs.busy, "$warning"), f" {word}{glyphs.ellipsis}")


def _facts_block(details: HostDetails, glyphs: Glyphs) -> Content:
    facts, view = details.facts, details.view
    if facts is None:
        return Content("")
    way = f" {glyphs.arrow} ".join((*facts.route, view.name)) if facts.route else "direct"
    lines = [
        _row("who", f"{facts.user}@{facts.address}"),
        _row("route", way),
        _row("login", f" {glyphs.dot} ".join(part for part in (facts.auth_method, facts.auth_detail) if part)),
        _row("crypto", f" {glyphs.dot} ".join(dict.fromkeys(p for p in (facts.kex, facts.cipher, facts.mac) if p))),
        _row("server", facts.server_version),
        _row("host key", facts.host_key),
    ]
    if view.latencies:
        lines.append(_row("latency", _latency_words(view, glyphs)))
    return Content("\n").join(lines)


def _latency_words(view: HostView, glyphs: Glyphs) -> Content:
    bars = sparkline(view.latencies, 20, glyphs)
    spread = f"{latency_text(min(view.latencies))} to {latency_text(max(view.latencies))}"
    now = f"{latency_text(view.latencies[-1])}  "
    return Content.assemble(now, (bars, "$accent"), (f"  {spread}", "$quiet"))


def _entry_block(details: HostDetails) -> Content:
    """What the book says, for what the live connection does not tell."""
    entry, target = details.view.entry, details.target
    address = entry.address if target is None else f"{target.host.address}:{target.host.port}"
    user = entry.user if target is None else target.host.user
    lines = []
    if details.facts is None and (address or user):
        lines.append(_row("address", f"{user}@{address}" if user and address else address or user))
    if details.facts is None and target is not None and target.jumps:
        lines.append(_row("by way of", ", ".join(hop.name for hop in target.jumps)))
    for name, value in (("tags", " ".join(entry.tags)), ("note", entry.note), ("written in", entry.where)):
        if value:
            lines.append(_row(name, clean_line(value)))
    return Content("\n").join(lines)


def _row(name: str, value: str | Content) -> Content:
    return Content.assemble((f"{name:<{_NAME_WIDTH}}  ", "$quiet"), value if value else "")
