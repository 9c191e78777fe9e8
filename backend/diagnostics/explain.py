"""From a failure to what a person can do about it: the catalogue's advice, refined by what is known on this machine.

Each refinement looks at one thing (the names in the host book, the state of a key file, the algorithms offered) and
adds evidence, or advice; what the program can do by itself comes from `backend.diagnostics.remedies`. `explain` says
what the failure itself tells, `explain_around` what the ladder says; `explain_anywhere` says the same about a failure
that was met elsewhere, and where to look further.
"""

from __future__ import annotations

import asyncio
import difflib
import shlex
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from backend.connection.host_keys import shorten
from backend.connection.outcomes import RoutesFailed, most_telling
from backend.connection.target import Hop, Target
from backend.dataclass import dataclass
from backend.diagnostics.places import is_worth_a_climb
from backend.diagnostics.remedies.case import Case
from backend.diagnostics.remedies.derive import FIRST, REMEDIED, remedies_for
from backend.diagnostics.remedies.entries import own_entry
from backend.diagnostics.remedies.legacy import kind_of, offered
from backend.diagnostics.remedies.model import Remedy, RemedyId
from backend.errors import Advice, Code, FairleadError, LinkLost
from backend.hosts.book import HostBook
from backend.text import clean_line

if TYPE_CHECKING:
    from backend.diagnostics.circumstances import Known

_NEAR = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about a failure, and what to do, most likely remedy first."""

    evidence: Mapping[str, str]
    advice: tuple[Advice, ...]
    remedies: tuple[Remedy, ...] = ()
    """What of the advice this program can do by itself; such advice says so (`Advice.apply`)."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """What one look added."""

    evidence: Mapping[str, str] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()


async def explain(error: FairleadError, *, host: str, hop: Hop | None, book: HostBook) -> Explanation:
    """The evidence and advice for `error`, which happened on the way to `host` at `hop` (None: before any hop)."""
    told = _most_telling(error)
    near = await _near_names(told, host, book) if told.code in _MISSPELT else ()
    case = Case(told, host, hop, near, None if hop is None else own_entry(book, hop.name))
    refine = _REFINEMENTS.get(told.code)
    added = Refinement() if refine is None else await refine(case)
    remedies = remedies_for(case)
    return Explanation({**added.evidence, **error.evidence}, _told(remedies, added.advice, error.advice), remedies)


async def explain_around(
    error: FairleadError,
    *,
    host: str,
    hop: Hop | None,
    book: HostBook,
    known: Callable[[], Known] | None,
    addresses: tuple[str, ...] = (),
) -> Explanation:
    """As `explain`, with what this machine knows besides (`circumstances`). `addresses`: those of the hop, as
    `10.0.4.7:22`, where they were looked up. A connection that was lost in use was no refused one: of that nothing
    more is known."""
    explanation, told = await explain(error, host=host, hop=hop, book=book), _most_telling(error)
    if hop is None or known is None or isinstance(told, LinkLost):
        return explanation
    from backend.diagnostics.circumstances import Failure, circumstances

    around = await circumstances(Failure(told, hop, host, addresses), known())
    return Explanation(
        {**explanation.evidence, **around.evidence}, (*around.advice, *explanation.advice), explanation.remedies
    )


async def explain_anywhere(
    error: FairleadError,
    *,
    host: str | None,
    book: HostBook,
    targets: Sequence[Target] = (),
    known: Callable[[], Known] | None = None,
) -> Explanation:
    """As `explain_around`, of a failure that was met outside the ladder, with the ladder among its advice where that
    tells more. `targets` are those of the host where they are known; else the book is asked for them.

    `host` is the host as the person calls it; None where the failure concerns none.
    """
    if host is None:
        return Explanation(error.evidence, error.advice)
    if not targets and _is_about_a_hop(_most_telling(error).code):
        with suppress(FairleadError):
            targets = await book.routes(host)
    hop = _hop_at_fault(error, host, targets)
    addresses = _given_addresses(hop, targets)
    explanation = await explain_around(error, host=host, hop=hop, book=book, known=known, addresses=addresses)
    return _pointing_at_the_ladder(explanation, error, host)


def _is_about_a_hop(code: Code) -> bool:
    """Of such more is known where the hop is: asking the book for it may mean to run ssh."""
    from backend.diagnostics.circumstances import TELLING

    return code in REMEDIED or code in _REFINEMENTS or code in TELLING


def _given_addresses(hop: Hop | None, targets: Sequence[Target]) -> tuple[str, ...]:
    """The address of a machine that is reached from here, where it is a number: nothing is looked up."""
    if hop is None or not any(target.hops[0] == hop for target in targets):
        return ()
    try:
        ip_address(hop.address.partition("%")[0])
    except ValueError:
        return ()
    return (f"[{hop.address}]:{hop.port}" if ":" in hop.address else f"{hop.address}:{hop.port}",)


def _hop_at_fault(error: FairleadError, host: str, targets: Sequence[Target]) -> Hop | None:
    hops = [hop for target in targets for hop in target.hops]
    return next((hop for hop in hops if hop.name == (error.hop or host)), targets[0].host if targets else None)


def _pointing_at_the_ladder(explanation: Explanation, error: FairleadError, host: str) -> Explanation:
    command = f"fairlead diagnose {shlex.quote(clean_line(host))}"
    named = any((advice.command or "").startswith(command) for advice in explanation.advice)
    mistyped = any(remedy.id is RemedyId.NEAR_NAME for remedy in explanation.remedies)
    if named or mistyped or not is_worth_a_climb(_most_telling(error)):
        return explanation
    further = Advice("See step by step where it fails, and why.", command)
    return Explanation(explanation.evidence, (*explanation.advice, further), explanation.remedies)


def _most_telling(error: FairleadError) -> FairleadError:
    """Of several routes that failed, the failure that helps most."""
    return most_telling(error.failures)[1] if isinstance(error, RoutesFailed) and error.failures else error


def _told(remedies: Sequence[Remedy], added: Sequence[Advice], usual: Sequence[Advice]) -> tuple[Advice, ...]:
    """All advice in order. What the catalogue says of a remedy already is told once, in its place."""
    by_text = {remedy.told.text: remedy for remedy in remedies}
    left = [remedy for remedy in remedies if remedy.told.text not in {advice.text for advice in usual}]
    usual = [by_text[advice.text].told if advice.text in by_text else advice for advice in usual]
    before = [remedy.told for remedy in left if remedy.id in FIRST]
    after = [remedy.told for remedy in left if remedy.id not in FIRST]
    return (*before, *added, *usual, *after)


# --- what is looked at -----------------------------------------------------------------------------------------------

_MISSPELT = frozenset({Code.HOST_UNKNOWN, Code.NAME_NOT_FOUND})


async def _near_names(error: FairleadError, host: str, book: HostBook) -> tuple[str, ...]:
    """Hosts whose name or address is spelt much like what was asked for."""
    try:
        entries = await book.list()
    except FairleadError:
        return ()
    asked = {host, error.evidence.get("address", host)}
    names = {spelling: entry.name for entry in entries for spelling in (entry.name, entry.address) if spelling}
    near = [match for word in sorted(asked) for match in difflib.get_close_matches(word, names, _NEAR)]
    told = " ".join(advice.text for advice in error.advice).split()
    return tuple(name for name in dict.fromkeys(names[match] for match in near) if name != host and name not in told)


async def _key_file(case: Case) -> Refinement:
    """The state of the key file that is at fault."""
    path = case.evidence("path")
    return Refinement() if not path else Refinement({"file": await asyncio.to_thread(_describe, Path(path))})


async def _keys_at_hand(case: Case) -> Refinement:
    """Which keys there were to try, and whether an agent is there."""
    if case.hop is None:
        return Refinement()
    files = case.hop.identity_files
    described = await asyncio.to_thread(lambda: [f"{shorten(path)} ({_describe(path)})" for path in files])
    agent = case.hop.agent_socket
    return Refinement({"keys": clean_line(", ".join(described)) or "none", "agent": str(agent) if agent else "none"})


async def _legacy_algorithm(case: Case) -> Refinement:
    """The line that allows the server's own algorithm for ssh as well, for those who must."""
    kind, names = kind_of(case.evidence("kind")), offered(case.evidence("server"))
    if kind is None or not names:
        return Refinement()
    allowed = next((remedy.name for remedy in remedies_for(case)), None)
    when = "If the device cannot be updated" if allowed is None else "For ssh as well"
    line = f"{kind.keyword} +{allowed or names[0]}"
    return Refinement(advice=(Advice(f"{when}, add to its entry in ~/.ssh/config: {line}"),))


_REFINEMENTS: dict[Code, Callable[[Case], Awaitable[Refinement]]] = {
    Code.KEX_NO_MATCH: _legacy_algorithm,
    Code.AUTH_DENIED: _keys_at_hand,
    Code.AUTH_NO_METHOD: _keys_at_hand,
    Code.AUTH_KEY_PERMISSIONS: _key_file,
    Code.AUTH_KEY_UNREADABLE: _key_file,
}


def _describe(path: Path) -> str:
    """A file's kind, mode, owner and size, in a few words."""
    try:
        found = path.expanduser().stat()
    except OSError as error:
        return (error.strerror or "cannot be looked at").lower()
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file"
    return f"mode {stat.S_IMODE(found.st_mode):04o}, owner {found.st_uid}, {found.st_size} bytes"
