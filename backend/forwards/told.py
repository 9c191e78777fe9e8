"""What is said about a connection that came to nothing: to people, and to a SOCKS client. Pure."""

from __future__ import annotations

from backend.errors import Code, FairleadError
from backend.forwards.socks import Outcome

_BY_CODE = {
    Code.FORWARD_PROHIBITED: Outcome.NOT_ALLOWED,
    Code.TCP_REFUSED: Outcome.REFUSED,
    Code.NAME_NOT_FOUND: Outcome.HOST_UNREACHABLE,
    Code.TCP_TIMEOUT: Outcome.HOST_UNREACHABLE,
}
_BY_WORDS = (
    ("refused", Outcome.REFUSED),
    ("network is unreachable", Outcome.NETWORK_UNREACHABLE),
    ("no route", Outcome.HOST_UNREACHABLE),
    ("timed out", Outcome.HOST_UNREACHABLE),
    ("no answer", Outcome.HOST_UNREACHABLE),
    ("not known", Outcome.HOST_UNREACHABLE),
    ("no address", Outcome.HOST_UNREACHABLE),
    ("name resolution", Outcome.HOST_UNREACHABLE),
)


def reason_of(error: FairleadError) -> str:
    """One phrase: for a destination that was not reached, which and why; else the error's own sentence."""
    if error.code is Code.JUMP_FAILED:
        return f"{_place(error)}: {error.evidence.get('reason', 'not reached')}"
    if error.code is Code.FORWARD_PROHIBITED:
        return f"{_place(error)}: the host does not allow it"
    return error.message


def outcome_of(error: FairleadError) -> Outcome:
    """What a SOCKS client is told."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    told = error.evidence.get("reason", "").lower()
    return next((outcome for words, outcome in _BY_WORDS if words in told), Outcome.FAILED)


def _place(error: FairleadError) -> str:
    address, port = error.evidence.get("address", "the destination"), error.evidence.get("port", "0")
    return address if port == "0" else f"{address}:{port}"
