"""What a host said of itself, in blocks: readings as sentences, the worst first, and what could not be read. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from backend.clock import iso
from backend.health.deep.values import DeepCheck, Level, Reading, severity
from backend.reports.blocks import Block, Facts, Row, Section, Table, Tone

LEVELS = {Level.OK: Tone.GOOD, Level.WARN: Tone.WARN, Level.CRITICAL: Tone.BAD, Level.UNKNOWN: Tone.QUIET}


def deep_section(check: DeepCheck) -> Section:
    """The whole check."""
    return Section("Inside the host", tuple(_blocks(check)))


def _blocks(check: DeepCheck) -> Iterator[Block]:
    yield Facts(tuple(_facts(check)))
    told = [one for one in check.readings if not (one.is_optional and one.level is Level.UNKNOWN)]
    rows = tuple(_row(one) for one in sorted(told, key=lambda one: -severity(one.level)))
    yield Table("What was read in one look, judged by the limits in the settings", ("reading", "level", "found"), rows)
    if check.problems:
        rows = tuple(Row((problem,), Tone.QUIET) for problem in check.problems)
        yield Table("What could not be read as it should", ("problem",), rows)


def _facts(check: DeepCheck) -> Iterator[tuple[str, str]]:
    yield "looked into", f"{iso(check.at)}, in {check.seconds:.1f} s"
    yield "level", check.level.value
    if check.system:
        yield "system", check.system
    if check.rebooted:
        yield "restarted", "since the look before this one"
    if check.failed_units:
        yield "failed units", ", ".join(check.failed_units)


def _row(one: Reading) -> Row:
    return Row((one.name, one.level.value, one.text), LEVELS[one.level])
