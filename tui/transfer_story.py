"""A transfer in full: what goes where and how, where it stands, the files under way. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from textual.content import Content

from backend.files.queue.record import shown, words
from backend.files.transfer import ConflictPolicy, FileProgress, Priority, TransferRecord, TransferState
from backend.sizes import size_text
from backend.text import clean_line
from tui.detail.table import TableRow, room_in, table
from tui.format import ago_text, duration_text, left_text, moment_text, rate_text
from tui.glyphs import Glyphs
from tui.transfer_looks import how_far_words, progress_bar
from tui.widgets.file_columns import fitted

_S = TransferState
SOURCES = 5
"""Sources that are named; the others are counted."""

_MEANING = {
    _S.WAITING: "waits for its turn",
    _S.PAUSED: "paused: it goes on when it is asked to",
    _S.RECONNECTING: "the link is gone; it goes on when the host is connected again",
}
_POLICIES = {
    ConflictPolicy.OVERWRITE: "names that are taken are overwritten",
    ConflictPolicy.SKIP: "names that are taken are skipped",
    ConflictPolicy.NEWER: "what is older is overwritten",
    ConflictPolicy.RENAME: "where a name is taken, the copy gets a number",
    ConflictPolicy.ASK: "names that are taken are asked about",
}


def transfer_story(
    record: TransferRecord, files: Sequence[FileProgress], now: datetime, width: int, glyphs: Glyphs
) -> Content:
    """All that is known of `record`, but for its problems."""
    request = record.request
    names = [shown(source) for source in request.sources]
    more = f" and {len(names) - SOURCES:,} more" if len(names) > SOURCES else ""
    rows: list[TableRow] = [
        ("what", words(request) if len(names) == 1 else f"{', '.join(names[:SOURCES])}{more}"),
        ("to", "" if len(names) == 1 else shown(request.destination)),
        ("state", _state(record)),
        ("how far", how_far_words(record.progress)),
        ("rate", _rate(record)),
        ("items", _items(record)),
        ("cut off", _times(record.progress.restarts)),
        ("names", _POLICIES[request.on_conflict]),
        ("priority", "" if record.priority is Priority.NORMAL else record.priority.name.lower()),
        ("process", _process(record)),
        ("asked", f"{moment_text(record.asked, now)}, {ago_text(record.asked, now)}"),
        ("id", record.id),
    ]
    lines = [_file(file, room_in(width), glyphs) for file in files]
    under_way = [("under way" if index == 0 else "", line) for index, line in enumerate(lines)]
    return table([*rows, *under_way], width)


def _state(record: TransferRecord) -> str:
    if record.wish is not None:
        return f"{record.state.value}; asked to {record.wish.value}, not yet confirmed"
    if record.state is _S.INTERRUPTED:
        how = f"by itself when {clean_line(record.request.host)} is connected" if record.by_itself else "when asked to"
        return f"interrupted: it goes on {how}"
    return _MEANING.get(record.state, record.state.value)


def _rate(record: TransferRecord) -> str:
    progress, limit = record.progress, record.request.rate_limit
    parts = [] if progress.rate is None or record.state is not _S.COPYING else [rate_text(progress.rate)]
    if parts and progress.seconds_left is not None:
        parts.append(left_text(progress.seconds_left))
    if record.state is _S.DONE and record.outcome is not None:
        parts.append(f"took {duration_text(record.outcome.seconds)}")
    return ", ".join([*parts, f"at most {rate_text(limit)}"] if limit else parts)


def _items(record: TransferRecord) -> str:
    progress = record.progress
    total = "" if progress.files_total is None else f" of {progress.files_total:,}"
    counts = {"verified": progress.verified, "skipped": progress.skipped, "failed": progress.failed}
    return ", ".join([f"{progress.files_done:,}{total} there", *(f"{n:,} {word}" for word, n in counts.items() if n)])


def _times(count: int) -> str:
    return "" if not count else "once" if count == 1 else f"{count:,} times"


def _process(record: TransferRecord) -> str:
    return f"{record.owner.partition('-')[0]}, another one" if record.owner and not record.ours else ""


def _file(file: FileProgress, width: int, glyphs: Glyphs) -> Content:
    """`model.bin  ━━━━────  62 %  2.6 GB`"""
    share = min(1.0, file.bytes_done / file.bytes_total) if file.bytes_total else 0.0
    right = f"{int(share * 100):>3} %  {size_text(file.bytes_done)} of {size_text(file.bytes_total)}"
    bar = min(16, max(0, width - cell_len(right) - 20))
    name = fitted(clean_line(file.path), max(8, width - bar - cell_len(right) - 4), glyphs.ellipsis)
    return Content.assemble(name, "  ", progress_bar(share, bar, glyphs), "  ", right)
