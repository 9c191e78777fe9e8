"""A document as Markdown (GitHub's dialect, https://github.github.com/gfm/). Pure.

Every text is escaped so that it shows as it is: no emphasis, link, image, mention, HTML or heading comes from a host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from backend.errors import Advice
from backend.reports.blocks import SIGNS, Block, Cause, Document, Facts, Paragraph, Plot, Row, Steps, Table
from backend.reports.plot import figures
from backend.text import clean_line

_SPECIAL = re.compile(r"[\\`*\[\]<>&|~$@]|(?<![^\W_])_|_(?![^\W_])")
_AUTOLINK = re.compile(r"(?i)(?:(?<=mailto)|(?<=xmpp)|(?=://)):|(?<=www)\.")
_AT_THE_START = re.compile(r"^(?:\d{1,9}(?=[.)](?:\s|$))|(?=[#+=-]+(?:\s|$)))")
"""What would begin a heading, a list or a line under a heading."""


def markdown(document: Document) -> str:
    """The whole document."""
    lines = [f"# {escaped(document.title)}: {escaped(document.verdict)}", "", *_facts(document.facts)]
    for section in document.sections:
        lines += ["", f"## {escaped(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """`text` on one line, showing as it is."""
    line = _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(clean_line(text).split()))
    line = _AUTOLINK.sub(lambda found: f"\\{found[0]}", line)
    return _AT_THE_START.sub(lambda found: f"{found[0]}\\", line)


def code(text: str) -> str:
    """`text` on one line as code; `|` stays escaped, as tables want it."""
    line = " ".join(clean_line(text).split())
    if not line:
        return ""
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _block(block: Block) -> Iterable[str]:
    match block:
        case Paragraph():
            return [escaped(block.text)]
        case Facts():
            return _facts(block.pairs)
        case Table():
            return _table(block)
        case Steps():
            return _steps(block.items)
        case Cause():
            return _cause(block)
        case Plot():
            return [f"{escaped(block.caption)}:", "", *_facts(figures(block))]


def _facts(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in pairs:
        yield f"- {escaped(name)}: {code(value)}" if value else f"- {escaped(name)}:"


def _table(table: Table) -> Iterator[str]:
    yield f"{escaped(table.caption)}:"
    yield ""
    signed = any(row.tone is not None for row in table.rows)
    headings = (*(("",) if signed else ()), *table.headings)
    yield _line([escaped(heading) for heading in headings])
    numeric = {column + signed for column in table.numeric}
    yield _line(["--:" if column in numeric else "---" for column in range(len(headings))])
    for row in table.rows:
        yield _line([*([SIGNS[row.tone] if row.tone else ""] if signed else []), *_cells(row)])


def _cells(row: Row) -> Iterator[str]:
    return (escaped(cell) for cell in row.cells)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cause(cause: Cause) -> Iterator[str]:
    yield f"### {SIGNS[cause.tone]} {escaped(cause.title)}"
    yield ""
    yield escaped(cause.text)
    if cause.evidence:
        yield ""
        yield from _facts(cause.evidence)
    if cause.steps:
        yield ""
        yield "What to do:"
        yield ""
        yield from _steps(cause.steps)


def _steps(steps: Iterable[Advice]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        yield f"{number}. {escaped(step.text)}{f' {code(step.command)}' if step.command else ''}"
