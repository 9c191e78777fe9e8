"""Why is it slow, as text: what stands first, what fits, and what a host says is only text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.diagnostics.slowness.judge import judge
from backend.diagnostics.slowness.values import DiskSpeed, Lane, Load, Measurements, PhaseTime, Snapshot, Transfer, Way
from cli.slow_report import slow_lines

SEEN = Measurements(
    "web-1",
    phases=(PhaseTime("web-1", "tcp", 0.6), PhaseTime("web-1", "host_key", 0.0), PhaseTime("web-1", "auth", 1.2)),
    first_command=1.4,
    pings=(0.62,) * 10,
    commands=(1.3,) * 4,
    transfers=(Transfer(Way.UP, Lane.SFTP, 20 << 20, 6.0, 3.3e6, 0.9, 2 << 20, 0.2),),
    loads={Way.UP: Load(server_running=0.55)},
    disk=DiskSpeed(8 << 20, 90e6),
    missing={"login_files": "the host runs no commands that anybody has heard of, or it does not say which"},
)


def test_the_table_comes_first_and_the_sentence_after_it_with_its_arithmetic() -> None:
    lines = slow_lines(judge(SEEN), None)
    assert [line for line in lines if line.endswith(":") and line[0] != " "] == [
        "login:",
        "each step:",
        "bulk data:",
        "not measured:",
    ]
    sentence = next(
        number for number, line in enumerate(lines) if line.startswith("Uploads stop at 3.3 MB/s: a window")
    )
    assert lines[sentence + 1].startswith("  web-1 lets 2 MiB be under way")
    assert lines[sentence + 2] == "  (certain to 95 %)"
    assert any(line.startswith("also: web-1 is far away") for line in lines[sentence:])


def test_bars_of_one_group_are_to_one_scale() -> None:
    lines = slow_lines(judge(SEEN), None)
    bars = {name: next(line.count("█") for line in lines if line.startswith(f"  {name} ")) for name in ("tcp", "auth")}
    assert bars["tcp"] == round(bars["auth"] / 2)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_nothing_but_a_command_is_wider_than_the_terminal(width: int) -> None:
    assert [line for line in slow_lines(judge(SEEN), width) if len(line) > width and "fairlead" not in line] == []


def test_what_a_host_says_cannot_move_the_cursor() -> None:
    hostile = replace(
        SEEN, missing={"disk": "\x1b[2Jgone\nnext"}, before=Snapshot(connection="\x1b]0;title\x07 1 b 2"), lookup=9.0
    )
    assert not any("\x1b" in line or "\n" in line for line in slow_lines(judge(hostile), None))
