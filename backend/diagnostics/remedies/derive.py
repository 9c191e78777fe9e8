"""Which remedies a failure has, from its code, its evidence and the hop it was met at. Pure: nothing is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backend.diagnostics.remedies import logging_in, reaching
from backend.diagnostics.remedies.case import Case, command_for, word
from backend.diagnostics.remedies.model import Changes, Remedy, RemedyId
from backend.errors import Advice, Code
from backend.text import clean_line

SPACE_SECONDS = 20
"""How long the list of big things may take on the host."""


def remedies_for(case: Case) -> tuple[Remedy, ...]:
    """What can be done about a failure by this program, the likeliest remedy first."""
    return tuple(remedy for kind in POSSIBLE.get(case.error.code, ()) for remedy in _MAKER_OF[kind](case))


def _space(case: Case) -> Sequence[Remedy]:
    """Only of the host's own disks: whose name the failure bears."""
    if not case.error.host:
        return ()
    host, path = clean_line(case.host), case.evidence("path")
    return [
        Remedy(
            RemedyId.SHOW_SPACE,
            case.host,
            case.host,
            "show what takes the room",
            f"Lists the biggest files and directories there, with one command on {host} that takes at most "
            f"{SPACE_SECONDS} s. Nothing is removed.",
            Changes.NOTHING,
            f"fairlead run {word(host)} -- du",
            told=Advice(
                "See what takes the room there.",
                command_for(case, RemedyId.SHOW_SPACE),
                apply=RemedyId.SHOW_SPACE.value,
            ),
            name=path,
        )
    ]


Maker = Callable[[Case], Sequence[Remedy]]
_MAKER_OF: Mapping[RemedyId, Maker] = {
    RemedyId.NEAR_NAME: reaching.near_names,
    RemedyId.DEFAULT_PORT: reaching.usual_port,
    RemedyId.ALLOW_ALGORITHM: reaching.algorithm,
    RemedyId.SHOW_HOST_KEY: reaching.host_key,
    RemedyId.FIX_MODE: logging_in.key_mode,
    RemedyId.CHOOSE_KEY: logging_in.another_key,
    RemedyId.START_AGENT: logging_in.agent,
    RemedyId.UNLOCK: logging_in.unlock,
    RemedyId.SHOW_SPACE: _space,
}
POSSIBLE: Mapping[Code, tuple[RemedyId, ...]] = {
    Code.HOST_UNKNOWN: (RemedyId.NEAR_NAME,),
    Code.NAME_NOT_FOUND: (RemedyId.NEAR_NAME,),
    Code.TCP_REFUSED: (RemedyId.DEFAULT_PORT,),
    Code.KEX_NO_MATCH: (RemedyId.ALLOW_ALGORITHM,),
    Code.HOST_KEY_UNKNOWN: (RemedyId.SHOW_HOST_KEY,),
    Code.HOST_KEY_CHANGED: (RemedyId.SHOW_HOST_KEY,),
    Code.AUTH_KEY_PERMISSIONS: (RemedyId.FIX_MODE, RemedyId.CHOOSE_KEY),
    Code.AUTH_KEY_MISSING: (RemedyId.CHOOSE_KEY,),
    Code.AUTH_KEY_UNREADABLE: (RemedyId.CHOOSE_KEY,),
    Code.AUTH_PASSPHRASE: (RemedyId.CHOOSE_KEY, RemedyId.START_AGENT),
    Code.AUTH_DENIED: (RemedyId.CHOOSE_KEY,),
    Code.AUTH_CERTIFICATE: (RemedyId.CHOOSE_KEY,),
    Code.AUTH_NO_METHOD: (RemedyId.CHOOSE_KEY, RemedyId.START_AGENT),
    Code.AUTH_TOO_MANY: (RemedyId.CHOOSE_KEY,),
    Code.LOGIN_HELD_BACK: (RemedyId.UNLOCK,),
    Code.DISK_FULL: (RemedyId.SHOW_SPACE,),
    Code.QUOTA: (RemedyId.SHOW_SPACE,),
    Code.SPACE_LOW: (RemedyId.SHOW_SPACE,),
}
"""The remedies that a failure may have, the likeliest first; which it has depends on what else is known."""
REMEDIED = frozenset(POSSIBLE)
FIRST = frozenset({RemedyId.NEAR_NAME, RemedyId.DEFAULT_PORT, RemedyId.ALLOW_ALGORITHM})
"""Remedies that are told before the catalogue's advice, because they know more than it; the others after it."""
