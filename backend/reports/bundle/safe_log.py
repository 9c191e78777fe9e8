"""Records of the log for a bundle: what happened, when, to which host, with which code; no free text. Pure.

A log may hold what a library writes about itself, commands included. Of every record only fields of a list go in; of
a record that is not one of our events, where it comes from and, for a fault, the places in the program.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MOST_RECORDS = 2000
_EVENTS = "fairlead.events"
_TEXTS = frozenset(
    """at level host hop phase outcome route old new kind state code category result direction status way address
    family banner kex cipher mac algorithm fingerprint method known through looked_up_by offered tried user""".split()  # noqa: SIM905
)
_TABLES = frozenset({"evidence", "error", "outcomes", "outcome", "view"})
_KIND = re.compile(r"[a-z_]{1,60}")
_CODE = re.compile(r"[A-Z][A-Z_]{2,40}(?=:)")
_FRAME = re.compile(r'\s*File "[^"]*?([^/"]+/[^/"]+)", line (\d+), in ([\w<>]+)')
_FAULT = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Lost|Interrupted|Refused|Exit))\b", re.MULTILINE)


def safe_records(lines: Iterable[str], left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    """The records of a log file; what is no record of ours is counted."""
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            yield safe_record(record, left_out)
        elif line.strip():
            left_out["line that is no record"] += 1


def safe_record(record: Mapping[str, Any], left_out: Counter[str]) -> dict[str, Any]:
    """One record with what may be told of it."""
    logger, message = str(record.get("logger", "")), str(record.get("message", ""))
    told: dict[str, Any] = {"logger": logger} if re.fullmatch(r"[\w.]{1,80}", logger) else {}
    if logger == _EVENTS and _KIND.fullmatch(message):
        return {**told, "message": message, **_fields(record, left_out, but={"logger", "message"})}
    told |= _fields({name: record[name] for name in ("at", "level") if name in record}, left_out)
    if found := _CODE.match(message):
        told["code"] = found[0]
    elif message:
        left_out["log message"] += 1
    if trace := record.get("exception"):
        told["exception"] = _places(str(trace))
    return told


def _fields(fields: Mapping[str, Any], left_out: Counter[str], *, but: Iterable[str] = ()) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in fields.items():
        if name in but:
            continue
        if value is None or isinstance(value, bool | int | float):
            told[name] = value
        elif isinstance(value, Mapping) and name in _TABLES:
            told[name] = _fields(value, left_out)
        elif isinstance(value, list) and name in _TABLES:
            told[name] = [_fields(item, left_out) for item in value if isinstance(item, Mapping)]
        elif isinstance(value, str) and name in _TEXTS:
            told[name] = value
        else:
            left_out["field of a log record"] += 1
    return told


def _places(trace: str) -> list[str]:
    """Kinds of faults and places in the code: `backend/x.py:12 in run`; never what a fault says."""
    frames = filter(None, map(_FRAME.match, trace.splitlines()))
    return [*(f"{found[1]}:{found[2]} in {found[3]}" for found in frames), *_FAULT.findall(trace)]
