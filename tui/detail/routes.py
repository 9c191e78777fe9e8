"""The routes of a host: which carries the connection, which lost and why; in one row, and as the whole story."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content

from backend.connection.connector import Phase
from backend.connection.outcomes import RouteOutcome, RouteStatus, most_telling
from backend.errors import FairleadError
from backend.text import clean_line
from tui.detail.attempt import phase_words
from tui.detail.details import HostDetails
from tui.detail.table import TableRow, room_in, side_by_side
from tui.format import duration_text, latency_text
from tui.glyphs import Glyphs
from tui.hosts import cause_words
from tui.widgets.flow import broken, hanging

_WORDS = {RouteStatus.LOST: "another one was first", RouteStatus.FAILED: "failed"}


def route_name(name: str) -> str:
    """A route as it is said: `jump:bastion` is `bastion`."""
    return clean_line(name.removeprefix("jump:"))


def is_running(routes: Sequence[RouteOutcome]) -> bool:
    """Whether the routes are being tried now."""
    return any(outcome.status is RouteStatus.TRYING for outcome in routes)


def leading(routes: Sequence[RouteOutcome]) -> str | None:
    """Of several routes the one that an attempt is told by, hop by hop: the one that has come furthest, and where all
    have failed, the one that tells most. None where there is one only."""
    if len(routes) < 2:
        return None
    trying = [outcome for outcome in routes if outcome.status in {RouteStatus.TRYING, RouteStatus.WON}]
    if trying:
        return max(trying, key=_progress).route
    failures = [(outcome.route, outcome.error) for outcome in routes if outcome.error is not None]
    return most_telling(failures)[0] if failures else None


def _progress(outcome: RouteOutcome) -> int:
    if outcome.status is RouteStatus.WON:
        return len(Phase)
    return -1 if outcome.phase is None else list(Phase).index(outcome.phase)


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
        words = "slower" if not outcome.note else "not needed"
    elif outcome.phase is not None:
        words = f"{phase_words(outcome.phase)}{glyphs.ellipsis}"
    elif (seconds := _starts_in(outcome, details)) is not None:
        words = f"in {seconds} s"
    live = outcome.status is RouteStatus.WON and details.facts is not None
    said = (f" {words}", "" if live else "$quiet")
    return Content.assemble((name, "bold" if live else ""), " ", (glyph, style), said if words else "")


def _starts_in(outcome: RouteOutcome, details: HostDetails) -> int | None:
    """Whole seconds until it is started."""
    return None if outcome.starts_at is None else max(0, math.ceil(outcome.starts_at - details.moment))


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
    way = "" if outcome.way == outcome.route else f"  {clean_line(outcome.way)}"
    head = Content.assemble((route_name(outcome.route), "bold"), (way, "$quiet"))
    trying = outcome.status is RouteStatus.TRYING
    said = Content.styled(_standing(outcome, details, glyphs), style if live or trying else "$quiet")
    lines = [hanging(Content.styled(f"{glyph} ", style), Content.assemble(head, "  ", said), width)]
    if outcome.error is not None:
        why = _why(outcome.error, glyphs)  # what to do about it is told when the race is over
        lines += [hanging(Content("  "), part, width) for part in (why[:1] if is_running(details.routes) else why)]
    return Content("\n").join(lines)


def _standing(outcome: RouteOutcome, details: HostDetails, glyphs: Glyphs) -> str:
    """How it stands with a route, in words."""
    took = f", after {latency_text(outcome.seconds)}" if outcome.seconds is not None else ""
    if outcome.note:
        return clean_line(outcome.note)
    match outcome.status:
        case RouteStatus.WON:
            return ("carries the connection" if details.facts is not None else "worked") + took
        case RouteStatus.TRYING:
            return _under_way(outcome, details, glyphs)
        case RouteStatus.WAITING:
            return _in_line(outcome, details)
        case _:
            return _WORDS[outcome.status] + took


def _under_way(outcome: RouteOutcome, details: HostDetails, glyphs: Glyphs) -> str:
    """`login at bastion… for 3.1 s`"""
    begun = "" if outcome.began is None else f" for {duration_text(details.moment - outcome.began)}"
    of = f" at {outcome.hop}" if outcome.hop and outcome.hop != details.view.name else ""
    phase = "begun" if outcome.phase is None else phase_words(outcome.phase)
    return clean_line(f"{phase}{of}{glyphs.ellipsis}{begun}")


def _in_line(outcome: RouteOutcome, details: HostDetails) -> str:
    if (seconds := _starts_in(outcome, details)) is not None:
        return f"starts in {seconds} s, or as soon as one before it has failed"
    return "waits" if is_running(details.routes) else "not tried"


def _why(error: FairleadError, glyphs: Glyphs) -> list[Content]:
    """A failure in short: sentence, code, and each next step."""
    lines = [Content.assemble(clean_line(error.message), (f"  {error.code.value}", "$quiet"))]
    for step in error.advice:
        command = (f"  {step.command}", "bold $accent") if step.command else ""
        lines.append(Content.assemble((f"{glyphs.arrow} ", "$accent"), clean_line(step.text), command))
    return lines


def _order_words(details: HostDetails) -> str:
    """Why they were tried in this order, and what to look at next."""
    if is_running(details.routes):
        return "The first one that logs in is taken, the others are closed."
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
