"""Styles are parsed once each, and say the same as Textual's own way of reading them again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.parse import parse
from textual.css.stylesheet import Stylesheet, StylesheetParseError

from tui.styles import KeptStyles


def sheets() -> tuple[KeptStyles, Stylesheet]:
    made = KeptStyles(variables={"mine": "red"}), Stylesheet(variables={"mine": "red"})
    for sheet in made:
        for number in range(80):
            sheet.add_source(f"#one{number} {{ color: $mine; }}", ("file", str(number)))
        sheet.parse()
    return made


def told(sheet: Stylesheet) -> list[str]:
    return [rule.css for rule in sheet.rules]


def test_only_what_is_new_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = sheets()
    parsed: list[str] = []

    def seen(scope: str, css: str, *given: Any, **more: Any) -> Iterable[RuleSet]:
        parsed.append(css)
        return parse(scope, css, *given, **more)

    monkeypatch.setattr("textual.css.stylesheet.parse", seen)
    ours.add_source("#new { color: blue; }", ("file", "new"))
    ours.reparse()
    assert parsed == ["#new { color: blue; }"]
    theirs.add_source("#new { color: blue; }", ("file", "new"))
    theirs.reparse()
    assert told(ours) == told(theirs)


def test_other_variables_are_heeded() -> None:
    ours, theirs = sheets()
    for sheet in (ours, theirs):
        sheet.set_variables({"mine": "green"})
        sheet.reparse()
    assert told(ours) == told(theirs)
    assert "green" in told(ours)[0] or "#008000" in told(ours)[0]


def test_what_cannot_be_parsed_changes_nothing() -> None:
    ours, _ = sheets()
    before = told(ours)
    ours.add_source("#bad { colour: nothing; }", ("file", "bad"))
    with pytest.raises(StylesheetParseError):
        ours.reparse()
    assert ours._rules and [rule.css for rule in ours._rules] == before
