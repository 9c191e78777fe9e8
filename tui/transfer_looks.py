"""How a transfer reads in one line: what goes where, how far it is, how it ended. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence

from rich.cells import cell_len
from textual.content import Content

from backend.dataclass import dataclass
from backend.files.model import Lane
from backend.files.paths import name_of, to_bytes
from backend.files.queue.rules import ENDED, MOVING
from backend.files.transfer import (
    Direction,
    TransferOutcome,
    TransferProgress,
    TransferRecord,
    TransferRequest,
    TransferState,
)
from backend.sizes import size_text
from backend.stall import STANDS_STILL
from backend.text import clean_line, show_bytes
from tui.file_words import short_path
from tui.format import duration_text, left_text, rate_text
from tui.glyphs import Glyphs
from tui.widgets.file_columns import fitted

_WORDS = {
    TransferState.WAITING: "waiting",
    TransferState.SCANNING: "reading the tree",
    TransferState.PAUSED: "paused",
    TransferState.RECONNECTING: "waiting for the link",
    TransferState.INTERRUPTED: "interrupted",
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
    transfer: TransferRecord, glyphs: Glyphs, width: int, *, home: str = "", still: float = 0.0, stopping: bool = False
) -> Content:
    """One transfer in `width` cells; what lies in `home` on this machine is written with `~`.

    `still` is for how many seconds nothing has moved; `stopping` that it was told to stop and has not ended yet.
    """
    if transfer.outcome is not None and transfer.state in ENDED:
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
    own = min(cell_len(name), max(18, width * 2 // 5))
    right = right.truncate(max(12, width - own - cell_len(mark) - 2), ellipsis=True)
    room = width - right.cell_length - cell_len(mark) - 2
    return Content.assemble((mark, style), fitted(name, max(8, room)), "  ", right)


def subject(request: TransferRequest, glyphs: Glyphs, *, home: str = "") -> str:
    """`model.bin → web-1:/srv/app`"""
    first = show_bytes(name_of(to_bytes(request.sources[0])))
    what = f"{first} and {len(request.sources) - 1} more" if len(request.sources) > 1 else first
    goal = to_bytes(request.destination).rstrip(b"/") or b"/"
    if request.direction is Direction.GET:
        return f"{what} {glyphs.arrow} {short_path(goal, to_bytes(home))}"
    what = f"{request.host}:{what}" if request.direction is Direction.BETWEEN else what
    return f"{what} {glyphs.arrow} {request.to_host or request.host}:{show_bytes(goal)}"


def _arrow(request: TransferRequest, glyphs: Glyphs) -> str:
    return glyphs.down if request.direction is Direction.GET else glyphs.up


def _moving(transfer: TransferRecord, glyphs: Glyphs, width: int, still: float) -> Content:
    progress, state = transfer.progress, transfer.state
    parts = [part for part in (*_parts(progress, state, still), *_elsewhere(transfer, glyphs)) if part.text]
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
    rate, left = (progress.rate, progress.seconds_left) if state in MOVING and not stands else (None, None)
    return [
        _Part(f"{int(share * 100):>3} %" if share is not None else "", "bold", 0),
        _Part(f"no progress for {duration_text(still)}" if stands else _WORDS.get(state, ""), "$warning", 1),
        _Part(_amount(progress) if progress.bytes_done or share is not None else "", "", 3),
        _Part(_files(progress), "$quiet", 5),
        _Part(rate_text(rate) if rate else "", "$quiet", 4),
        _Part(left_text(left) if left is not None else "", "", 2),
        _Part(f"{progress.failed:,} failed" if progress.failed else "", "$error", 1),
        _Part(f"resumed ×{progress.restarts}" if progress.restarts else "", "$warning", 6),
        _Part(str(progress.lane) if progress.lane is Lane.ARCHIVE else "", "$quiet", 7),
    ]


def _elsewhere(transfer: TransferRecord, glyphs: Glyphs) -> list[_Part]:
    """What another process has to do with it, or a person has asked of that."""
    asked = "" if transfer.wish is None else f"asked to {transfer.wish.value}{glyphs.ellipsis}"
    process = "" if transfer.owner is None or transfer.ours else f"process {transfer.owner.partition('-')[0]}"
    return [_Part(asked, "$warning", 1), _Part(process, "$quiet", 7)]


def how_far_words(progress: TransferProgress) -> str:
    """`62 %, 2.6 of 4.2 GB`; without a total what has arrived, and that nobody knows of how much."""
    share = fraction(progress)
    if share is None:
        unknown = "" if progress.bytes_total is not None else " of nobody knows how much yet"
        return f"{size_text(progress.bytes_done)}{unknown}"
    return f"{int(share * 100)} %, {_amount(progress)}"


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
    if notes := len(outcome.notes) + outcome.notes_dropped:
        words.append(f"{notes:,} note{'' if notes == 1 else 's'}")
    if progress.restarts:
        words.append(f"resumed ×{progress.restarts}")
    files = f"{progress.files_done:,} files, " if progress.files_done > 1 else ""
    words.append(f"{files}{size_text(progress.bytes_done)} in {duration_text(outcome.seconds)}")
    return words


def panel_footer(transfers: Sequence[TransferRecord], standing: Container[str] = ()) -> str:
    """`2 running · 1 waiting · 48.2 MB/s`; those whose ids are in `standing` have no rate now."""
    states = Counter(t.state for t in transfers)
    running = [t for t in transfers if t.state in MOVING]
    named = ("waiting", "paused", "interrupted", "failed")
    counts = {"running": len(running), **{name: states[TransferState(name)] for name in named}}
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    rate = sum(t.progress.rate or 0.0 for t in running if t.id not in standing)
    return " · ".join([*parts, rate_text(rate)] if rate else parts)


def cut_off_words(records: Sequence[TransferRecord]) -> str:
    """What was cut off the last time, and when it goes on."""
    count, hosts = len(records), list(dict.fromkeys(clean_line(record.request.host) for record in records))
    what = "1 transfer was cut off; it goes on" if count == 1 else f"{count:,} transfers were cut off; they go on"
    where = f"{' or '.join(hosts)} is" if len(hosts) < 4 else "their hosts are"
    return f"{what} as soon as {where} connected."
