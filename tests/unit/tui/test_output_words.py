"""What an output view says about itself, and what a selection in it stands for."""

from __future__ import annotations

import pytest
from textual.geometry import Offset
from textual.selection import Selection

from backend.commands.output import OutputBuffer
from backend.connection.connector import Chunk, StdStream
from tui.glyphs import ASCII, UNICODE
from tui.widgets.output_copy import selected_text
from tui.widgets.output_rows import Needle
from tui.widgets.output_status import OutputStatus


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (OutputStatus(lines=48_210, following=True), "following · 48,210 lines"),
        (OutputStatus(lines=1, following=True, live=False), "1 line"),
        (OutputStatus(lines=500, following=False, below=312), "+312 lines ⬇"),
        (OutputStatus(lines=5, following=True, dropped=1200), "1,200 older lines dropped · following · 5 lines"),
        (OutputStatus(lines=5, following=True, cut=2), "2 overlong lines split · following · 5 lines"),
        (OutputStatus(lines=9, following=True, live=False, searched="x"), "'x' not found · 9 lines"),
        (
            OutputStatus(lines=9, following=True, live=False, searched="x", matches=4, place=2),
            "'x' 2 of 4 · 9 lines",
        ),
        (
            OutputStatus(lines=9, following=True, live=False, searched="x", matches=4, place=2, unsearched=7),
            "'x' 2 of 4+ · 9 lines",
        ),
        (
            OutputStatus(lines=9, following=True, live=False, searched="x", unsearched=7),
            "'x' searching, 7 lines to go · 9 lines",
        ),
        (
            OutputStatus(lines=9, following=True, live=False, filtered="err", shown=3, unread=2),
            "only 'err': 3, 2 to read · 9 lines",
        ),
    ],
)
def test_nothing_that_is_hidden_or_lost_goes_unsaid(status: OutputStatus, text: str) -> None:
    assert status.text(UNICODE) == text


def test_the_words_need_no_unicode() -> None:
    assert OutputStatus(lines=2, following=False, below=1, dropped=3).text(ASCII).isascii()


class TestSelection:
    @pytest.fixture
    def buffer(self) -> OutputBuffer:
        buffer = OutputBuffer(max_lines=3)
        buffer.feed(Chunk(StdStream.OUT, b"gone\n\x1b[31mred\x1b[0m apple\n\ttab\nlast one"))
        return buffer

    def test_it_counts_characters_as_they_are_shown(self, buffer: OutputBuffer) -> None:
        assert selected_text(buffer, Selection(Offset(4, 1), Offset(4, 3))) == "apple\n        tab\nlast"

    def test_part_of_one_line(self, buffer: OutputBuffer) -> None:
        assert selected_text(buffer, Selection(Offset(0, 1), Offset(3, 1))) == "red"

    def test_everything(self, buffer: OutputBuffer) -> None:
        assert selected_text(buffer, Selection(None, None)) == "red apple\n        tab\nlast one"

    def test_lines_that_were_dropped_meanwhile_are_left_out(self, buffer: OutputBuffer) -> None:
        assert selected_text(buffer, Selection(Offset(0, 0), Offset(3, 1))) == "red"

    def test_lines_that_the_filter_hides_are_left_out(self, buffer: OutputBuffer) -> None:
        assert selected_text(buffer, Selection(None, None), Needle("l")) == "red apple\nlast one"
