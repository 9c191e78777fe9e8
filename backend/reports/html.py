"""A document as one HTML file that stands alone: no script, nothing fetched, light and dark, printable. Pure.

Every text is escaped; a policy in the page forbids what should not be there anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from backend.errors import Advice
from backend.reports.blocks import (
    SIGNS,
    Block,
    Cause,
    Document,
    Facts,
    Paragraph,
    Plot,
    Row,
    Section,
    Steps,
    Table,
    Tone,
)
from backend.reports.page_style import STYLE
from backend.reports.plot import figures, svg
from backend.text import clean_line

_NARROW = 3
"""Columns from which on a table is folded on a narrow screen. It stays a table for those who hear it: it has roles."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(document: Document) -> str:
    """The whole page."""
    return "\n".join(_page(document)) + "\n"


def _page(document: Document) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{_text(document.title)}: {_text(document.verdict)}</title>"
    yield f"<style>{STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield "<header>"
    yield f"<h1>{_text(document.title)}</h1>"
    yield f'<p class="verdict {document.tone}">{_sign(document.tone)} {_text(document.verdict)}</p>'
    yield from _facts(document.facts)
    yield "</header>"
    yield "<main>"
    for number, section in enumerate(document.sections):
        yield from _section(section, f"part-{number}")
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _section(section: Section, name: str) -> Iterator[str]:
    yield f'<section aria-labelledby="{name}">'
    yield f'<h2 id="{name}">{_text(section.title)}</h2>'
    for block in section.blocks:
        yield from _block(block)
    yield "</section>"


def _block(block: Block) -> Iterable[str]:
    match block:
        case Paragraph():
            return [f"<p>{_text(block.text)}</p>"]
        case Facts():
            return _facts(block.pairs)
        case Table():
            return _table(block)
        case Steps():
            return _steps(block.items)
        case Cause():
            return _cause(block)
        case Plot():
            return _plot(block)


def _text(text: str) -> str:
    return escape(clean_line(text))


def _sign(tone: Tone) -> str:
    return f'<span class="sign" aria-hidden="true">{SIGNS[tone]}</span>'


def _facts(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "<dl>"
    for name, value in pairs:
        yield f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>"
    yield "</dl>"


def _table(table: Table) -> Iterator[str]:
    yield '<div class="scroll" tabindex="0" role="group" aria-label="table">'
    wide = ' class="wide"' if len(table.headings) > _NARROW else ""
    yield f'<table role="table"{wide}><caption>{_text(table.caption)}</caption>'
    heads = "".join(
        f'<th scope="col" role="columnheader"{_numeric(column, table)}>{_text(heading)}</th>'
        for column, heading in enumerate(table.headings)
    )
    yield f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>'
    yield '<tbody role="rowgroup">'
    for row in table.rows:
        yield _row(row, table)
    yield "</tbody></table></div>"


def _row(row: Row, table: Table) -> str:
    sign = "" if row.tone is None else f"{_sign(row.tone)} "
    first, *rest = row.cells
    cells = [f'<th scope="row" role="rowheader">{sign}{_text(first)}</th>']
    cells += [f'<td role="cell"{_numeric(column, table)}>{_text(cell)}</td>' for column, cell in enumerate(rest, 1)]
    tone = "" if row.tone is None else f' class="{row.tone}"'
    return f'<tr role="row"{tone}>{"".join(cells)}</tr>'


def _numeric(column: int, table: Table) -> str:
    return ' class="number"' if column in table.numeric else ""


def _cause(cause: Cause) -> Iterator[str]:
    yield f'<article class="cause {cause.tone}">'
    yield f"<h3>{_sign(cause.tone)} {_text(cause.title)}</h3>"
    yield f"<p>{_text(cause.text)}</p>"
    if cause.evidence:
        yield from _facts(cause.evidence)
    if cause.steps:
        yield "<h4>What to do</h4>"
        yield from _steps(cause.steps)
    yield "</article>"


def _steps(steps: Iterable[Advice]) -> Iterator[str]:
    yield "<ol>"
    for step in steps:
        command = f"<pre><code>{_text(step.command)}</code></pre>" if step.command else ""
        yield f"<li>{_text(step.text)}{command}</li>"
    yield "</ol>"


def _plot(plot: Plot) -> Iterator[str]:
    yield f"<figure><figcaption>{_text(plot.caption)}</figcaption>"
    yield svg(plot)
    yield from _facts(figures(plot))
    yield "</figure>"
