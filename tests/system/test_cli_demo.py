"""The program in a process of its own in the simulated world: no network, no files of the person's."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.program import CALL, Program


def _program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_command_runs_in_the_simulated_world(tmp_path: Path) -> None:
    ran = _program(tmp_path).run("--demo", "run", "web-1", "--", "uptime")
    assert (ran.status, ran.err) == (0, b"")
    assert b"load average" in ran.out
    assert not (tmp_path / "state").exists()


def test_the_environment_may_ask_for_the_demo(tmp_path: Path) -> None:
    program = Program(tmp_path, env={"FAIRLEAD_DEMO": "1"})
    assert program.run("run", "web-1", "--", "hostname").out == b"web-1\n"


def test_a_refused_login_is_explained_from_inside(tmp_path: Path) -> None:
    flags = ("--demo", "diagnose", "ops@web-1", "--inside", "web-1", "--json", "--password-stdin")
    told = json.loads(_program(tmp_path).run(*flags, stdin=b"wrong\n").out)
    assert (told["failed_rung"], told["code"]) == ("auth", "AUTH_DENIED")
    assert told["server_side"]["findings"][0]["code"] == "USER_UNKNOWN"
    assert told["server_side"]["unseen"]
    commands = [item["command"] or "" for rung in told["rungs"] for item in rung["advice"]]
    assert commands and not any("--inside" in command for command in commands), "that is what it did"


def test_what_takes_the_room_of_a_full_disk_is_listed(tmp_path: Path) -> None:
    ran = _program(tmp_path).run("--demo", "diagnose", "db-2", "--apply", "show-space")
    assert b"below /home/dba" in ran.out
    assert b"vacuum.sql" in ran.out
    assert b"SESSION_REFUSED" not in ran.err


def test_stdin_goes_along_to_the_byte(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    ran = _program(tmp_path).run("--demo", "run", "web-1", "--", "cat", stdin=content)
    assert (ran.status, ran.out) == (0, content)


def test_without_stdin_the_lines_of_a_loop_stay_for_the_loop(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"left alone\n")
    os.close(write)
    command = [*CALL, "--demo", "run", "-n", "web-1", "--", "cat"]
    subprocess.run(command, stdin=read, env=_program(tmp_path).environment, check=True, timeout=60)
    assert os.read(read, 100) == b"left alone\n"
    os.close(read)


def test_a_password_on_stdin_opens_the_host_and_the_rest_is_the_commands(tmp_path: Path) -> None:
    ran = _program(tmp_path).run("--demo", "run", "--password-stdin", "mirror-au", "--", "cat", stdin=b"demo\nrest\n")
    assert (ran.status, ran.out) == (0, b"rest\n")


def test_a_wrong_password_is_not_tried_twice_and_is_status_255(tmp_path: Path) -> None:
    ran = _program(tmp_path).run(
        "--demo", "--batch", "--json", "run", "--password-stdin", "mirror-au", "--", "true", stdin=b"hunter2\n"
    )
    assert ran.status == 255
    assert ran.json["error"]["category"] in {"auth", "limit"}
    assert b"hunter2" not in ran.out + ran.err


def test_trees_go_there_and_come_back(tmp_path: Path) -> None:
    program = _program(tmp_path)
    fetched = program.run("--demo", "get", "web-1:/srv/app/releases/41", "copy")
    assert fetched.status == 0
    assert re.search(rb"\d+ files, .* verified \(SHA-256\)", fetched.err)
    assert (tmp_path / "copy" / "README.md").exists()
    put = program.run("--demo", "--yes", "--json", "put", "copy", "web-1:there")
    assert put.status == 0
    assert put.json["files"] == put.json["verified"] > 1


def test_a_tree_is_synced_both_ways_and_a_production_host_is_not_changed_unasked(tmp_path: Path) -> None:
    program = _program(tmp_path)
    ran = program.run("--demo", "sync", "--json", "web-1:/srv/app/releases/", "releases")
    assert (ran.status, ran.json["failed"]) == (0, 0)
    copied = sum(not path.is_dir() for path in (tmp_path / "releases").rglob("*"))
    assert ran.json["files"] == copied > 10
    (tmp_path / "releases/new").write_text("x")
    refused = program.run("--demo", "--batch", "sync", "releases/", "web-1:/srv/app/releases")
    assert refused.status == 2
    assert b"production host" in refused.err
    done = program.run("--demo", "--batch", "sync", "--yes", "--json", "releases/", "web-1:/srv/app/releases")
    assert done.status == 0
    dry = program.run("--demo", "sync", "-n", "--exclude", "*", "releases/", "web-1:/srv/app/releases")
    assert (dry.status, dry.out) == (0, b"")


def test_a_link_that_breaks_is_told_and_the_transfer_goes_on(tmp_path: Path) -> None:
    program = _program(tmp_path)
    listing = program.run("--demo", "ls", "--json", "gpu-7:run-12/checkpoints").json["entries"]
    ran = program.run("--demo", "get", f"gpu-7:run-12/checkpoints/{listing[0]['name']}", ".", limit=120)
    assert ran.status == 0
    assert b"Connecting again" in ran.err
    assert b"gpu-7: connected again" in ran.err
    assert b"went on after being cut off once" in ran.err


def test_the_route_that_worked_here_is_told_and_tried_first(tmp_path: Path) -> None:
    program = _program(tmp_path)
    state = ("--demo", "--state-dir", str(tmp_path / "state"))
    before = program.run(*state, "hosts", "show", "--json", "gpu-7").json
    assert (before["routes"], before["worked_here"]) == (["direct", "tailscale", "jump:bastion"], None)
    assert program.run(*state, "run", "gpu-7", "--", "hostname").out == b"gpu-7\n"
    after = program.run(*state, "hosts", "show", "--json", "gpu-7").json
    assert after["routes"] == ["jump:bastion", "direct", "tailscale"]
    assert after["worked_here"]["route"] == "jump:bastion"
    assert b"tried first" in (told := program.run(*state, "hosts", "show", "gpu-7").out)
    assert b"it worked here today" in told


def test_one_route_can_be_taken_by_itself(tmp_path: Path) -> None:
    program = _program(tmp_path)
    taken = program.run("--demo", "--json", "--route", "tailscale", "run", "gpu-7", "--", "hostname")
    assert (taken.status, taken.json["error"]["code"]) == (255, "TAILSCALE_DOWN")
    unknown = program.run("--demo", "--json", "run", "--route", "tailscal", "gpu-7", "--", "hostname")
    assert (unknown.status, unknown.json["error"]["code"]) == (2, "ROUTE_UNKNOWN")
    assert unknown.json["error"]["advice"][0]["text"] == "Perhaps tailscale was meant."


def test_a_host_that_is_lost_is_given_up_and_what_has_arrived_is_kept(tmp_path: Path) -> None:
    program = _program(tmp_path)
    listing = program.run("--demo", "ls", "--json", "gpu-7:run-12/checkpoints").json["entries"]
    path = f"gpu-7:run-12/checkpoints/{listing[0]['name']}"
    ran = program.run("--demo", "get", "--json", "--give-up", "0", path, ".")
    assert (ran.status, ran.json["error"]["code"]) == (255, "CONNECTION_LOST")
    (partial,) = (one for one in tmp_path.iterdir() if one.is_file())
    assert partial.name != listing[0]["name"]
    assert partial.stat().st_size > 0


def test_a_command_whose_host_is_lost_is_not_said_to_have_ended(tmp_path: Path) -> None:
    program = _program(tmp_path)
    listing = program.run("--demo", "ls", "--json", "gpu-7:run-12/checkpoints").json["entries"]
    ran = program.run("--demo", "run", "gpu-7", "--", f"cat run-12/checkpoints/{listing[0]['name']}")
    assert ran.status == 255
    assert b"CONNECTION_LOST" in ran.err and b"it may still be running there" in ran.err


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*CALL, "--demo", "--yes", "run", "web-1", "--", "yes"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_program(tmp_path).environment,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 141
    process.stderr.close()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_stops_the_command_and_says_what_became_of_it(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    process = await _program(tmp_path).start("--demo", "run", "web-1", "--", "echo started; sleep 1000")
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    process.send_signal(number)
    _, err = await process.communicate()
    assert process.returncode == status
    assert b"Stopped. The command on web-1: ended." in err


def test_the_served_hosts_are_open_to_any_client_until_it_is_stopped(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*CALL, "--json", "demo", "--over-ssh"], stdout=subprocess.PIPE, env=_program(tmp_path).environment
    )
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], 30)[0]
        served = json.loads(process.stdout.readline())
        assert "web-1" in served["hosts"]
        ran = _program(tmp_path).run("-F", served["ssh_config"], "--batch", "run", "db-2", "--", "hostname")
        assert (ran.status, ran.out) == (0, b"db-2\n")
    finally:
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        status = process.wait(30)
        process.stdout.close()
    assert status == 0
    assert time.monotonic() - began < 10
    assert not Path(served["ssh_config"]).exists()


def test_closed_standard_streams_harm_nobody(tmp_path: Path) -> None:
    line = " ".join([*CALL, "--demo", "run", "web-1", "--", "cat; echo done"])
    done = subprocess.run(
        ["sh", "-c", f"{line} <&-"], env=_program(tmp_path).environment, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"done\n")


def test_output_that_cannot_be_written_is_a_failure_and_no_success(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*CALL, "--demo", "run", "web-1", "--", "uptime"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            env=_program(tmp_path).environment,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4
    assert b"DISK_FULL" in done.stderr
