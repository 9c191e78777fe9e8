"""The ladder in blocks: a table of the rungs, then what is not right, each with its evidence and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from backend.diagnostics.rungs import Diagnosis, Rung, RungStatus
from backend.reports.blocks import Block, Cause, Row, Section, Table, Tone, pairs
from backend.reports.sections.doing import doable

TONES = {
    RungStatus.RUNNING: Tone.QUIET,
    RungStatus.PASS: Tone.GOOD,
    RungStatus.WARN: Tone.WARN,
    RungStatus.FAIL: Tone.BAD,
    RungStatus.SKIP: Tone.QUIET,
}
_WORDS = {
    RungStatus.RUNNING: "under way",
    RungStatus.PASS: "pass",
    RungStatus.WARN: "warning",
    RungStatus.FAIL: "failed",
    RungStatus.SKIP: "not reached",
}


def ladder_section(diagnosis: Diagnosis) -> Section:
    """The whole ladder."""
    several = len({rung.hop for rung in diagnosis.rungs}) > 1
    return Section("Ladder", tuple(_blocks(diagnosis, several=several)))


def verdict(diagnosis: Diagnosis) -> tuple[Tone, str]:
    """One sentence about the whole ladder."""
    if (broken := diagnosis.failed) is not None:
        at = f" of {broken.hop}" if broken.hop != diagnosis.host else ""
        return Tone.BAD, f"Failed at {rung_word(broken)}{at}{f': {broken.code.value}' if broken.code else ''}."
    warnings = sum(rung.status is RungStatus.WARN for rung in diagnosis.rungs)
    if warnings:
        return Tone.WARN, f"Works, with {warnings} warning{'' if warnings == 1 else 's'}."
    if not any(rung.status is RungStatus.PASS for rung in diagnosis.rungs):
        return Tone.QUIET, "Nothing was found out: the climb was stopped."
    return Tone.GOOD, "All is well."


def rung_word(rung: Rung) -> str:
    """The rung's name as it is read."""
    return rung.id.value.replace("_", " ")


def _blocks(diagnosis: Diagnosis, *, several: bool) -> Iterator[Block]:
    headings = ("rung", *(("machine",) if several else ()), "status", "time", "found")
    rows = tuple(_row(rung, several=several) for rung in diagnosis.rungs)
    yield Table("Each step of one real connection, in order", headings, rows, frozenset({len(headings) - 2}))
    for rung in diagnosis.rungs:
        if rung.status in {RungStatus.FAIL, RungStatus.WARN}:
            yield _cause(rung, several=several)


def _row(rung: Rung, *, several: bool) -> Row:
    ms = "" if rung.ms is None else f"{rung.ms:.0f} ms"
    status = _WORDS[rung.status]
    found = "" if rung.summary == status else rung.summary
    return Row((rung_word(rung), *((rung.hop,) if several else ()), status, ms, found), TONES[rung.status])


def _cause(rung: Rung, *, several: bool) -> Cause:
    title = f"{rung_word(rung)}{f' of {rung.hop}' if several else ''}{f': {rung.code.value}' if rung.code else ''}"
    text = rung.summary if rung.error is None else rung.error.message
    return Cause(
        title, text, pairs(tuple(rung.evidence.items())), doable(rung.advice, rung.remedies), TONES[rung.status]
    )
