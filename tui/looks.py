"""How states look: a sign, a colour and a word for each. Colour never carries the meaning alone."""

from __future__ import annotations

from backend.connection.state import SessionState
from backend.dataclass import dataclass
from tui.glyphs import Glyphs


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown."""

    glyph: str
    style: str
    """A Textual style with theme variables."""
    word: str


_S = SessionState


def look(state: SessionState, glyphs: Glyphs) -> Look:
    """The look of a session's state."""
    return {
        _S.IDLE: Look(glyphs.idle, "$quiet", "not connected"),
        _S.RESOLVING: Look(glyphs.busy, "$warning", "looking up"),
        _S.CONNECTING: Look(glyphs.busy, "$warning", "connecting"),
        _S.VERIFYING: Look(glyphs.busy, "$warning", "checking key"),
        _S.AUTHENTICATING: Look(glyphs.busy, "$warning", "logging in"),
        _S.READY: Look(glyphs.ready, "$success", "ready"),
        _S.DEGRADED: Look(glyphs.degraded, "$warning", "answers late"),
        _S.RECONNECTING: Look(glyphs.busy, "$warning", "reconnecting"),
        _S.FAILED: Look(glyphs.failed, "$error", "failed"),
        _S.EXPIRED: Look(glyphs.attention, "$warning", "ended by host"),
        _S.CLOSING: Look(glyphs.busy, "$quiet", "closing"),
        _S.CLOSED: Look(glyphs.idle, "$quiet", "disconnected"),
    }[state]
