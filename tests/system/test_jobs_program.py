"""Detached jobs from the command line, on a real server: what outlives the program, and what is told of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program, ssh_config
from tests.support.waiting import until

pytestmark = pytest.mark.sshd


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The home directory on the host."""
    home = tmp_path / "there"
    home.mkdir()
    return home


@pytest.fixture
def server(tmp_path: Path, there: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "server", f"SetEnv HOME={there}") as server:
        yield server


@pytest.fixture
def program(tmp_path: Path, server: Sshd, there: Path) -> Iterator[Program]:
    home = tmp_path / "home"
    home.mkdir()
    config = ssh_config(tmp_path / "ssh_config", {"box": server}, make_key(tmp_path / "key"))
    program = Program(home, env={"FAIRLEAD_SSH_CONFIG": str(config)})
    yield program
    for pid in there.glob(".local/state/fairlead/jobs/*/pid"):
        if not pid.with_name("rc").exists():
            end(int(pid.read_text().split()[0]))


def end(pid: int) -> None:
    """Kill a job's session as a whole, as its host's administrator might."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_job_is_started_followed_shown_and_removed(program: Program, there: Path) -> None:
    go = there / "go"
    line = f"printf 'out\\377'; printf err >&2; until [ -e {go} ]; do sleep 0.02; done; echo late; exit 7"
    started = program.run(
        "jobs", "box", "start", "--cwd", str(there), "--env", "A=it's $HOME", "--name", "night", "--", line
    )
    assert started.status == 0, started.err
    job_id = started.out.decode().strip()

    shown = program.run("jobs", "box", "show", "night", "--json").json
    assert (shown["id"], shown["state"], shown["exit_status"]) == (job_id, "running", None)
    assert (shown["cwd"], shown["variables"], shown["command"]) == (str(there), ["A"], line)
    assert shown["memory"]["processes"] >= 2
    assert 0 < shown["memory"]["rss"] <= shown["memory"]["peak"]

    go.touch()
    followed = program.run("jobs", "box", "logs", "-f", job_id[-6:])
    assert followed.status == 7
    assert followed.out == b"out\xfflate\n"
    assert followed.err.startswith(b"err")

    listed = program.run("jobs", "box", "list", "--json").json
    assert [(job["id"], job["state"], job["exit_status"]) for job in listed] == [(job_id, "ended", 7)]
    assert program.run("jobs", "box", "remove", "night").status == 0
    assert list(there.glob(".local/state/fairlead/jobs/*")) == []


def test_two_machines_see_the_same_job(program: Program, tmp_path: Path) -> None:
    job_id = program.run("jobs", "box", "start", "--", "exit 3").out.decode().strip()
    other = replace(program, env={**program.env, "FAIRLEAD_STATE_DIR": str(tmp_path / "other")})
    assert other.run("jobs", "box", "logs", "-f", job_id).status == 3
    assert other.run("jobs", "box", "remove", job_id).status == 0
    assert [job["id"] for job in program.run("jobs", "--json").json] == [job_id], "not looked at since"
    assert program.run("jobs", "box", "list", "--json").json == []


async def test_a_job_outlives_the_program_and_the_server(program: Program, server: Sshd, there: Path) -> None:
    go = there / "go"
    process = await program.start(
        "jobs", "box", "start", "--", f"echo up; until [ -e {go} ]; do sleep 0.02; done; echo over; exit 5"
    )
    out, _ = await process.communicate()
    job_id = out.decode().strip()
    following = await program.start("jobs", "box", "logs", "-f", job_id)
    assert following.stdout is not None
    assert await following.stdout.readline() == b"up\n"
    following.kill()
    await following.wait()
    server.restart()
    assert json.loads(program.run("jobs", "box", "show", job_id, "--json").out)["state"] == "running"
    go.touch()
    followed = program.run("jobs", "box", "logs", "-f", job_id, "--from", "3")
    assert (followed.status, followed.out) == (5, b"over\n")


async def test_a_host_that_is_away_is_listed_as_it_was(program: Program, server: Sshd, there: Path) -> None:
    started = program.run("jobs", "box", "start", "--json", "--", "sleep 600").json
    pid, job_id = started["pid"], started["id"]
    server.stop()
    listed = program.run("jobs", "box", "list", "--json", "--batch")
    error, jobs = map(json.loads, listed.out.splitlines())
    assert error["error"]["code"] == "TCP_REFUSED"
    assert [(job["id"], job["state"]) for job in jobs] == [(job_id, "running")]
    assert listed.status == 255
    end(pid)
    await until(lambda: not Path(f"/proc/{pid}").exists())


def test_stopping_and_refusing(program: Program, there: Path) -> None:
    job_id = program.run("jobs", "box", "start", "--", "trap '' TERM; sleep 600; sleep 600").out.decode().strip()
    stopped = program.run("jobs", "box", "stop", job_id, "--grace", "0", "--json").json
    assert (stopped["state"], stopped["killed"], stopped["exit_status"]) == ("ended", True, 137)
    assert stopped["signal"] == "KILL"
    ran = program.run("jobs", "box", "start", "--cwd", "/no/such", "--json", "--", "true")
    assert (ran.status, ran.json["error"]["code"]) == (4, "NOT_FOUND")
    assert ran.json["error"]["message"] == "There is no /no/such."
    assert [path.name for path in there.glob(".local/state/fairlead/jobs/*")] == [job_id]


def test_processes_are_listed_measured_and_signalled(program: Program) -> None:
    started = program.run("jobs", "box", "start", "--json", "--", "exec sleep 613").json
    keeper, job_id = started["pid"], started["id"]
    rows = program.run("ps", "box", "--tree", "--json").json["processes"]
    mine = next(row for row in rows if row["parent"] == keeper)
    assert mine["command"] == "sleep 613"
    assert mine["depth"] == next(row for row in rows if row["pid"] == keeper)["depth"] + 1
    memory = program.run("ps", "box", "--memory", str(mine["pid"]), "--json").json
    assert memory["name"] == "sleep"
    assert 0 < memory["megabytes"] < 100
    assert program.run("kill", "box", str(mine["pid"]), "-s", "KILL").status == 0
    assert program.run("jobs", "box", "logs", "-f", job_id).status == 137
    gone = program.run("kill", "box", str(mine["pid"]), "--json")
    assert (gone.status, gone.json["error"]["code"]) == (4, "PROCESS_GONE")
    assert "nothing was signalled" in gone.json["error"]["message"]
    gone = program.run("ps", "box", "--memory", str(mine["pid"]), "--json")
    assert (gone.status, gone.json["error"]["code"]) == (4, "PROCESS_GONE")
    assert gone.json["error"]["message"] == f"Process {mine['pid']} on box is not there."
