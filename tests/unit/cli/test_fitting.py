"""Sentences in the width of a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.fitting import fitted


def test_a_sentence_is_broken_between_words_and_hangs_under_its_beginning() -> None:
    assert fitted("ask the administrator first", 16, first="  - ") == ["  - ask the", "    administrator", "    first"]


def test_what_fits_and_what_has_no_width_is_left_alone() -> None:
    assert fitted("two  words", 20, first="- ") == ["- two  words"]
    assert fitted("a" * 200, None) == ["a" * 200]


def test_a_long_word_stays_whole_so_that_it_can_be_copied() -> None:
    assert fitted(f"shows SHA256:{'x' * 43} now", 30) == ["shows", f"SHA256:{'x' * 43}", "now"]


@given(st.text(alphabet="ab -/é", max_size=80), st.integers(5, 40))
def test_no_word_is_lost(text: str, width: int) -> None:
    assert " ".join(fitted(text, width, first="> ", rest="  ")).split()[1:] == text.split()
