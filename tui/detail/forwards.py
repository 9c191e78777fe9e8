"""Forwards as they are told: `L 8080→db-2:5432  1.2 MB ↓  3 conns`; in the detail, in their list, in full."""

from __future__ import annotations

from textual.content import Content

from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import ForwardKind, ForwardSpec
from backend.sizes import size_text
from backend.text import clean_line
from tui.detail.details import HostDetails
from tui.detail.table import TableRow, first_few, room_in, side_by_side, table
from tui.glyphs import Glyphs
from tui.looks import Look
from tui.widgets.explanation import explain_error
from tui.widgets.flow import broken

_SHOWN = 3
_S = ForwardState


def forward_look(state: ForwardState | None, glyphs: Glyphs) -> Look:
    """The look of a forward's state; None is one that was not started."""
    if state is None:
        return Look(glyphs.idle, "$quiet", "not open")
    return {
        _S.STARTING: Look(glyphs.busy, "$warning", "opening"),
        _S.LISTENING: Look(glyphs.ready, "$success", "open"),
        _S.WAITING: Look(glyphs.busy, "$warning", "waiting for the host"),
        _S.FAILED: Look(glyphs.failed, "$error", "failed"),
        _S.STOPPED: Look(glyphs.idle, "$quiet", "stopped"),
    }[state]


def spec_words(spec: ForwardSpec, glyphs: Glyphs, *, port: int = 0) -> str:
    """`L 8080→db-2:5432`; `port` is the one that was given where any was asked for."""
    listen = str(spec.listen)
    if port and (listen == "0" or listen.endswith(":0")):
        listen = f"{listen[:-1]}{port}"
    if spec.to is None:
        return clean_line(f"{spec.kind.value} {listen} SOCKS")
    return clean_line(f"{spec.kind.value} {listen}{glyphs.arrow}{spec.to}")


def forwards_row(details: HostDetails, glyphs: Glyphs, width: int) -> TableRow:
    """The forwards of the host; how many its entry lists where none is open."""
    if details.forwards:
        lines = [_brief(view, glyphs, width) for view in details.forwards]
        return "forwards", first_few(lines, _SHOWN, "; f shows them")
    if details.listed:
        return "forwards", Content.styled(f"{details.listed} listed, not open; f opens them", "$quiet")
    return "forwards", ""


def _brief(view: ForwardView, glyphs: Glyphs, width: int) -> Content:
    shown = forward_look(view.state, glyphs)
    name = Content.assemble((shown.glyph, shown.style), " ", spec_words(view.spec, glyphs, port=view.port))
    if view.state is not _S.LISTENING:
        words = view.reason if view.state is _S.FAILED and view.reason else shown.word
        said = Content.styled(clean_line(words), shown.style)
        return side_by_side([name, said], room_in(width))
    return side_by_side([name, Content.styled(traffic_words(view, glyphs), "$quiet")], room_in(width))


def traffic_words(view: ForwardView, glyphs: Glyphs) -> str:
    """`1.2 MB ↓  48 kB ↑  3 conns`; what went wrong is counted."""
    down, up = ("↓", "↑") if glyphs.utf8 else ("down", "up")
    parts = [f"{size_text(view.received)} {down}", f"{size_text(view.sent)} {up}"]
    if view.open:
        parts.append(f"{view.open} of {view.total} conns open")
    else:
        parts.append(f"{view.total} conn{'' if view.total == 1 else 's'}")
    if failed := view.errors + view.refused:
        parts.append(f"{failed} failed")
    return "  ".join(parts)


def forward_line(spec: ForwardSpec, view: ForwardView | None, width: int, glyphs: Glyphs) -> Content:
    """One line of the list, in `width` cells."""
    shown = forward_look(view.state if view is not None else None, glyphs)
    name = spec_words(spec, glyphs, port=view.port if view is not None else 0)
    left = Content.assemble((shown.glyph, shown.style), " ", name)
    if view is not None and view.state is _S.LISTENING:
        right = Content(traffic_words(view, glyphs))
    else:
        reason = view.reason if view is not None and view.reason else shown.word
        right = Content.styled(clean_line(reason), shown.style)
    right = right.truncate(max(8, width - min(left.cell_length, 30) - 2), ellipsis=True)
    left = left.truncate(max(8, width - right.cell_length - 2), ellipsis=True)
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def forward_story(host: str, spec: ForwardSpec, view: ForwardView | None, width: int) -> Content:
    """All about one forward: from where to where, who may use it, what went through it, what went wrong."""
    blocks = [broken(way_words(host, spec, view), width)]
    blocks += [broken(Content.styled(note, "$warning"), width) for note in notes_on(host, spec)]
    if view is not None and view.total:
        blocks.append(_counters(view, width))
    if view is not None and view.error is not None:
        blocks.append(explain_error(view.error, width))
    return Content("\n\n").join(blocks)


def way_words(host: str, spec: ForwardSpec, view: ForwardView | None) -> str:
    """Where it listens and where connections go, in a sentence."""
    places = " and ".join(view.places) if view is not None and view.places else str(spec.listen)
    if spec.kind is ForwardKind.REMOTE:
        to = (
            "to wherever clients ask for (SOCKS), from this machine"
            if spec.to is None
            else f"to {spec.to}, as this machine sees it"
        )
        return clean_line(f"{host} listens on {places} and brings connections here, {to}.")
    to = f"to wherever {host} can reach (SOCKS)" if spec.to is None else f"to {spec.to}, as {host} sees it"
    return clean_line(f"This machine listens on {places}; connections go {to}.")


def notes_on(host: str, spec: ForwardSpec) -> list[str]:
    """Who else can come in, where that is not only this machine's or the host's own programs."""
    notes = []
    if not spec.listen.is_loopback:
        remote = spec.kind is ForwardKind.REMOTE
        where = clean_line(host) if remote else "this machine"
        perhaps = ", if its GatewayPorts allows it" if remote else ""
        notes.append(f"Every machine that reaches {where} can use it{perhaps}.")
    if spec.kind is ForwardKind.REMOTE and spec.to is None:
        notes.append(f"Whoever uses it on {clean_line(host)} reaches all that this machine reaches.")
    return notes


def _counters(view: ForwardView, width: int) -> Content:
    return table(
        [
            ("received", f"{size_text(view.received)} from the host"),
            ("sent", f"{size_text(view.sent)} to the host"),
            ("conns", f"{view.open} open, {view.total} in all"),
            ("refused", f"{view.refused}: the host was away, or too many at once" if view.refused else ""),
            ("failed", str(view.errors) if view.errors else ""),
            ("the last", view.last_error),
        ],
        width,
    )
