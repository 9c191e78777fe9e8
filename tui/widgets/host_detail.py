"""One host in full: state and since when, how it is reached, who logged in, with what; and while it is not: why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from backend.connection.connector import LinkFacts, Phase, PhaseEvent, PhaseFailed, PhasePassed
from backend.connection.state import BUSY, CONNECTED, SessionState
from backend.connection.target import Target
from backend.text import clean_line
from tui.format import ago_text, duration_text, latency_text
from tui.glyphs import Glyphs, sparkline
from tui.hosts import HostView
from tui.widgets.explanation import explain_error
from tui.widgets.flow import Flow, broken, hanging, no_text

_NAME_WIDTH = 10
_ATTEMPT = BUSY - {SessionState.RECONNECTING}
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

    def compose(self) -> ComposeResult:
        yield Flow(id="detail-text")

    def show(self, details: HostDetails | None, glyphs: Glyphs) -> None:
        """Draw these details."""
        layout = no_text if details is None else partial(details_content, details, glyphs)
        self.query_one(Flow).show(layout)


def details_content(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """The whole pane, in blocks with a blank line between them."""
    blocks = [
        _state_block(details, glyphs, width),
        _attempt_block(details, glyphs, width),
        _facts_block(details, glyphs, width),
        _entry_block(details, width),
    ]
    return Content("\n\n").join([block for block in blocks if block.plain])


def _state_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    view = details.view
    shown = view.look(glyphs)
    head = Content.assemble((f"{shown.glyph} {shown.word}", f"bold {shown.style}"), (_since(details), "$quiet"))
    if view.state is SessionState.FAILED and view.error is not None:
        return Content("\n\n").join([head, explain_error(view.error, width)])
    return Content("\n").join([line for line in (head, _reason_line(view, width, shown.word)) if line.plain])


def _since(details: HostDetails) -> str:
    view = details.view
    if view.since is None:
        return ""
    if view.state in CONNECTED:
        return f" for {duration_text((details.now - view.since).total_seconds())}"
    return f"  {ago_text(view.since, details.now)}" if view.state not in BUSY else ""


def _reason_line(view: HostView, width: int, state_word: str) -> Content:
    if view.state is SessionState.IDLE:
        return Content.styled("Press enter to connect.", "$quiet")
    reason = view.error.message if view.error is not None else view.reason
    told = view.state in CONNECTED or view.state in _ATTEMPT  # an attempt is told step by step below
    told = told or reason == state_word
    lines = [broken(clean_line(reason), width)] if reason and not told else []
    if view.state is SessionState.RECONNECTING and view.retry_in is not None:
        wait = f"Next try in {view.retry_in:.0f} s" if view.retry_in >= 0.5 else "Trying now"
        keys = Content.assemble(("r", "bold $accent"), " try now   ", ("x", "bold $accent"), " stop")
        lines.append(Content.assemble((f"{wait}, attempt {view.attempt + 1}.", "$warning"), "   ", keys))
    return Content("\n").join(lines)


def _attempt_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
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
    return Content("\n").join([_hop_line(name, steps, glyphs, width) for name, steps in hops.items()])


def _hop_line(name: str, steps: Sequence[PhaseEvent], glyphs: Glyphs, width: int) -> Content:
    return _row(clean_line(name), _flowing([_step(event, glyphs) for event in steps], width - _NAME_WIDTH - 2), width)


def _flowing(parts: Sequence[Content], width: int) -> Content:
    """`parts` side by side, in as many lines as they need; none is broken."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + 2 + part.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], "  ", part)
        else:
            lines.append(part)
    return Content("\n").join(lines)


def _step(event: PhaseEvent, glyphs: Glyphs) -> Content:
    word = _PHASE_WORDS.get(event.phase, event.phase.value)
    if isinstance(event, PhasePassed):
        return Content.assemble((glyphs.passed, "$success"), f" {word}")
    if isinstance(event, PhaseFailed):
        return Content.assemble((glyphs.failed, "$error"), f" {word}")
    return Content.assemble((glyphs.busy, "$warning"), f" {word}{glyphs.ellipsis}")


def _facts_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    facts, view = details.facts, details.view
    if facts is None:
        return Content("")
    way = f" {glyphs.arrow} ".join((*facts.route, view.name)) if facts.route else "direct"
    between = f" {glyphs.dot} "
    rows: list[tuple[str, str | Content]] = [
        ("who", f"{facts.user}@{facts.address}"),
        ("route", way),
        ("login", between.join(part for part in (facts.auth_method, facts.auth_detail) if part)),
        ("crypto", between.join(dict.fromkeys(_algorithm(name) for name in (facts.kex, facts.cipher)))),
        ("server", facts.server_version),
        ("host key", facts.host_key),
    ]
    if view.latencies:
        rows.append(("latency", _latency_words(view, glyphs)))
    return _table(rows, width)


def _algorithm(name: str) -> str:
    """`aes128-gcm@openssh.com` is `aes128-gcm`; the full names are in the ladder."""
    return name.partition("@")[0].removesuffix("-sha256")


def _latency_words(view: HostView, glyphs: Glyphs) -> Content:
    bars = sparkline(view.latencies, 20, glyphs)
    spread = f"{latency_text(min(view.latencies))} to {latency_text(max(view.latencies))}"
    now = f"{latency_text(view.latencies[-1])}  "
    return Content.assemble(now, (bars, "$accent"), (f"  {spread}", "$quiet"))


def _entry_block(details: HostDetails, width: int) -> Content:
    """What the book says, for what the live connection does not tell."""
    entry = details.view.entry
    rows: list[tuple[str, str | Content]] = [] if details.facts is not None else _way_there(details)
    rows += [("tags", " ".join(entry.tags)), ("note", entry.note), ("written in", entry.where)]
    return _table(rows, width)


def _way_there(details: HostDetails) -> list[tuple[str, str | Content]]:
    entry, target = details.view.entry, details.target
    if target is None:
        place = f"{entry.address}:{entry.port}" if entry.address and entry.port else entry.address
        return [("address", f"{entry.user}@{place}" if entry.user and place else place or entry.user)]
    host = target.host
    rows: list[tuple[str, str | Content]] = [("address", f"{host.user}@{host.address}:{host.port}")]
    if target.jumps:
        rows.append(("by way of", ", ".join(hop.name for hop in target.jumps)))
    return rows


def _table(rows: Sequence[tuple[str, str | Content]], width: int) -> Content:
    return Content("\n").join([_row(name, value, width) for name, value in rows if value])


def _row(name: str, value: str | Content, width: int) -> Content:
    head = Content.styled(f"{name:<{_NAME_WIDTH}}  ", "$quiet")
    return hanging(head, clean_line(value) if isinstance(value, str) else value, width)
