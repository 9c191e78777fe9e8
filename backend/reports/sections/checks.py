"""What verifying a connection found, in blocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from backend.diagnostics.checks import Check, CheckStatus
from backend.reports.blocks import Block, Cause, Paragraph, Row, Section, Table, Tone, pairs

_TONES = {
    CheckStatus.PASS: Tone.GOOD,
    CheckStatus.WARN: Tone.WARN,
    CheckStatus.FAIL: Tone.BAD,
    CheckStatus.SKIP: Tone.QUIET,
}
_WORDS = {
    CheckStatus.PASS: "pass",
    CheckStatus.WARN: "warning",
    CheckStatus.FAIL: "failed",
    CheckStatus.SKIP: "skipped",
}


def checks_section(checks: Sequence[Check]) -> Section:
    """All checks, then what is not right."""
    if not checks:
        return Section("Verified", (Paragraph("Nothing could be tried: there was no connection to try it over."),))
    rows = tuple(
        Row((one.id.value, _WORDS[one.status], f"{one.ms:.0f} ms", one.summary), _TONES[one.status]) for one in checks
    )
    table = Table("What people do with a host, tried once", ("tried", "status", "time", "found"), rows, frozenset({2}))
    wrong = [one for one in checks if one.status in {CheckStatus.WARN, CheckStatus.FAIL}]
    causes: list[Block] = [_cause(one) for one in wrong]
    return Section("Verified", (table, *causes))


def worst(checks: Sequence[Check]) -> Tone:
    """The tone of the whole."""
    tones = {_TONES[one.status] for one in checks}
    return next((tone for tone in (Tone.BAD, Tone.WARN) if tone in tones), Tone.GOOD)


def _cause(check: Check) -> Cause:
    code = "" if check.code is None else f": {check.code.value}"
    return Cause(
        f"{check.id.value}{code}",
        check.summary,
        pairs(tuple(check.evidence.items())),
        check.advice,
        _TONES[check.status],
    )
