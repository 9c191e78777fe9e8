"""A report as a document of blocks: which sections there are, in what order, and the verdict over all. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from backend.clock import iso
from backend.diagnostics.checks import CheckStatus
from backend.diagnostics.slowness.table import limit_word
from backend.health.deep.values import Level
from backend.reports.blocks import Cause, Document, Section, Tone, pairs
from backend.reports.model import Report
from backend.reports.sections.checks import checks_section, worst
from backend.reports.sections.deep import LEVELS, deep_section
from backend.reports.sections.health import health_section
from backend.reports.sections.ladder import ladder_section, verdict
from backend.reports.sections.server_side import server_side_section
from backend.reports.sections.slow import slow_section
from backend.reports.sections.trends import trends_section


def document_of(report: Report) -> Document:
    """Everything that `report` tells, in reading order."""
    tone, sentence = _verdict(report)
    return Document(report.host, tone, sentence, tuple(_facts(report)), tuple(_sections(report)))


def _verdict(report: Report) -> tuple[Tone, str]:
    """A ladder that fails says it all; over one that does not, everything else counts."""
    if report.diagnosis is None:
        return Tone.QUIET, "Nothing was tried now."
    tone, sentence = verdict(report.diagnosis)
    concerns = tuple(_concerns(report))
    if not concerns or tone not in {Tone.GOOD, Tone.WARN}:
        return tone, sentence
    more = len(concerns) - _MOST_CONCERNS
    told = "; ".join(words for _, words in concerns[:_MOST_CONCERNS]) + (f"; and {more} more" if more > 0 else "")
    return max([tone, *(one for one, _ in concerns)], key=_GRAVITY.index), f"It connects. Look at: {told}."


def _concerns(report: Report) -> Iterator[tuple[Tone, str]]:
    """What is not right besides the ladder, in a few words each."""
    for check in report.checks or ():
        if check.status in {CheckStatus.WARN, CheckStatus.FAIL}:
            yield worst((check,)), check.id.value
    if report.slow is not None and report.slow.limit is not None:
        yield Tone.WARN, f"slow, {limit_word(report.slow.limit.kind)}"
    for reading in report.deep.concerns if report.deep is not None else ():
        yield LEVELS[reading.level], reading.name
    for trend in report.trends or ():
        if trend.level in {Level.WARN, Level.CRITICAL}:
            yield LEVELS[trend.level], trend.short or trend.metric


_MOST_CONCERNS = 4
_GRAVITY = (Tone.GOOD, Tone.QUIET, Tone.WARN, Tone.BAD)


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    yield "made", iso(report.made_at)
    yield "by", f"fairlead {report.program.version}"
    if report.program.platform:
        yield "on", f"{report.program.platform}, Python {report.program.python}"


def _sections(report: Report) -> Iterator[Section]:
    if report.problem is not None:
        failure = report.problem
        cause = Cause(
            failure.code.value, failure.message, pairs(tuple(failure.evidence.items())), failure.advice, Tone.BAD
        )
        yield Section("Not complete", (cause,))
    if report.diagnosis is not None:
        yield ladder_section(report.diagnosis)
    if report.server_side is not None:
        yield server_side_section(report.server_side)
    if report.checks is not None:
        yield checks_section(report.checks)
    if report.slow is not None:
        yield slow_section(report.slow)
    if report.deep is not None:
        yield deep_section(report.deep)
    if report.trends is not None:
        yield trends_section(report.trends, report.courses)
    if report.health is not None:
        yield health_section(report.health)
