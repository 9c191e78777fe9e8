"""Rows of text as lines with columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cli.listing import cells_of


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, two spaces between columns. Cells are cleaned text; all rows have as many."""
    widths = [max(map(cells_of, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - cells_of(cell))
