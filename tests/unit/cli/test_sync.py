"""How a sync reads: a line for each name, counts, and what came of it; and the order of rules on the command line."""

from __future__ import annotations

from collections import Counter

import click
import pytest

from backend.connection.connector import FileKind
from backend.files.sync.model import Action, Counts, Do, Reason, SyncOutcome
from cli.commands.sync import InOrder, sync
from cli.flags import GlobalFlags
from cli.sync import _json_line, _text_line, counts_text, path_text, summary

FILE = Action(Do.REPLACE, (b"a", b"b\n"), FileKind.FILE, Reason.SIZE, size=12_300)


def test_a_line_tells_what_is_done_to_what_and_why() -> None:
    assert _text_line(FILE, "replace") == b"replace    12.3 kB  a/b\\n  (size differs)\n"
    gone = Action(Do.DELETE, (b"old",), FileKind.DIRECTORY, Reason.EXTRANEOUS)
    assert _text_line(gone, "delete") == b"delete              old/  (not at the source)\n"


def test_json_is_exact_for_names_that_are_no_text() -> None:
    link = Action(Do.LINK, (b"\xff",), FileKind.SYMLINK, Reason.NEW, points_to=b"../there")
    assert _json_line(link, "link") == (
        b'{"plan": {"action": "link", "path": "\\\\xff", "path_base64": "/w==", "kind": "symlink", "reason": "new", '
        b'"bytes": 0, "points_to": "../there"}}\n'
    )


def test_the_top_itself_has_a_name() -> None:
    assert path_text(Action(Do.MAKE, (), FileKind.DIRECTORY, Reason.NEW)) == "./"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (Counts(), "change nothing"),
        (Counts(Counter({Do.COPY: 1}), bytes=5), "copy 1 file (5 B)"),
        (
            Counts(Counter({Do.COPY: 2, Do.LINK: 1, Do.MAKE: 2, Do.ADJUST: 3, Do.DELETE: 4, Do.EXCLUDE: 5}), 10, 20),
            "copy 3 files (10 B), make 2 directories, change mode or time of 3, delete 4 names (20 B), 5 excluded",
        ),
        (Counts(Counter({Do.KEEP: 9, Do.EXTRA: 2})), "change nothing, 2 more at the destination left there"),
    ],
)
def test_counts_leave_out_what_is_nothing(counts: Counts, text: str) -> None:
    assert counts_text(counts) == text


def test_a_summary_tells_everything_that_was_not_simply_copied() -> None:
    done = Counts(Counter({Do.MAKE: 1, Do.ADJUST: 2, Do.DELETE: 3, Do.BLOCK: 1}))
    outcome = SyncOutcome(done, 2.0, 2, files=1, bytes=5, verified=1, failed=1)
    assert summary(outcome) == (
        "1 file, 5 B in 2.0 s, 1 verified (SHA-256), 1 directory made, 2 given mode or time, 3 deleted, "
        "1 blocked by another kind of file, 1 failed, 2 rounds"
    )


def test_rules_keep_the_order_in_which_they_are_given() -> None:
    words = ["--exclude", "a", "--include=b", "x:c", "--exclude", "d", "y", "--include", "e"]
    context = sync.make_context("sync", words, obj=GlobalFlags())
    assert isinstance(context.command, InOrder)
    assert context.meta["cli.commands.sync.rules"] == [
        ("exclude", "a"),
        ("include", "b"),
        ("exclude", "d"),
        ("include", "e"),
    ]


def test_an_option_without_its_word_is_a_mistake_as_ever() -> None:
    with pytest.raises(click.UsageError):
        sync.make_context("sync", ["a", "x:b", "--exclude"], obj=GlobalFlags())
