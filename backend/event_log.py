"""What happens on the bus, in the log: one record for each event, with field names that stay.

A record's message is the event's kind (`session_changed`), its fields are the event's own, flattened; `docs/logs.md`
lists them. It costs nothing until a log is wanted: nobody listens then. Answers to prompts are in no event.
"""

from __future__ import annotations

import dataclasses
import logging
import re
from datetime import datetime
from enum import Enum
from typing import Any

from backend.connection.connector import PhaseFailed, PhasePassed
from backend.connection.session import LatencyMeasured, PhaseSeen
from backend.errors import FairleadError
from backend.events import Event, EventBus

log = logging.getLogger("fairlead.events")

FREQUENT = frozenset({"CommandOutput", "TerminalOutput", "TransferProgressed", "ForwardCounted", "HealthChanged"})
"""Hints to redraw; what they are about is told by other events."""
_DETAILS = frozenset({"DeepChecked"})
"""Seen all the time; what matters in them is told by other events."""
_RENAMED = {"name": "name_", "message": "message_", "args": "args_", "module": "module_", "level": "level_"}
"""Field names that a log record has for itself (`logging.LogRecord`, and ours)."""
_MOST_ITEMS = 20
_DEEPEST = 2


def log_events(bus: EventBus) -> None:
    """Write every event of `bus` to the log from now on, where somebody wants one."""
    if log.isEnabledFor(logging.INFO):
        bus.subscribe(Event, write_event)


def write_event(event: Event) -> None:
    """One record. Measurements and the beginnings of phases are DEBUG, all else INFO."""
    kind = type(event).__name__
    if kind not in FREQUENT:
        level = logging.DEBUG if is_detail(event) else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s", kind_of(kind), extra=fields_of(event))


def kind_of(class_name: str) -> str:
    """`SessionChanged` as it stands in the log: `session_changed`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


def fields_of(event: Event) -> dict[str, Any]:
    """The event's fields for a record: plain values, lists and objects of them. The record's own time is `at`."""
    if isinstance(event, PhaseSeen):
        return {"host": event.host, **_phase_fields(event)}
    return {
        _RENAMED.get(field.name, field.name): value
        for field in dataclasses.fields(event)
        if field.name != "at" and (value := plain(getattr(event, field.name))) is not None
    }


def _phase_fields(event: PhaseSeen) -> dict[str, Any]:
    phase = event.phase
    fields: dict[str, Any] = {"hop": phase.hop.name, "phase": phase.phase.value, "outcome": "started"}
    if event.route:
        fields["route"] = event.route
    if isinstance(phase, PhasePassed):
        return {**fields, "outcome": "passed", "seconds": round(phase.seconds, 6), "evidence": dict(phase.evidence)}
    if isinstance(phase, PhaseFailed):
        return {**fields, "outcome": "failed", "seconds": round(phase.seconds, 6), "error": plain(phase.error)}
    return fields


def plain(value: object, depth: int = 0) -> Any:
    """`value` as JSON has it: an error as its code, sentence and hop, a moment as ISO 8601, an enum as its value.

    Bytes, and collections inside values, are left out (None): a person's commands and files are not the log's business.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return round(value, 6)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, FairleadError):
        return {"code": value.code.value, "message": value.message, "hop": value.hop}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple) and depth == 0:
        return [plain(item, 1) for item in value[:_MOST_ITEMS]]
    if dataclasses.is_dataclass(value) and depth < _DEEPEST:
        named = {field.name: plain(getattr(value, field.name), depth + 1) for field in dataclasses.fields(value)}
        return {name: item for name, item in named.items() if item is not None}
    return None


def is_detail(event: Event) -> bool:
    """Whether it is of interest only to who looks closely: measurements, and the beginnings of phases."""
    if type(event).__name__ in _DETAILS:
        return True
    started = isinstance(event, PhaseSeen) and not isinstance(event.phase, PhasePassed | PhaseFailed)
    return started or isinstance(event, LatencyMeasured)
