"""The server's side of a refused login as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.diagnostics.server_side.findings import Finding, NotSeen, ServerSide
from backend.errors import Advice
from backend.text import clean_line
from cli.fitting import fitted

_QUIET = frozenset({"log", "user", "address"})
"""Of a finding's evidence what is told elsewhere."""


def story_lines(story: ServerSide | NotSeen, *, width: int | None, verbose: bool) -> list[str]:
    """What was found, most likely cause first; then what the log has, and what was not seen."""
    if isinstance(story, NotSeen):
        head = _row(f"inside, as {story.by}: not seen. {story.error.message}", "", width)
        return [*head, *_steps(story.error.advice, width)]
    lines = _row(f"inside, as {story.by} (there {story.seen_as}):", "", width)
    for one in story.findings:
        lines += _finding_lines(one, width, verbose=verbose)
    if not story.findings:
        lines += _row(story.sentence, "  ", width)
    lines += _part("doubtful", [story.doubt] if story.doubt else [], width)
    lines += _part("log", story.log, width)
    lines += _part("in order", story.fine, width)
    return lines + _part("not seen", story.unseen, width)


def _finding_lines(one: Finding, width: int | None, *, verbose: bool) -> list[str]:
    sure = ", as its log says" if one.logged else ""
    lines = _row(f"{one.cause}{sure}: {one.sentence}", "  ✕ ", width)
    if verbose:
        for name, value in one.evidence.items():
            if name not in _QUIET:
                lines += _row(f"{name}: {value}", " " * 6, width)
    return lines + _steps(one.advice, width)


def _steps(advice: Sequence[Advice], width: int | None) -> list[str]:
    lines: list[str] = []
    for item in advice:
        lines += _row(item.text, "    - ", width)
        lines += [f"        {clean_line(item.command)}"] if item.command else []
    return lines


def _part(title: str, items: Iterable[str], width: int | None) -> list[str]:
    rows = [row for item in items for row in _row(item, "      ", width)]
    return [f"    {title}:", *rows] if rows else []


def _row(words: str, first: str, width: int | None) -> list[str]:
    return [line.rstrip() for line in fitted(clean_line(words), width, first=first)]
