"""The list of transfers as lines on stdout, and what a person means by an ID. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from backend.errors import Advice, Code, ConfigError
from backend.files.queue.record import words
from backend.files.transfer import Priority, TransferRecord, TransferState
from backend.sizes import size_text


def table(records: Sequence[TransferRecord]) -> list[str]:
    """A line for each: id, state, how far, what."""
    rows = [(one.id, stand(one), how_far(one), words(one.request)) for one in records]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows]


def stand(record: TransferRecord) -> str:
    """`copying`, `waiting, high`, `interrupted, CONNECTION_LOST`, `failed, 3 items`, `copying, asked to pause`"""
    parts = [record.state.value]
    if record.state is TransferState.WAITING and record.priority is not Priority.NORMAL:
        parts.append(record.priority.name.lower())
    if record.wish is not None:
        parts.append(f"asked to {record.wish.value}")
    error = record.outcome.error if record.outcome else None
    if error is not None and error.code is Code.SOME_FAILED:
        parts.append(f"{record.progress.failed} items")
    elif error is not None and error.code is not Code.INTERRUPTED:
        parts.append(error.code.value)
    return ", ".join(parts)


def how_far(record: TransferRecord) -> str:
    """`62 % of 4.2 GB`; without a total, what has arrived."""
    progress = record.progress
    if progress.bytes_total is None:
        return size_text(progress.bytes_done) if progress.bytes_done else ""
    share = 100 * progress.bytes_done // progress.bytes_total if progress.bytes_total else 100
    return f"{min(100, share)} % of {size_text(progress.bytes_total)}"


def chosen(records: Sequence[TransferRecord], typed: Sequence[str]) -> list[TransferRecord]:
    """Those that are meant, each once. Raises ConfigError USAGE for what names none, or several."""
    return list({found.id: found for text in typed for found in (_one(records, text),)}.values())


def _one(records: Sequence[TransferRecord], text: str) -> TransferRecord:
    found = [one for one in records if one.id == text] or [one for one in records if one.id.startswith(text)]
    if len(found) == 1:
        return found[0]
    among = ", ".join(sorted(one.id for one in found))
    problem = f"{text} may be any of {among}" if found else f"no transfer {text}"
    message = f"{problem[0].upper()}{problem[1:]}." if found else f"There is no transfer {text}."
    advice = (Advice("See which there are.", "fairlead transfers list --all"),)
    raise ConfigError(Code.USAGE, message, evidence={"problem": problem}, advice=advice)
