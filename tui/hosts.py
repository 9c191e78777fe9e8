"""Hosts as the screens show them: one frozen view of each, gathered from book and sessions. Pure; nothing waits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from backend.catalogue import Code
from backend.connection.session import Session
from backend.connection.state import BUSY, CONNECTED, SessionState
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.hosts.book import HostEntry, HostSource
from tui.format import ago_text, latency_text
from tui.glyphs import Glyphs
from tui.looks import Look, look
from tui.status import latency_of

TYPED_GROUP = "typed"
_SOURCES = {HostSource.OWN: "own", HostSource.SSH_CONFIG: "~/.ssh/config", HostSource.TYPED: TYPED_GROUP}
_KEY_TROUBLE = frozenset({Code.HOST_KEY_CHANGED, Code.HOST_KEY_REVOKED})


@dataclass(frozen=True, slots=True)
class HostView:
    """One host at one moment."""

    entry: HostEntry
    state: SessionState = SessionState.IDLE
    since: datetime | None = None
    reason: str = ""
    error: FairleadError | None = None
    attempt: int = 0
    retry_in: float | None = None
    """Seconds until the next attempt, while reconnecting."""
    latency: float | None = None
    """Seconds."""
    latencies: tuple[float, ...] = ()
    used: str = ""
    """When it was used last, in words."""

    @property
    def name(self) -> str:
        return self.entry.name

    def look(self, glyphs: Glyphs) -> Look:
        """As the state looks; a host key that changed needs the person rather than another try."""
        shown = look(self.state, glyphs)
        if self.state is SessionState.FAILED and self.error is not None and self.error.code in _KEY_TROUBLE:
            return replace(shown, glyph=glyphs.attention)
        return shown

    def status(self, glyphs: Glyphs) -> str:
        """A few words for the list: latency, countdown, what is wrong, or when it was used."""
        if self.state is SessionState.IDLE:
            return self.used
        if self.state is SessionState.RECONNECTING and self.retry_in is not None:
            return f"retry in {self.retry_in:.0f} s" if self.retry_in >= 0.5 else "retrying"
        if self.state is SessionState.FAILED and self.error is not None:
            return cause_words(self.error.code)
        if self.state is SessionState.DEGRADED:
            return "answers late"
        if self.latency is not None:
            return latency_text(self.latency)
        return look(self.state, glyphs).word + (glyphs.ellipsis if self.state in BUSY else "")


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a group, above its hosts."""

    title: str
    count: int
    connected: int = 0
    folded: bool = False
    """Its hosts are not shown."""


@dataclass(frozen=True, slots=True)
class Gap:
    """An empty line above a heading, where there is room for it."""

    above: str


HostRow = Heading | HostView | Gap


def cause_words(code: Code) -> str:
    """A code as words: `TCP_REFUSED` is `tcp refused`, `HOST_KEY_CHANGED` is `key changed`."""
    return code.value.lower().replace("_", " ").removeprefix("host ")


def view_of(entry: HostEntry, session: Session | None, *, now: float, today: datetime | None = None) -> HostView:
    """`entry` with what its session says; `now` is on the clock's monotonic scale, `today` the time of day."""
    used = "" if today is None or entry.last_used is None else ago_text(entry.last_used, today)
    if session is None:
        return HostView(entry, used=used)
    change = session.last_change
    retry_at = change.retry_at if change is not None and session.state is SessionState.RECONNECTING else None
    return HostView(
        entry,
        state=session.state,
        since=change.at if change else None,
        reason=change.reason if change else "",
        error=change.error if change else None,
        attempt=change.attempt if change else 0,
        retry_in=None if retry_at is None else max(0.0, retry_at - now),
        latency=latency_of(session),
        latencies=tuple(session.latencies),
        used=used,
    )


def views(
    entries: Iterable[HostEntry],
    sessions: Mapping[str, Session],
    *,
    now: float,
    today: datetime | None = None,
    current: str | None = None,
) -> list[HostView]:
    """Every host of the book, then those that were typed and are in use or current."""
    known = list(entries)
    names = {entry.name for entry in known}
    typed = [
        HostEntry(name, HostSource.TYPED)
        for name, session in sessions.items()
        if name not in names and (name == current or session.state is not SessionState.IDLE)
    ]
    return [view_of(entry, sessions.get(entry.name), now=now, today=today) for entry in (*known, *typed)]


def group_of(view: HostView) -> str:
    """The group a host stands in: its own, or where it is written."""
    return view.entry.group or _SOURCES[view.entry.source]


def grouped(
    shown: Iterable[HostView], *, height: int, folded: Collection[str] = (), pins_apart: bool = True
) -> list[HostRow]:
    """Pinned hosts, then the others under their groups' headings; all in the order in which they come.

    There is no heading for a single group. Groups in `folded` keep only their heading. Groups stand apart by an empty
    line when all of it fits into `height` lines.
    """
    pinned, groups = _sorted_into_groups(shown, pins_apart=pins_apart)
    if len(groups) < 2:
        return [*pinned, *(view for members in groups.values() for view in members)]
    blocks: list[tuple[str, list[HostRow]]] = [("", [*pinned])] if pinned else []
    for title, members in groups.items():
        connected = sum(view.state in CONNECTED for view in members)
        heading = Heading(title, len(members), connected, folded=title in folded)
        blocks.append((title, [heading] if heading.folded else [heading, *members]))
    airy = sum(len(rows) + 1 for _, rows in blocks) - 1 <= height
    listed: list[HostRow] = []
    for title, rows in blocks:
        listed += [Gap(title)] if airy and listed else []
        listed += rows
    return listed


def _sorted_into_groups(
    shown: Iterable[HostView], *, pins_apart: bool
) -> tuple[list[HostView], dict[str, list[HostView]]]:
    pinned: list[HostView] = []
    groups: dict[str, list[HostView]] = {}
    for view in shown:
        members = pinned if pins_apart and view.entry.pinned else groups.setdefault(group_of(view), [])
        members.append(view)
    return pinned, groups


def counts_text(entries: Iterable[HostEntry]) -> str:
    """`14 hosts: 9 own, 5 ~/.ssh/config`"""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[_SOURCES[entry.source]] = counts.get(_SOURCES[entry.source], 0) + 1
    total = sum(counts.values())
    if not total:
        return "no hosts"
    what = "1 host" if total == 1 else f"{total} hosts"
    return f"{what}: " + ", ".join(f"{count} {source}" for source, count in counts.items())
