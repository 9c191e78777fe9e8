"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from backend.patterns import pattern


def test_it_does_what_a_compiled_one_does() -> None:
    words, raw = pattern(r"(\w+)-(\d+)", re.ASCII), pattern(rb"a+")
    match = words.fullmatch("web-12")
    assert match is not None and match.groups() == ("web", "12")
    assert words.sub("x", "a-1 b-2") == "x x" and words.pattern == r"(\w+)-(\d+)"
    assert words.search("none") is None and words.fullmatch("db-3") is not None
    assert raw.findall(b"aa b a") == [b"aa", b"a"]


def test_it_is_compiled_when_it_is_used() -> None:
    broken = pattern("(")
    with pytest.raises(re.error):
        broken.search("a")
