"""How a command on many hosts reads: a host to choose, a host at work, hosts whose output is the same. Pure."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from backend.commands.many.grouping import Alike
from backend.commands.many.picking import fold
from backend.commands.many.run import GroupRun, HostRun
from backend.commands.many.values import Counts, HostState
from backend.dataclass import dataclass
from backend.errors import FairleadError
from backend.hosts.entries import HostEntry
from backend.text import clean_line, show_bytes
from tui.command_looks import bolt
from tui.detail.table import table
from tui.format import duration_text
from tui.glyphs import Glyphs
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken

Told = Callable[[FairleadError, str], FairleadError]

_SHOWN_LINES = 40
"""Lines of output below the list; the whole of it is in the output view."""
_SHOWN_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class HostChoice:
    """A host that may be chosen."""

    entry: HostEntry
    chosen: bool


@dataclass(frozen=True, slots=True)
class AtWork:
    """A host of a run."""

    run: HostRun


@dataclass(frozen=True, slots=True)
class Same:
    """Hosts whose output is the same."""

    alike: Alike
    largest: bool


Row = HostChoice | AtWork | Same


def key_of(row: Row) -> str:
    """What stays the same when a row changes."""
    match row:
        case HostChoice():
            return f"choice {row.entry.name}"
        case AtWork():
            return f"host {row.run.host}"
        case Same():
            return f"same {row.alike.hosts[0]}"


def draw(row: Row, width: int, glyphs: Glyphs) -> Content:
    """A row in `width` cells."""
    match row:
        case HostChoice():
            return _choice(row)
        case AtWork():
            return _at_work(row.run, width, glyphs)
        case Same():
            return _same(row.alike, width, glyphs)


def _choice(row: HostChoice) -> Content:
    entry = row.entry
    about = "  ".join(part for part in (entry.group, " ".join(entry.tags), entry.note) if part)
    production = ("  production", "$warning") if entry.production else ""
    mark = ("[x] ", "$accent") if row.chosen else ("[ ] ", "$quiet")
    name = f"{clean_line(entry.name):<20}"
    return Content.assemble(mark, name, production, (f"  {clean_line(about)}", "$quiet"))


def _at_work(host: HostRun, width: int, glyphs: Glyphs) -> Content:
    glyph, style = end_look(host.state, host.end, glyphs, succeeded=host.succeeded)
    seconds = duration_text(host.outcome.seconds) if host.outcome is not None else ""
    right = Content.assemble((host.end, style), (f"  {seconds:>8}" if seconds else "", "$quiet"))
    first = _first_line(host.kept.of_out(200))
    left = Content.assemble((glyph, style), f" {clean_line(host.host):<20}", (f"  {first}" if first else "", "$quiet"))
    left = left.truncate(max(8, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def _same(alike: Alike, width: int, glyphs: Glyphs) -> Content:
    glyph, style = _ended_look(alike.end, glyphs, succeeded=alike.succeeded)
    right = Content.styled(alike.end, style)
    said = _first_line(alike.out or alike.err)
    left = Content.assemble(
        (glyph, style),
        (f" {hosts_text(len(alike.hosts)):<11}", "bold"),
        (f"{said}  " if said else "", ""),
        (clean_line(fold(alike.hosts)), "$quiet"),
    ).truncate(max(8, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def _first_line(said: bytes) -> str:
    return show_bytes(said[:200].lstrip().partition(b"\n")[0])


def hosts_text(count: int) -> str:
    """`1 host`, `97 hosts`"""
    return f"{count:,} host{'' if count == 1 else 's'}"


def end_look(state: HostState, end: str, glyphs: Glyphs, *, succeeded: bool) -> tuple[str, str]:
    """Sign and colour of a host of a run."""
    match state:
        case HostState.WAITING | HostState.NOT_RUN:
            return glyphs.idle, "$quiet"
        case HostState.CONNECTING | HostState.STOPPING:
            return glyphs.busy, "$warning"
        case HostState.RUNNING:
            return glyphs.ready, "$accent"
        case HostState.UNKNOWN:
            return "?", "$warning"
        case _:
            return _ended_look(end, glyphs, succeeded=succeeded)


def _ended_look(end: str, glyphs: Glyphs, *, succeeded: bool) -> tuple[str, str]:
    if succeeded:
        return glyphs.passed, "$success"
    if end.startswith("unknown"):
        return "?", "$warning"
    if end == HostState.NOT_RUN:
        return glyphs.idle, "$quiet"
    return (bolt(glyphs) if end.startswith("SIG") else glyphs.failed), "$error"


def counts_text(counts: Counts, glyphs: Glyphs) -> str:
    """`12 of 100 over · 8 at work · 2 failed`"""
    parts = [f"{counts.over:,} of {counts.hosts:,} over"]
    parts += [f"{counts.under_way:,} at work"] if counts.under_way else []
    parts += [f"{counts.failed:,} failed"] if counts.failed else []
    parts += [f"{counts.not_run:,} not run"] if counts.not_run else []
    return f" {glyphs.dot} ".join(parts)


# --- below the list ------------------------------------------------------------------------------------------------


def story(row: Row, width: int, told: Told) -> Content:
    """All about one row; `told` is a failure at a host with all that is known of it."""
    match row:
        case HostChoice():
            return _about(row.entry, width)
        case AtWork():
            return _told(row.run, width, told)
        case Same():
            return _alike_told(row.alike, width, told)


def _about(entry: HostEntry, width: int) -> Content:
    where = f"{entry.user}@{entry.address}" if entry.user and entry.address else entry.address
    words = [("address", where), ("group", entry.group), ("tags", ", ".join(entry.tags)), ("note", entry.note)]
    return Content("\n").join([Content.styled(clean_line(entry.name), "bold"), table(words, width)])


def _told(host: HostRun, width: int, told: Told) -> Content:
    parts = [] if host.error is None else [explain_error(told(host.error, host.host), width)]
    said = _output(host.kept.of_out(_SHOWN_BYTES), host.kept.of_err(_SHOWN_BYTES))
    return Content("\n\n").join(
        [*parts, *([said] if said.plain else [])] or [Content.styled("Nothing was said.", "$quiet")]
    )


def _alike_told(alike: Alike, width: int, told: Told) -> Content:
    parts = [broken(Content.styled(clean_line(fold(alike.hosts)), "$accent"), width)]
    if alike.error is not None:
        parts.append(explain_error(told(alike.error, alike.hosts[0]), width))
    said = _output(alike.out[:_SHOWN_BYTES], alike.err[:_SHOWN_BYTES])
    return Content("\n").join([*parts, said] if said.plain else parts)


def _output(out: bytes, err: bytes) -> Content:
    lines = [Content(show_bytes(line)) for line in out.splitlines()[:_SHOWN_LINES]]
    lines += [Content.styled(show_bytes(line), "$error") for line in err.splitlines()[:_SHOWN_LINES]]
    return Content("\n").join(lines)


def run_heading(run: GroupRun) -> str:
    """`hosts: uname -r`"""
    return f"{hosts_text(len(run.hosts))}: {show_bytes(run.spec.command.command)}"
