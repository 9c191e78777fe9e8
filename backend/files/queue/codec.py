"""Requests, progress and outcomes of transfers as JSON texts for the store, and back.

Texts of older versions lack what is new since then: that gets its default. What is not known any more is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar

from backend.errors import Advice, Code, FairleadError
from backend.files.model import (
    Direction,
    ItemNote,
    ItemProblem,
    TransferOutcome,
    TransferProgress,
    TransferRequest,
)
from backend.files.queue.record import TransferItems

V = TypeVar("V")


def request_text(request: TransferRequest) -> str:
    return json.dumps(_plain(request))


def request_of(text: str) -> TransferRequest:
    """Raises ValueError, KeyError or TypeError for what this version cannot have written."""
    kept = json.loads(text)
    return _value(TransferRequest, {**kept, "direction": Direction(kept["direction"])})


def progress_text(progress: TransferProgress) -> str:
    return json.dumps(_plain(progress))


def progress_of(text: str) -> TransferProgress:
    return _value(TransferProgress, json.loads(text))


def outcome_text(outcome: TransferOutcome) -> str:
    """`outcome`, whose items are not listed (`without_items`), and whose progress is kept beside it."""
    kept = {
        "seconds": outcome.seconds,
        "error": _error_json(outcome.error),
        "problems": outcome.problems_dropped,
        "notes": outcome.notes_dropped,
    }
    return json.dumps(kept)


def outcome_of(text: str, progress: TransferProgress) -> TransferOutcome:
    kept = json.loads(text)
    return TransferOutcome(
        progress=progress,
        seconds=kept["seconds"],
        error=_error_of(kept["error"]),
        problems_dropped=kept["problems"],
        notes_dropped=kept["notes"],
    )


def items_text(outcome: TransferOutcome) -> str | None:
    """The items of `outcome`; None when there is none."""
    if not outcome.problems and not outcome.notes:
        return None
    problems = [{**_plain(problem), "error": _error_json(problem.error)} for problem in outcome.problems]
    return json.dumps({"problems": problems, "notes": [_plain(note) for note in outcome.notes]})


def items_of(text: str | None) -> TransferItems:
    if text is None:
        return TransferItems()
    kept = json.loads(text)
    problems = ({**one, "error": _error_of(one["error"])} for one in kept["problems"])
    return TransferItems(
        tuple(_value(ItemProblem, one) for one in problems), tuple(_value(ItemNote, one) for one in kept["notes"])
    )


def _plain(value: Any) -> dict[str, Any]:
    return {field.name: _plain_part(getattr(value, field.name)) for field in fields(value)}


def _plain_part(part: object) -> object:
    if isinstance(part, Enum):
        return part.value
    return list(part) if isinstance(part, tuple) else part


def _value(kind: type[V], kept: Mapping[str, Any]) -> V:
    """A dataclass from what is known of its fields; enumerations are recognized by their defaults."""
    known: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # all kinds here are dataclasses
        if field.name in kept:
            part = kept[field.name]
            if isinstance(field.default, Enum):
                part = type(field.default)(part)
            known[field.name] = tuple(part) if isinstance(part, list) else part
    return kind(**known)


def _error_json(error: FairleadError | None) -> dict[str, Any] | None:
    return None if error is None else error.to_json()


def _error_of(kept: Mapping[str, Any] | None) -> FairleadError | None:
    if kept is None:
        return None
    return FairleadError(
        Code(kept["code"]),
        kept["message"],
        evidence=kept["evidence"],
        host=kept["host"],
        hop=kept["hop"],
        advice=tuple(Advice(item["text"], item["command"]) for item in kept["advice"]),
    )
