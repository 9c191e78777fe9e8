"""The first block: the state, since when, and while the host is not there: why, until when, and which keys help."""

from __future__ import annotations

from textual.content import Content

from backend.connection.state import BUSY, CONNECTED, SessionState
from backend.errors import Code, FairleadError
from backend.text import clean_line
from tui.detail.details import HostDetails
from tui.format import ago_text, duration_text
from tui.glyphs import Glyphs
from tui.hosts import HostView
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken

ATTEMPT = BUSY - {SessionState.RECONNECTING}


def state_block(details: HostDetails, glyphs: Glyphs, width: int) -> Content:
    """State and reason."""
    view = details.view
    shown = view.look(glyphs)
    head = Content.assemble((f"{shown.glyph} {shown.word}", f"bold {shown.style}"), (_since(details), "$quiet"))
    if view.state is SessionState.FAILED and view.error is not None:
        parts = [head, _held_back(view.error, width), explain_error(view.error, width)]
        return Content("\n\n").join([part for part in parts if part.plain])
    lines = (head, _reason(view, width, shown.word), _patience(details, width), _next_step(view, width))
    return Content("\n").join([line for line in lines if line.plain])


def _since(details: HostDetails) -> str:
    view = details.view
    if view.since is None:
        return ""
    if view.state in CONNECTED:
        return f" for {duration_text((details.now - view.since).total_seconds())}"
    return f"  {ago_text(view.since, details.now)}" if view.state not in BUSY else ""


def _reason(view: HostView, width: int, state_word: str) -> Content:
    """Why it is in this state, where that is not told elsewhere."""
    told = view.state in CONNECTED or view.state in ATTEMPT  # an attempt is told step by step below
    reason = view.error.message if view.error is not None else view.reason
    if told or not reason or reason == state_word or view.state is SessionState.IDLE:
        return Content("")
    return broken(clean_line(reason), width)


def _patience(details: HostDetails, width: int) -> Content:
    """While answers are late: until when the connection is waited for."""
    if details.view.state is not SessionState.DEGRADED or details.given_up_in is None:
        return Content("")
    words = f"Without an answer it counts as lost in {details.given_up_in:.0f} s, and is made anew."
    return broken(Content.styled(words, "$warning"), width)


def _next_step(view: HostView, width: int) -> Content:
    if view.state is SessionState.IDLE:
        return Content.styled("Press enter to connect.", "$quiet")
    if view.state is SessionState.EXPIRED:
        words = "The server ended it on purpose, so it is not made anew by itself."
        return Content("\n").join([broken(Content.styled(words, "$quiet"), width), _key("enter", "connect again")])
    if view.state is SessionState.RECONNECTING and view.retry_in is not None:
        wait = f"Next try in {view.retry_in:.0f} s" if view.retry_in >= 0.5 else "Trying now"
        keys = Content.assemble(_key("r", "try now"), "   ", _key("x", "stop"))
        return Content.assemble((f"{wait}, attempt {view.attempt + 1}.", "$warning"), "   ", keys)
    return Content("")


def _held_back(error: FairleadError, width: int) -> Content:
    """What the lock-out guard holds back, and the key that lets it go."""
    if not is_held_back(error):
        return Content("")
    until = error.evidence.get("until", "")
    wait = broken(Content.styled(f"Logging in is held back until {until}. enter tries again then.", "$warning"), width)
    return Content("\n").join([wait, _key("u", "log in now all the same")])


def is_held_back(error: FairleadError | None) -> bool:
    """Whether the lock-out guard stopped the attempt."""
    return error is not None and error.code is Code.LOGIN_HELD_BACK


def _key(key: str, does: str) -> Content:
    return Content.assemble((key, "bold $accent"), f" {does}")
