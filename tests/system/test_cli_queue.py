"""`fairlead queue`: requests for hosts that are away, through the program."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.openssh import Sshd, free_port, make_key, sshd
from tests.support.program import Program, Ran, ssh_config

pytestmark = pytest.mark.sshd


class Desk:
    """The program, a server called `box`, and a host called `away` where nothing listens."""

    def __init__(self, root: Path, server: Sshd) -> None:
        self.here, self.there = root / "here", root / "there"
        for directory in (self.here, self.there):
            directory.mkdir()
        self.config = ssh_config(self.here / "ssh_config", {"box": server}, make_key(self.here / "key"))
        away = f"Host away\n  HostName 127.0.0.1\n  Port {free_port()}\n"
        self.config.write_text(away + self.config.read_text())
        self._program = Program(self.here)

    def queue(self, action: str, *arguments: str) -> Ran:
        return self._program.run("queue", action, "-F", str(self.config), "--batch", *arguments)

    def states(self) -> dict[int, str]:
        return {request["id"]: request["state"] for request in json.loads(self.queue("list", "--json").out)}

    def let_pass(self, number: int) -> None:
        """Have the deadline of a request be long ago."""
        with closing(sqlite3.connect(self.here / "state" / "fairlead.db")) as db, db:
            assert db.execute("UPDATE requests SET deadline = 1 WHERE id = ?", (number,)).rowcount == 1


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with sshd(tmp_path / "sshd") as server:
        yield Desk(tmp_path, server)


def test_requests_wait_and_are_carried_out_when_the_host_is_there(desk: Desk) -> None:
    (desk.here / "report.csv").write_text("1,2\n")
    assert desk.queue("add", "box", "--deadline", "2h", "--", "echo said; exit 3").status == 0
    assert desk.queue("put", "report.csv", f"box:{desk.there}/").status == 0
    assert desk.queue("add", "away", "--", "true").status == 0
    assert set(desk.states().values()) == {"waiting"}
    ran = desk.queue("run")
    assert ran.status == 4  # one host could not be reached
    assert b"1 on box: done, exit 3" in ran.err
    assert b"TCP_REFUSED" in ran.err
    assert desk.states() == {1: "done", 2: "done", 3: "waiting"}
    assert (desk.there / "report.csv").read_text() == "1,2\n"
    shown = desk.queue("show", "1")
    assert (shown.out, shown.status) == (b"said\n", 0)
    assert desk.queue("run", "away").status == 255


def test_the_order_can_be_changed_and_requests_taken_out(desk: Desk) -> None:
    for number in range(3):
        desk.queue("add", "box", "--", f"echo {number} >> {desk.there}/log")
    assert desk.queue("move", "3", "--priority", "high").status == 0
    assert desk.queue("cancel", "2").status == 0
    again = desk.queue("cancel", "2", "--json")
    assert (again.status, again.json) == (4, {"taken_out": [], "not_waiting": [2]})
    assert desk.queue("run", "box").status == 0
    assert (desk.there / "log").read_text() == "2\n0\n"
    assert desk.queue("clear", "--json").json == {"forgotten": 3}


def test_a_deadline_can_be_changed_and_what_was_too_late_is_carried_out_after_all(desk: Desk) -> None:
    assert desk.queue("add", "box", "--deadline", "1h", "--", f"echo done > {desk.there}/late").status == 0
    assert desk.queue("add", "box", "--deadline", "1h", "--", "true").status == 0
    desk.let_pass(1)
    assert desk.states() == {1: "expired", 2: "waiting"}
    assert desk.queue("deadline", "1", "2h").status == 0
    assert desk.queue("deadline", "2", "none", "--json").json == {"changed": [2], "not_waiting": []}
    listed = {request["id"]: request for request in desk.queue("list", "--json").json}
    assert (listed[1]["state"], listed[2]["deadline"]) == ("waiting", None)
    assert desk.queue("run", "box").status == 0
    assert (desk.there / "late").read_text() == "done\n"
    again = desk.queue("deadline", "1", "2h", "--json")
    assert (again.status, again.json) == (4, {"changed": [], "not_waiting": [1]})


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "box", "--deadline", "yesterday", "--", "true"),
        ("put", "not-here", "box:/tmp/"),
        ("show", "99"),
        ("move", "99"),
        ("deadline", "1", "soon"),
    ],
)
def test_what_cannot_be_meant_is_2_and_nothing_is_kept(arguments: tuple[str, ...], desk: Desk) -> None:
    ran = desk.queue(*arguments)
    assert ran.status == 2
    assert ran.err.startswith(b"fairlead: ")
    assert desk.states() == {}
