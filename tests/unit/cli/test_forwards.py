"""What `fairlead forward` says, and how its options are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from backend.forwards.model import ForwardState, ForwardView
from backend.forwards.spec import read_forward
from cli.forwards import listening_line, news_of, status_line, summary, view_json, warnings
from cli.main import run as main

AT = datetime(2026, 3, 2, 9, 41, tzinfo=UTC)


def view(text: str, state: ForwardState = ForwardState.LISTENING, **more: object) -> ForwardView:
    made = ForwardView(1, "web-1", read_forward(text), state, AT, places=("127.0.0.1:8080",), port=8080)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("L 8080:db:5432", "listening on 127.0.0.1:8080, to db:5432 as web-1 sees it"),
        ("D 8080", "listening on 127.0.0.1:8080 (SOCKS), to wherever web-1 can reach"),
        ("R 8080:db:22", "web-1 listens on 127.0.0.1:8080, to db:22 as this machine sees it"),
        ("R 8080", "web-1 listens on 127.0.0.1:8080, to wherever clients ask for (SOCKS), from this machine"),
    ],
)
def test_it_says_what_listens_where(text: str, line: str) -> None:
    assert listening_line(view(text)) == line


def test_what_others_can_reach_is_said_aloud() -> None:
    assert warnings(view("L 8080:db:5432")) == []
    assert "every machine that reaches this machine" in warnings(view("L *:8080:db:5432"))[0]
    assert "GatewayPorts" in warnings(view("R *:8080:db:5432"))[0]
    assert "reaches all that this machine reaches" in warnings(view("R 8080"))[0]


def test_the_status_line_shows_what_moves_and_what_went_wrong() -> None:
    moved = view("L 8080:db:5432", sent=48_000, received=1_200_000, open=2, total=14)
    assert status_line(moved) == "L 8080  2 open  14 total  ↓ 1.2 MB  ↑ 48.0 kB"
    assert status_line(replace(moved, refused=3, errors=1)).endswith("3 refused  1 error")
    assert status_line(view("L 8080:db:5432", ForwardState.WAITING)) == "L 8080  waiting"


def test_the_summary_counts_everything_and_names_the_last_failure() -> None:
    done = view("L 8080:db:5432", total=1, received=5, sent=7, errors=1, last_error="db:5432: Connection refused")
    assert summary(done) == (
        "L 8080:db:5432: 1 connection, 5 B received, 7 B sent, 1 failed (the last: db:5432: Connection refused)"
    )


def test_news_are_told_once() -> None:
    listening = view("L 8080:db:5432")
    waiting = view("L 8080:db:5432", ForwardState.WAITING, reason="The connection was lost.")
    assert news_of(waiting, listening) == ["L 8080:db:5432: waiting for web-1"]
    assert news_of(waiting, waiting) == []
    assert news_of(listening, waiting) == ["L 8080:db:5432: listening again"]
    assert news_of(view("R 1:a:2", ForwardState.FAILED, reason="taken"), waiting) == ["R 1:a:2: failed: taken"]


def test_json_has_every_counter() -> None:
    shown = view_json(view("L 8080:db:5432", total=3))
    assert shown["forward"] == "L 8080:db:5432" and shown["total"] == 3 and shown["last_error"] is None
    assert shown["listening"] == ["127.0.0.1:8080"]


@pytest.mark.parametrize("arguments", [("-L", "db:5432"), ("-D", "1:2:3"), ("-R", "9000:localhost:0")])
def test_what_cannot_be_meant_is_a_usage_error(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forward", "--demo", "web-1", *arguments]) == 2
    assert arguments[1] in capsys.readouterr().err


def test_without_any_forward_it_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forward", "--demo", "mirror-au"]) == 2
    assert "-L 8080:localhost:80" in capsys.readouterr().err
