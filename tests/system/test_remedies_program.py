"""`fairlead diagnose --fix` and `--apply` on real servers: asked first, done exactly, then climbed again."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.faulty import FAULTS, NAME, Fault
from tests.support.openssh import make_key, sshd
from tests.support.program import Program, Ran, ssh_config

pytestmark = pytest.mark.sshd


@dataclass(frozen=True, slots=True)
class Rig:
    """A faulty host, and the program that is pointed at it."""

    fault: Fault
    home: Path

    def diagnose(self, *more: str, host: str = NAME) -> Ran:
        return Program(self.home).run("-F", str(self.home / "ssh_config"), "diagnose", host, "--batch", *more)

    @property
    def config(self) -> Path:
        return self.home / "config.toml"


@contextmanager
def faulty(name: str, tmp_path: Path) -> Iterator[Rig]:
    home = tmp_path / "home"
    home.mkdir()
    with FAULTS[name](tmp_path / "fault") as fault:
        (home / "ssh_config").write_text(fault.ssh_config)
        (home / "config.toml").write_text("")
        yield Rig(fault, home)


def told(ran: Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.out.splitlines()[-1])
    return found


def test_an_open_key_file_is_fixed_and_the_next_climb_is_green(tmp_path: Path) -> None:
    with faulty("open_key_file", tmp_path) as rig:
        key = rig.fault.hops[0].identity_files[0]
        ran = rig.diagnose("--fix", "--yes", "--json")
    assert ran.status == 0, ran.err
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    found = told(ran)
    assert (found["verdict"], found["applied"]["id"]) == ("ok", "fix-mode")
    assert found["applied"]["undo"] == f"chmod 644 {key}"
    assert b"0644 becomes 0600" in ran.err


def test_nothing_is_changed_where_nobody_agrees(tmp_path: Path) -> None:
    with faulty("open_key_file", tmp_path) as rig:
        ran = rig.diagnose("--fix")
        mode = stat.S_IMODE(rig.fault.hops[0].identity_files[0].stat().st_mode)
    assert (ran.status, mode) == (2, 0o644)
    assert b"give --yes" in ran.err
    assert b"chmod 600" in ran.err


def test_a_legacy_server_is_allowed_its_algorithm_and_the_next_climb_is_green(tmp_path: Path) -> None:
    with faulty("no_common_kex", tmp_path) as rig:
        config = ("--config", str(rig.config))
        before = told(rig.diagnose("--json", *config))
        ran = rig.diagnose("--apply", "allow-algorithm", "--yes", "--json", *config)
        again = told(rig.diagnose("--json", *config))
    assert before["code"] == "KEX_NO_MATCH"
    broken = next(rung for rung in before["rungs"] if rung["code"] == "KEX_NO_MATCH")
    assert broken["advice"][0]["apply"] == "allow-algorithm"
    assert (ran.status, told(ran)["verdict"]) == (0, "ok"), ran.err
    assert again["verdict"] == "ok"
    assert b"Warning" not in ran.err
    assert '"+diffie-hellman-group1-sha1"' in rig.config.read_text()
    assert told(ran)["applied"]["undo"] == f"fairlead hosts remove {NAME}"


def test_another_key_is_listed_by_fingerprint_then_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with sshd(tmp_path / "server") as server:
        right, wrong = make_key(home / ".ssh" / "id_right"), make_key(tmp_path / "id_wrong")
        ssh_config(home / "ssh_config", {NAME: server}, wrong)
        server.authorized_keys.write_text(right.with_name("id_right.pub").read_text())
        (home / "config.toml").write_text("")

        def diagnose(*more: str) -> Ran:
            usual = ("-F", str(home / "ssh_config"), "--config", str(home / "config.toml"), "diagnose", NAME, "--batch")
            return Program(home).run(*usual, *more)

        listed = told(diagnose("--apply", "choose-key", "--json"))
        ran = diagnose("--apply", "choose-key", "--key", str(right), "--yes", "--json")
        again = told(diagnose("--json"))
    assert [(Path(key["path"]).name, key["tried"]) for key in listed["keys"]] == [
        ("id_right", False),
        ("id_wrong", True),
    ]
    assert listed["keys"][0]["fingerprint"].startswith("SHA256:")
    assert (ran.status, told(ran)["verdict"], again["verdict"]) == (0, "ok", "ok"), ran.err
    assert str(right) in (home / "config.toml").read_text()


def test_a_remedy_that_does_not_apply_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with faulty("open_key_file", tmp_path) as rig:
        ran = rig.diagnose("--apply", "unlock")
    assert ran.status == 2
    assert b"there is fix-mode, choose-key" in ran.err


def test_where_all_is_well_there_is_nothing_to_fix(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with sshd(tmp_path / "server") as server:
        ssh_config(home / "ssh_config", {NAME: server}, make_key(home / "id"))
        ran = Program(home).run("-F", str(home / "ssh_config"), "diagnose", NAME, "--batch", "--fix")
    assert ran.status == 0
    assert b"nothing here that can be done" in ran.err


@pytest.mark.parametrize("command", ["run", "ls", "ps", "diagnose"])
def test_a_mistyped_host_is_told_the_near_name_whatever_was_asked_of_it(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "ssh_config").write_text("Host web-1\n  HostName 127.0.0.1\n")
    rest = {"run": ("wbe-1", "--", "true"), "ls": ("wbe-1:",)}.get(command, ("wbe-1",))
    ran = Program(home).run("-F", str(home / "ssh_config"), "--batch", command, *rest)
    shown = (ran.out + ran.err).decode()
    assert "NAME_NOT_FOUND" in shown
    assert "Did you mean web-1?" in shown
    assert "fairlead diagnose web-1" in shown


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("open_key_file", "AUTH_KEY_PERMISSIONS"),
        ("closed_port", "TCP_REFUSED"),
        ("refused_key", "AUTH_DENIED"),
        ("no_common_kex", "KEX_NO_MATCH"),
    ],
)
@pytest.mark.parametrize("hosts", [1, 2])
def test_a_failure_of_a_command_gets_the_ladder_s_own_explanation(
    name: str, code: str, hosts: int, tmp_path: Path
) -> None:
    """On one host, and on several at once. The one thing that is added is the way to the ladder."""
    with faulty(name, tmp_path) as rig:
        usual = ("-F", str(rig.home / "ssh_config"), "--batch", "--json")
        which = (NAME,) if hosts == 1 else ("--hosts", f"{NAME},nobody.invalid")
        ran = Program(rig.home).run(*usual, "run", *which, "--", "true")
        ladder = told(rig.diagnose("--json"))
    answers = [json.loads(line) for line in ran.out.splitlines()]
    error = next(answer["error"] for answer in answers if answer.get("host") in {NAME, None} and "error" in answer)
    broken = next(rung for rung in ladder["rungs"] if rung["status"] == "fail")
    assert error["code"] == broken["code"] == code
    assert error["evidence"] == broken["evidence"]
    assert error["advice"][: len(broken["advice"])] == broken["advice"]
    assert len(error["advice"]) <= len(broken["advice"]) + 1
