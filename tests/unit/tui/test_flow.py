"""Text laid out for the width at hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from backend.errors import Advice, Code
from tui.widgets.explanation import explain
from tui.widgets.flow import hanging


def test_further_lines_hang_under_the_first() -> None:
    text = hanging(Content("note  "), "behind bastion; a full disk to find", 24).plain
    assert text.splitlines() == ["note  behind bastion; a", "      full disk to find"]


def test_lines_of_the_value_stay_lines() -> None:
    assert hanging(Content("a "), "one\ntwo", 40).plain == "a one\n  two"


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=200))
def test_nothing_is_lost_when_lines_are_broken(value: str) -> None:
    assert "".join(hanging(Content("head  "), value, 24).plain.split()) == "head" + "".join(value.split())


@given(st.integers(min_value=36, max_value=120))
def test_an_explanation_keeps_to_its_width(width: int) -> None:
    text = explain(
        "The jump host bastion cannot reach db-2.example port 22: Connection refused",
        Code.JUMP_FAILED,
        {"address": "db-2.example", "fingerprint": "SHA256:" + "x" * 43},
        (Advice("From the jump host, check the address.", "fairlead diagnose bastion"),),
        width=width,
    )
    assert all(line.cell_length <= width for line in text.split("\n"))


def test_an_explanation_for_the_clipboard_is_not_broken() -> None:
    sentence = "word " * 60 + "end"
    assert explain(sentence).plain == sentence


def test_what_to_do_stands_before_what_was_seen_and_nothing_seen_takes_no_line() -> None:
    words = explain("It failed.", Code.PERMISSION, {"path": "/root", "reason": ""}, (Advice("Ask its owner."),)).plain
    assert words.index("do next") < words.index("seen") < words.index("code")
    assert "reason" not in words
