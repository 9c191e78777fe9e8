"""Text at the edge: nothing a server says moves the cursor, changes a colour or reorders a line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.text import clean_line, clean_text, show_bytes

_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(character) in {"Cc", "Cs"} or character in _BIDI for character in text)


@given(st.text(st.characters(codec=None)))
def test_clean_text_is_harmless_but_for_newlines_and_tabs(text: str) -> None:
    assert is_harmless(clean_text(text).replace("\n", "").replace("\t", ""))


@given(st.text(st.characters(codec=None)))
def test_a_clean_line_is_harmless_and_one_line(text: str) -> None:
    assert is_harmless(clean_line(text))


@given(st.binary())
def test_shown_bytes_are_harmless_and_one_line(raw: bytes) -> None:
    assert is_harmless(show_bytes(raw))
    assert "\n" not in show_bytes(raw)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_of_any_language_stays_as_it_is(text: str) -> None:
    assert clean_text(text) == clean_line(text) == show_bytes(text.encode()) == text


@given(st.text(st.characters(codec=None)))
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "caf\\xe9"),
        (b"a\nb\tc", "a\\nb\\tc"),
        (b"\x1b[31m", "\\x1b[31m"),
        (b"\x7f", "\\x7f"),
        ("\u202egnp.exe".encode(), "\ufffdgnp.exe"),
        (b"", ""),
    ],
)
def test_names_show_what_is_odd_about_them(raw: bytes, shown: str) -> None:
    assert show_bytes(raw) == shown


def test_the_eight_bit_csi_and_lone_surrogates_are_replaced() -> None:
    assert clean_text("a\x9b31mb\udc80") == "a\ufffd31mb\ufffd"
