"""The troubleshooting guide says what the program says."""

from __future__ import annotations

from pathlib import Path

from backend.catalogue import CATALOGUE, Category, Code
from backend.diagnostics.handbook import render
from backend.diagnostics.rungs import RungId

GUIDE = Path(__file__).parents[3] / "docs" / "troubleshooting.md"


def test_the_committed_guide_is_up_to_date() -> None:
    assert GUIDE.read_text() == render(), "run: python -m backend.diagnostics.handbook > docs/troubleshooting.md"


def test_every_code_and_every_rung_is_in_it() -> None:
    guide = render()
    for code in Code:
        assert f"\n### {code}\n" in guide
    for rung in RungId:
        assert f"| `{rung}` |" in guide


def test_every_code_is_in_the_catalogue_with_advice() -> None:
    assert set(CATALOGUE) == set(Code)
    assert all(entry.advice for entry in CATALOGUE.values())
    assert {entry.category for entry in CATALOGUE.values()} <= set(Category)


def test_no_placeholder_is_left_as_braces() -> None:
    assert "{" not in render()
