"""How a transfer reads in one line: what goes where, how far it is, how it ended. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from backend.files.paths import name_of, to_bytes
from backend.files.transfer import (
    Direction,
    Transfer,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
    TransferState,
)
from backend.stall import STANDS_STILL
from backend.text import show_bytes
from tui.file_words import short_path
from tui.format import duration_text, left_text, rate_text, size_text
from tui.glyphs import Glyphs
from tui.widgets.file_columns import fitted

MOVING = frozenset({TransferState.WAITING, TransferState.SCANNING, TransferState.COPYING, TransferState.RECONNECTING})
_WORDS = {
    TransferState.WAITING: "waiting",
    TransferState.SCANNING: "reading the tree",
    TransferState.PAUSED: "paused",
    TransferState.RECONNECTING: "waiting for the link",
}
_MIN_BAR = 8
_MAX_BAR = 30


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    style: str = ""
    need: int = 0
    """The smaller, the longer it stays when there is little room."""


def transfer_line(
    transfer: Transfer, glyphs: Glyphs, width: int, *, home: str = "", still: float = 0.0, stopping: bool = False
) -> Content:
    """One transfer in `width` cells; what lies in `home` on this machine is written with `~`.

    `still` is for how many seconds nothing has moved; `stopping` that it was told to stop and has not ended yet.
    """
    if transfer.outcome is not None:
        glyph, style, words = _ended(transfer.outcome, transfer.state, glyphs)
    else:
        glyph, style, words = _arrow(transfer.request, glyphs), "$accent", ""
    name = subject(transfer.request, glyphs, home=home)
    if words:
        return _two_columns(f"{glyph} ", style, name, Content.styled(words, "$quiet"), width)
    name_width = min(max(cell_len(name), 12), max(16, width * 2 // 5))
    head = Content.assemble((f"{glyph} ", style), fitted(name, name_width, glyphs.ellipsis), "  ")
    if stopping:
        return Content.assemble(head, (f"stopping{glyphs.ellipsis}", "$warning"))
    return Content.assemble(head, _moving(transfer, glyphs, width - head.cell_length, still))


def _two_columns(mark: str, style: str, name: str, right: Content, width: int) -> Content:
    right = right.truncate(max(12, width - 22), ellipsis=True)
    room = width - right.cell_length - cell_len(mark) - 2
    return Content.assemble((mark, style), fitted(name, max(8, room)), "  ", right)


def subject(request: TransferRequest, glyphs: Glyphs, *, home: str = "") -> str:
    """`model.bin → web-1:/srv/app`"""
    first = show_bytes(name_of(to_bytes(request.sources[0])))
    what = f"{first} and {len(request.sources) - 1} more" if len(request.sources) > 1 else first
    goal = to_bytes(request.destination).rstrip(b"/") or b"/"
    if request.direction is Direction.PUT:
        return f"{what} {glyphs.arrow} {request.host}:{show_bytes(goal)}"
    return f"{what} {glyphs.arrow} {short_path(goal, to_bytes(home))}"


def _arrow(request: TransferRequest, glyphs: Glyphs) -> str:
    return glyphs.up if request.direction is Direction.PUT else glyphs.down


def _moving(transfer: Transfer, glyphs: Glyphs, width: int, still: float) -> Content:
    progress, state = transfer.progress, transfer.state
    parts = [part for part in _parts(progress, state, still) if part.text]
    share = _known_share(progress, state)
    bar = _MIN_BAR + 2 if share is not None else 0
    while parts and sum(cell_len(part.text) + 2 for part in parts) + bar > width:
        parts.remove(max(parts, key=lambda part: part.need))
    room = width - sum(cell_len(part.text) + 2 for part in parts)
    shown = [Content.styled(part.text, part.style) for part in parts]
    if share is not None and room >= _MIN_BAR:
        shown.insert(0, progress_bar(share, min(_MAX_BAR, room - 1), glyphs, paused=state is not TransferState.COPYING))
    return Content("  ").join(shown)


def _parts(progress: TransferProgress, state: TransferState, still: float) -> list[_Part]:
    share = _known_share(progress, state)
    stands = state is TransferState.COPYING and still >= STANDS_STILL
    rate, left = (None, None) if stands else (progress.rate, progress.seconds_left)
    return [
        _Part(f"{int(share * 100):>3} %" if share is not None else "", "bold", 0),
        _Part(f"no progress for {duration_text(still)}" if stands else _WORDS.get(state, ""), "$warning", 1),
        _Part(_amount(progress) if progress.bytes_done or share is not None else "", "", 3),
        _Part(_files(progress), "$quiet", 5),
        _Part(rate_text(rate) if rate else "", "$quiet", 4),
        _Part(left_text(left) if left is not None else "", "", 2),
        _Part(f"{progress.failed:,} failed" if progress.failed else "", "$error", 1),
        _Part(f"resumed ×{progress.restarts}" if progress.restarts else "", "$warning", 6),
    ]


def _known_share(progress: TransferProgress, state: TransferState) -> float | None:
    """None also while the link is awaited and what is kept has not been counted yet: that is not nothing."""
    return None if state is TransferState.RECONNECTING and not progress.bytes_done else fraction(progress)


def fraction(progress: TransferProgress) -> float | None:
    """How much of the content is there; None while nobody knows how much there is."""
    if not progress.bytes_total:
        return None
    return min(1.0, progress.bytes_done / progress.bytes_total)


def _amount(progress: TransferProgress) -> str:
    if progress.bytes_total is None:
        return size_text(progress.bytes_done) if progress.bytes_done else ""
    done, total = size_text(progress.bytes_done), size_text(progress.bytes_total)
    same_unit = done.partition(" ")[2] == total.partition(" ")[2]
    return f"{done.partition(' ')[0] if same_unit else done} of {total}"


def _files(progress: TransferProgress) -> str:
    if progress.files_total is None or progress.files_total < 2:
        return ""
    return f"{progress.files_done:,}/{progress.files_total:,} files"


def progress_bar(share: float, width: int, glyphs: Glyphs, *, paused: bool = False) -> Content:
    """`━━━━━━━────`"""
    done = int(share * width)
    style = "$warning" if paused else "$accent"
    return Content.assemble((glyphs.bar_done * done, style), (glyphs.bar_left * (width - done), "$border-blurred"))


def _ended(outcome: TransferOutcome, state: TransferState, glyphs: Glyphs) -> tuple[str, str, str]:
    progress = outcome.progress
    if state is TransferState.CANCELLED:
        kept = f"; {size_text(progress.bytes_done)} kept for the next time" if progress.bytes_done else ""
        return glyphs.idle, "$warning", f"cancelled{kept}"
    if outcome.error is not None:
        return glyphs.failed, "$error", f"{outcome.error.code.value}: {outcome.error.message}"
    return glyphs.passed, "$success", f" {glyphs.dot} ".join(_done_words(outcome))


def _done_words(outcome: TransferOutcome) -> list[str]:
    progress = outcome.progress
    words = []
    if progress.verified:
        words.append("verified SHA-256")
    if progress.skipped:
        words.append(f"{progress.skipped:,} skipped")
    if progress.resumed_bytes:
        words.append(f"{size_text(progress.resumed_bytes)} was there")
    if outcome.notes:
        words.append(f"{len(outcome.notes):,} note{'' if len(outcome.notes) == 1 else 's'}")
    if progress.restarts:
        words.append(f"resumed ×{progress.restarts}")
    files = f"{progress.files_done:,} files, " if progress.files_done > 1 else ""
    words.append(f"{files}{size_text(progress.bytes_done)} in {duration_text(outcome.seconds)}")
    return words


def panel_footer(transfers: list[Transfer], standing: Container[str] = ()) -> str:
    """`2 running · 1 waiting · 48.2 MB/s`; those whose ids are in `standing` have no rate now."""
    running = [t for t in transfers if t.state in MOVING and t.state is not TransferState.WAITING]
    counts = {
        "running": len(running),
        "waiting": sum(t.state is TransferState.WAITING for t in transfers),
        "paused": sum(t.state is TransferState.PAUSED for t in transfers),
        "failed": sum(t.state is TransferState.FAILED for t in transfers),
    }
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    rate = sum(t.progress.rate or 0.0 for t in running if t.id not in standing)
    return " · ".join([*parts, rate_text(rate)] if rate else parts)
