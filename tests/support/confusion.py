"""The confusion table: what each host of the fault table has, and what was diagnosed; printed at the end of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

CONFUSION = "confusion"
"""The name under which a test records a row: the host's name, what it has, what was found."""


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines for people: the diagonal counted by code, and each row beside it with both its entries."""
    right: dict[str, int] = {}
    wrong: list[str] = []
    for name, has, found in rows:
        if has == found:
            right[has] = right.get(has, 0) + 1
        else:
            wrong.append(f"{name}: has {has}, found {found}")
    width = max(map(len, right), default=0)
    lines = [f"{has:<{width}}  {count}" for has, count in sorted(right.items())]
    beside = [f"beside the diagonal: {len(wrong)}", *sorted(wrong)]
    return [*lines, f"on the diagonal: {sum(right.values())}", *beside]
