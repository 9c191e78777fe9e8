"""Why a machine refuses a login, as it says itself, in blocks: causes, log, what is in order, what was not seen."""

from __future__ import annotations

from collections.abc import Iterator

from backend.diagnostics.server_side.findings import Finding, NotSeen, ServerSide
from backend.reports.blocks import Block, Cause, Facts, Paragraph, Row, Section, Table, Tone, pairs

TITLE = "The server's side"
_QUIET = frozenset({"log", "user", "address"})
"""Of a finding's evidence what is told elsewhere."""


def server_side_section(story: ServerSide | NotSeen) -> Section:
    """The whole story."""
    return Section(TITLE, (_not_seen(story),) if isinstance(story, NotSeen) else tuple(_blocks(story)))


def _not_seen(story: NotSeen) -> Cause:
    error = story.error
    evidence = (("looked at as", story.by), *pairs(tuple(error.evidence.items())))
    return Cause(f"not seen: {error.code.value}", error.message, evidence, error.advice, Tone.QUIET)


def _blocks(story: ServerSide) -> Iterator[Block]:
    yield Facts((("looked at as", story.by), ("there", story.seen_as), ("login of", story.user)))
    if story.doubt:
        yield Paragraph(f"Doubtful: {story.doubt}")
    told = "What is to be done is done on that machine, by who may." if story.findings else story.sentence
    yield Paragraph(told)
    for one in story.findings:
        yield _cause(one)
    for caption, lines in (
        ("Its log about this login, oldest first", story.log),
        ("In order", story.fine),
        ("Not seen, so that a cause may hide there", story.unseen),
    ):
        if lines:
            yield Table(caption, ("what",), tuple(Row((line,)) for line in lines))


def _cause(one: Finding) -> Cause:
    told = tuple((name, value) for name, value in one.evidence.items() if name not in _QUIET)
    sure = ("certain", "yes, its log says so of this login" if one.logged else "no, but likely")
    return Cause(one.cause.value, one.sentence, (sure, *pairs(told)), one.advice, Tone.BAD)
