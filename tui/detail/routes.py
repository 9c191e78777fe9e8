"""The routes of a host: which carries the connection, which lost and why; in one row, and as the whole story."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from backend.connection.race import RouteOutcome, RouteStatus
from backend.errors import FairleadError
from backend.text import clean_line
from tui.detail.details import HostDetails
from tui.detail.table import TableRow, room_in, side_by_side
from tui.format import latency_text
from tui.glyphs import Glyphs
from tui.hosts import cause_words
from tui.widgets.flow import broken, hanging

_WORDS = {
    RouteStatus.WAITING: "not tried",
    RouteStatus.TRYING: "trying",
    RouteStatus.LOST: "another one was first",
    RouteStatus.FAILED: "failed",
}


def route_name(name: str) -> str:
    """A route as it is said: `jump:bastion` is `bastion`."""
    return clean_line(name.removeprefix("jump:"))


def route_row(details: HostDetails, glyphs: Glyphs, width: int) -> TableRow:
    """`direct ✕ refused · tailscale ✕ · bastion ● 12 ms`; the way there where there is only one."""
    if len(details.routes) > 1:
        parts = [_brief(outcome, details, glyphs) for outcome in details.routes]
        return "route", side_by_side(parts, room_in(width), between=f" {glyphs.dot} ")
    if details.facts is not None:
        jumps = details.facts.route
        way = details.routes[0].way if details.routes and not jumps else "direct"
        return "route", f" {glyphs.arrow} ".join((*jumps, details.view.name)) if jumps else way
    if len(details.planned) > 1:
        return "routes", ", then ".join(route_name(name) for name in details.planned)
    return "route", ""


def _brief(outcome: RouteOutcome, details: HostDetails, glyphs: Glyphs) -> Content:
    name = route_name(outcome.route)
    glyph, style = _look(outcome.status, glyphs)
    words = ""
    if outcome.status is RouteStatus.FAILED and outcome.error is not None:
        words = cause_words(outcome.error.code).removeprefix("tcp ").removeprefix(f"{name} ")
    elif outcome.status is RouteStatus.WON and details.view.latency is not None:
        words = latency_text(details.view.latency)
    elif outcome.status is RouteStatus.LOST:
        words = "slower"
    live = outcome.status is RouteStatus.WON and details.facts is not None
    said = (f" {words}", "" if live else "$quiet")
    return Content.assemble((name, "bold" if live else ""), " ", (glyph, style), said if words else "")


def _look(status: RouteStatus, glyphs: Glyphs) -> tuple[str, str]:
    return {
        RouteStatus.WAITING: (glyphs.idle, "$quiet"),
        RouteStatus.TRYING: (glyphs.busy, "$warning"),
        RouteStatus.WON: (glyphs.ready, "$success"),
        RouteStatus.LOST: (glyphs.dash, "$quiet"),
        RouteStatus.FAILED: (glyphs.failed, "$error"),
    }[status]


def routes_story(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """What came of every route in the last attempt, and what to do about those that failed."""
    if not details.routes:
        return _before_the_first(details, width)
    blocks = [_one(outcome, details, glyphs, width) for outcome in details.routes]
    blocks.append(broken(Content.styled(_order_words(details), "$quiet"), width))
    return Content("\n\n").join(blocks)


def _before_the_first(details: HostDetails, width: int) -> Content:
    order = ", then ".join(route_name(name) for name in details.planned) or "the way that its entry names"
    words = f"Nothing has been tried yet. enter connects: {order}."
    return broken(words, width)


def _one(outcome: RouteOutcome, details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    glyph, style = _look(outcome.status, glyphs)
    live = outcome.status is RouteStatus.WON
    word = ("carries the connection" if details.facts is not None else "worked") if live else _WORDS[outcome.status]
    took = f", after {latency_text(outcome.seconds)}" if outcome.seconds is not None else ""
    way = "" if outcome.way == outcome.route else f"  {clean_line(outcome.way)}"
    head = Content.assemble((f"{glyph} ", style), (route_name(outcome.route), "bold"), (way, "$quiet"))
    said = Content.styled(f"{word}{took}", style if live else "$quiet")
    lines = [Content.assemble(head, "  ", said)]
    if outcome.error is not None:
        lines += [hanging(Content("  "), part, width) for part in _why(outcome.error, glyphs)]
    return Content("\n").join(lines)


def _why(error: FairleadError, glyphs: Glyphs) -> list[Content]:
    """A failure in short: sentence, code, and each next step."""
    lines = [Content.assemble(clean_line(error.message), (f"  {error.code.value}", "$quiet"))]
    for step in error.advice:
        command = (f"  {step.command}", "bold $accent") if step.command else ""
        lines.append(Content.assemble((f"{glyphs.arrow} ", "$accent"), clean_line(step.text), command))
    return lines


def _order_words(details: HostDetails) -> str:
    """Why they were tried in this order, and what to look at next."""
    first = route_name(details.routes[0].route)
    if len(details.routes) == 1:
        return "It has one route. More can be listed in its entry as routes; e edits it."
    why = f"{first} was tried first: {details.remembered.told(details.now)}." if details.remembered else ""
    why = why or "They were tried in the order of the entry; one that works is remembered for this network."
    failed = _first_failed(details.routes)
    look = f" One by itself: fairlead diagnose {details.view.name} --route {failed.route}" if failed else ""
    return clean_line(why + look)


def _first_failed(routes: Sequence[RouteOutcome]) -> RouteOutcome | None:
    return next((outcome for outcome in routes if outcome.status is RouteStatus.FAILED), None)
