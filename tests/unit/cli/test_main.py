"""The program in this process, in the simulated world: exit statuses, JSON, and where words go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from backend.files.transfer import Direction
from backend.settings import TransferSettings
from cli.commands.transfer import Wanted, get
from cli.main import run as main
from cli.running import JSON_BOUND

Capture = pytest.CaptureFixture[str]


def _demo(*arguments: str) -> int:
    return main(["--demo", "--batch", *arguments])


def _json(capture: Capture) -> Any:
    """All of stdout is one JSON document; stderr is empty."""
    out, err = capture.readouterr()
    assert err == ""
    return json.loads(out)


# --- usage -------------------------------------------------------------------------------------------------------


def test_what_a_subcommand_does_not_take_leads_to_its_own_help(capfd: Capture) -> None:
    assert _demo("health", "--warning", "3") == 2
    assert "fairlead health --help" in capfd.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run"],
        ["run", "web-1"],
        ["run", "--no-such-flag", "web-1", "x"],
        ["run", "-t", "0", "web-1", "x"],
        ["run", "-p", "99999", "web-1", "x"],
        ["ls"],
        ["ls", "local-path"],
        ["ls", "web-1:", "db-2:"],
        ["mv", "web-1:a", "db-2:b"],
        ["get", "web-1:a"],
        ["put", "a"],
        ["get", "web-1:a", "web-1:b"],
        ["get", "--limit", "fast", "web-1:a", "."],
        ["get", "--limit", "1M", "web-1:a", "-"],
        ["put", "a", "b"],
        ["put", "-", "a", "web-1:"],
        ["put", "", "web-1:x"],
        ["put", "a", "", "web-1:x"],
        ["get", "web-1:a", ""],
        ["mv", "web-1:a", ""],
        ["run", "--cwd", "", "web-1", "pwd"],
        ["run", "", "pwd"],
        ["shell", "web-1"],
        ["--host-key", "whatever", "hosts", "list"],
        [],
    ],
    ids=" ".join,
)
def test_what_cannot_be_understood_is_status_2_with_a_next_step(arguments: list[str], capfd: Capture) -> None:
    assert main(["--batch", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("fairlead: ")
    assert "code: USAGE" in err
    assert "--help" in err


@pytest.mark.parametrize("arguments", [["run", "--json"], ["--json", "nonsense"], ["ls", "x", "--json"]], ids=" ".join)
def test_with_json_misuse_is_json_too(arguments: list[str], capfd: Capture) -> None:
    assert main(arguments) == 2
    assert _json(capfd)["error"]["code"] == "USAGE"


def test_a_json_flag_of_the_remote_command_is_not_ours(capfd: Capture) -> None:
    assert main(["run", "--nonsense", "web-1", "--", "tool", "--json"]) == 2
    assert capfd.readouterr().out == ""


def test_an_unusable_state_directory_stops_transfers_and_nothing_else(tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "fairlead.db").mkdir()
    state = ("--state-dir", str(tmp_path / "state"))
    assert _demo("run", *state, "web-1", "true") == 0
    assert _demo("ls", *state, "web-1:/srv") == 0
    capfd.readouterr()
    assert _demo("get", "--json", *state, "web-1:/srv/app/releases/41/README.md", str(tmp_path)) == 2
    assert "CONFIG_INVALID" in capfd.readouterr().out


# --- run ---------------------------------------------------------------------------------------------------------


def test_a_command_passes_on_its_streams_and_its_status(capfd: Capture) -> None:
    assert _demo("run", "web-1", "--", "echo out; echo err >&2; exit 7") == 7
    assert capfd.readouterr() == ("out\n", "err\n")


def test_words_of_a_command_are_joined_with_blanks_as_ssh_does(capfd: Capture) -> None:
    assert _demo("run", "web-1", "echo", "a  b", "-l", "*x") == 0
    assert capfd.readouterr().out == "a b -l *x\n"


def test_a_command_in_json(capfd: Capture) -> None:
    assert _demo("run", "--json", "web-1", "--", "echo out; echo err >&2; exit 3") == 3
    answer = _json(capfd)
    assert answer.pop("seconds") >= 0
    assert answer == {
        "host": "web-1",
        "exit_status": 3,
        "signal": None,
        "stdout": "out\n",
        "stderr": "err\n",
        "truncated": False,
    }


def test_json_says_when_output_was_cut(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.commands.run.JSON_BOUND", 10)
    assert JSON_BOUND > 10
    assert _demo("run", "--json", "web-1", "--", "seq 1 100") == 0
    answer = _json(capfd)
    assert (answer["stdout"], answer["truncated"]) == ("1\n2\n3\n4\n5\n", True)


def test_output_that_is_no_text_is_exact_in_json(capfd: Capture) -> None:
    assert _demo("run", "--json", "web-1", "--", r"printf 'a\377b'") == 0
    answer = _json(capfd)
    assert answer["stdout_base64"] == "Yf9i"
    assert "stderr_base64" not in answer


def test_directory_and_environment_hold_for_the_command(capfd: Capture) -> None:
    assert _demo("run", "--cwd", "/srv/app", "--env", "COLOUR=blue green", "web-1", "--", "pwd; echo $COLOUR") == 0
    assert capfd.readouterr().out == "/srv/app\nblue green\n"


@pytest.mark.parametrize("word", ["web-1", "me@192.0.2.7"])
def test_a_host_in_place_of_a_command_is_told_what_there_is_for_hosts(word: str, capfd: Capture) -> None:
    assert _demo(word) == 2
    err = capfd.readouterr().err
    assert f"No such command '{word}'" in err
    assert f"fairlead shell {word}\n" in err
    assert f"fairlead run {word} -- uptime\n" in err


def test_a_word_that_is_no_host_either_gets_no_such_hint(capfd: Capture) -> None:
    assert _demo("nonsense") == 2
    assert "fairlead shell" not in capfd.readouterr().err


def test_the_time_limit_is_status_124(capfd: Capture) -> None:
    assert _demo("run", "-t", "0.2", "web-1", "--", "sleep 60") == 124
    assert "TIME_LIMIT" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("host", "code"),
    [("edge-3", "HOST_KEY_CHANGED"), ("cluster", "NEEDS_PERSON"), ("no-such-host", "NAME_NOT_FOUND")],
)
def test_no_connection_or_no_login_is_status_255(host: str, code: str, capfd: Capture) -> None:
    assert _demo("run", "--json", host, "--", "uptime") == 255
    answer = _json(capfd)
    assert answer["error"]["code"] == code
    assert answer["error"]["host"] == host
    assert (answer["exit_status"], answer["stdout"]) == (None, "")


def test_nobody_is_asked_to_log_in_for_a_file_that_is_not_here(tmp_path: Path, capfd: Capture) -> None:
    assert _demo("put", str(tmp_path / "gone"), "cluster:there") != 0
    err = capfd.readouterr().err
    assert "NOT_FOUND" in err and "NEEDS_PERSON" not in err


# --- files -------------------------------------------------------------------------------------------------------


def test_names_go_raw_into_a_pipe_one_a_line(capfd: Capture) -> None:
    assert _demo("ls", "web-1:/srv/app/releases") == 0
    assert capfd.readouterr().out == "39\n40\n41\n"


def test_a_listing_in_json_tells_kinds_sizes_and_links(capfd: Capture) -> None:
    assert _demo("ls", "-a", "-l", "--json", "web-1:/srv/app") == 0
    answer = _json(capfd)
    assert (answer["host"], answer["path"]) == ("web-1", "/srv/app")
    entries = {entry["name"]: entry for entry in answer["entries"]}
    assert entries["releases"]["kind"] == "directory"
    assert entries["current"]["points_to"] == "releases/41"
    assert entries[".env"]["mode"] == "0600"


def test_several_directories_have_headings_and_a_missing_one_leaves_the_others(capfd: Capture) -> None:
    assert _demo("ls", "web-1:/srv/app/releases", "web-1:/nowhere", "web-1:/srv") == 4
    out, err = capfd.readouterr()
    assert out == "/srv/app/releases:\n39\n40\n41\n/srv:\napp\n"
    assert "There is no /nowhere" in err


def test_a_single_missing_path_is_the_commands_own_failure(capfd: Capture) -> None:
    assert _demo("stat", "--json", "web-1:/nowhere") == 4
    error = _json(capfd)["error"]
    assert (error["code"], error["host"]) == ("NOT_FOUND", "web-1")
    assert error["advice"][0]["command"] == "fairlead ls web-1:/"


def test_a_tree_is_not_removed_when_there_is_nobody_to_ask(capfd: Capture) -> None:
    assert _demo("rm", "-r", "web-1:/srv/app/releases") == 2
    assert "--yes" in capfd.readouterr().err


def test_with_yes_a_tree_is_removed_and_counted(capfd: Capture) -> None:
    assert _demo("rm", "-r", "--yes", "--json", "web-1:/srv/app/releases/39") == 0
    answer = _json(capfd)
    assert answer["directories"] >= 1
    assert answer["files"] > 1


@pytest.mark.parametrize(
    "path", ["", ".", "./", "/", "//", "a/..", "/srv/.", "..", "~", "~/", "/home/deploy", "/home/../home/deploy"]
)
def test_home_root_and_dots_are_never_removed_even_with_yes(path: str, capfd: Capture) -> None:
    assert _demo("rm", "-r", "--yes", f"web-1:{path}") == 2
    assert "is not removed" in capfd.readouterr().err


def test_files_are_fetched_verified_and_counted(tmp_path: Path, capfd: Capture) -> None:
    assert _demo("get", "--json", "web-1:/srv/app/releases/41/README.md", str(tmp_path)) == 0
    answer = _json(capfd)
    assert answer["files"] == answer["verified"] == 1
    assert (answer["failed"], answer["skipped"]) == (0, 0)
    assert answer["bytes"] == len((tmp_path / "README.md").read_bytes())


@pytest.mark.parametrize(("given", "parallel"), [([], 3), (["--parallel", "5"], 5)])
def test_the_settings_say_how_many_files_go_at_once_unless_the_command_line_does(
    given: list[str], parallel: int
) -> None:
    context = get.make_context("get", [*given, "web-1:a", "."])
    options = {name: context.params[name] for name in ("no_verify", "limit", "parallel", "on_conflict")}
    wanted = Wanted(Direction.GET, "web-1", ("a",), ".", options)
    assert wanted.request(TransferSettings(parallel=3)).parallel == parallel


def test_a_file_goes_to_stdout_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert _demo("get", "web-1:/srv/app/releases/41/README.md", "-") == 0
    fetched = capfdbinary.readouterr().out
    assert _demo("cat", "web-1:/srv/app/releases/41/README.md") == 0
    assert capfdbinary.readouterr().out == fetched != b""


def test_some_files_that_fail_are_status_4_and_the_rest_is_done(tmp_path: Path, capfd: Capture) -> None:
    (tmp_path / "a").write_text("x")
    assert _demo("put", "--yes", "--json", str(tmp_path / "a"), str(tmp_path / "missing"), "web-1:uploads/") == 4
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["error"]["code"] for line in lines[:-1]} == {"NOT_FOUND", "SOME_FAILED"}
    assert (lines[-1]["files"], lines[-1]["failed"]) == (1, 1)


def test_one_end_of_a_copy_is_not_enough_and_an_example_says_how(capfd: Capture) -> None:
    assert main(["--batch", "get", "web-1:a b"]) == 2
    err = capfd.readouterr().err
    assert "name the other one as well" in err
    assert "fairlead get 'web-1:a b' ." in err
    assert main(["--batch", "put", "notes.md"]) == 2
    assert "fairlead put notes.md HOST:" in capfd.readouterr().err


@pytest.mark.parametrize("group", ["hosts", "config"])
def test_a_group_alone_shows_what_it_has_as_help_does(group: str, capfd: Capture) -> None:
    assert main(["--batch", group]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"Usage: fairlead {group} ")
    assert main(["--batch", group, "--json"]) == 2
    assert _json(capfd)["error"]["code"] == "USAGE"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--warning", "0.1"], "--warning goes with --nagios"),
        (["--warning", "1", "--critical", "2"], "--warning and --critical go with --nagios"),
        (["--every", "10"], "--every goes with --serve"),
    ],
)
def test_what_would_be_ignored_is_a_mistake(options: list[str], problem: str, capfd: Capture) -> None:
    assert _demo("health", *options, "--json", "web-1") == 2
    assert _json(capfd)["error"]["evidence"]["problem"] == problem


def test_a_bundle_that_could_not_be_written_here_is_told_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert _demo("bundle", "--json", "web-1") == 2
    assert _json(capfd)["error"]["evidence"]["problem"] == f"nothing may be written to {Path.cwd()}"


# --- diagnose, hosts, config -------------------------------------------------------------------------------------


def test_a_healthy_host_is_diagnosed_as_such(capfd: Capture) -> None:
    assert _demo("diagnose", "--json", "web-1") == 0
    answer = _json(capfd)
    assert (answer["host"], answer["verdict"], answer["failed_rung"], answer["code"]) == ("web-1", "ok", None, None)
    rung = answer["rungs"][0]
    assert rung.keys() >= {"id", "status", "code", "ms", "evidence", "advice"}


def test_a_broken_rung_is_named_with_what_to_do(capfd: Capture) -> None:
    assert _demo("diagnose", "edge-3") == 255
    out = capfd.readouterr().out
    assert "✕ host key" in out
    assert "HOST_KEY_CHANGED" in out
    assert "    - Ask the administrator" in out
    assert "· auth" in out


def test_rungs_of_a_jump_host_stand_under_its_name(capfd: Capture) -> None:
    assert _demo("diagnose", "db-2") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines.index("bastion:") < lines.index("db-2:")


def test_hosts_are_listed_and_shown_without_connecting(capfd: Capture) -> None:
    assert _demo("hosts", "list", "--json") == 0
    hosts = {host["name"]: host for host in _json(capfd)["hosts"]}
    assert hosts["web-1"]["production"] is True
    assert _demo("hosts", "show", "db-2", "--json") == 0
    shown = _json(capfd)
    assert [hop["name"] for hop in shown["hops"]] == ["bastion", "db-2"]


def test_a_mistake_in_the_configuration_names_file_line_and_key(tmp_path: Path, capfd: Capture) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[hosts.web-1]\naddress = '10.0.4.7'\nprot = 22\n")
    assert main(["config", "check", "--config", str(file)]) == 2
    out = capfd.readouterr().out
    assert "config.toml:3" in out
    assert "port" in out
    assert main(["--config", str(file), "--json", "run", "web-1", "--", "x"]) == 2
    assert _json(capfd)["error"]["code"] == "CONFIG_INVALID"


def test_the_advice_after_a_mistake_checks_the_file_that_was_named(tmp_path: Path, capfd: Capture) -> None:
    config = tmp_path / "my config.toml"
    config.write_text("[transfers]\nparalel = 3\n")
    for command in (("run", "web-1", "true"), ("config", "show")):
        assert main(["--batch", "--config", str(config), *command]) == 2
        assert f"fairlead config check --config '{config}'" in capfd.readouterr().err


def test_the_configuration_is_found_and_explained(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLEAD_UI_THEME", "light")
    assert main(["config", "locate", "--json"]) == 0
    assert _json(capfd)["config"].startswith(os.environ["HOME"])
    assert main(["config", "show", "--json"]) == 0
    rows = {row["key"]: row for row in _json(capfd)["settings"]}
    assert rows["ui.theme"] == {
        "key": "ui.theme",
        "value": "light",
        "layer": "environment",
        "where": "FAIRLEAD_UI_THEME",
    }


def test_the_demo_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = sorted(Path(os.environ["HOME"]).rglob("*"))
    assert _demo("run", "web-1", "--", "true") == 0
    assert list(tmp_path.iterdir()) == []
    assert sorted(Path(os.environ["HOME"]).rglob("*")) == before


def test_the_demo_keeps_its_state_where_it_is_told_to(tmp_path: Path) -> None:
    copy = ("get", "web-1:/srv/app/releases/41/README.md", str(tmp_path))
    assert _demo("--state-dir", str(tmp_path / "state"), *copy) == 0
    assert (tmp_path / "state" / "fairlead.db").exists()


def test_a_fault_of_our_own_is_status_70_and_shows_no_text_of_it(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("cli.execute.interaction_for", lambda *_, **__: broken())
    assert _demo("run", "web-1", "--", "true") == 70
    out, err = capfd.readouterr()
    assert "RuntimeError at cli/test_main.py" in err
    assert "hunter2" not in out + err


# --- the end of the process ------------------------------------------------------------------------------------------


def _ended(body: str, **where: Any) -> subprocess.CompletedProcess[str]:
    program = f"import atexit, sys, threading\nimport cli.main\ndef run():\n{indent(dedent(body), '    ')}\n"
    return subprocess.run(
        [sys.executable, "-c", f"{program}cli.main.run = run\ncli.main.main()"],
        **{"stdout": subprocess.PIPE, **where},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_threads_and_what_is_left_to_do_are_waited_for() -> None:
    done = _ended("""
        begin = threading.Event()
        threading.Thread(target=lambda: begin.wait() and print("in a thread")).start()
        atexit.register(print, "at the end")
        print("ran")
        begin.set()
        return 7
    """)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.splitlines()[-1] == "at the end"
    assert set(done.stdout.splitlines()) == {"ran", "in a thread", "at the end"}


def test_output_that_cannot_be_written_at_the_end_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = _ended("print('lost')\nreturn 0", stdout=full)
    assert done.returncode != 0
    assert "No space left" in done.stderr


def test_misuse_of_a_job_command_leads_to_help_that_can_be_had(capfd: Capture) -> None:
    for words in (("start",), ("logs",), ("remove",)):
        assert main(["jobs", "web-1", *words]) == 2
        told = capfd.readouterr().err
        assert f"fairlead jobs web-1 {words[0]} --help" in told
    for host, line in (("web-1", "jobs web-1 start --help"), ("HOST", "jobs start --help")):
        assert main(line.split()) == 0
        assert f"Usage: fairlead jobs {host} start [OPTIONS] COMMAND..." in capfd.readouterr().out
