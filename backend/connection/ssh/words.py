"""What an error says, and at which hop it was: for all of this package, before asyncssh is loaded as well."""

from __future__ import annotations

from types import MappingProxyType

from backend.connection.target import Hop
from backend.errors import FairleadError
from backend.text import clean_line

MOST_REASON = 300
"""Characters that are kept of it."""


def reason(error: BaseException | None, otherwise: str = "the connection was closed") -> str:
    """What the error says, on one clean line."""
    if error is None:
        return otherwise
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
    return clean_line(str(text))[:MOST_REASON] or otherwise


def at_hop(error: FairleadError, hop: Hop, target: str) -> FairleadError:
    """`error` located at `hop` on the way to `target`; for `raise`.

    Where a jump host itself is at fault, it is the machine that the sentence is about.
    """
    if error.hop is None and hop.name != target:
        error.evidence = MappingProxyType({**error.evidence, "host": hop.name})
    error.host = target
    return error.located(host=target, hop=hop.name)
