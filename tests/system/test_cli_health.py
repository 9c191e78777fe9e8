"""`fairlead health` from outside, against the simulated world and a real server: histories, looks, exit statuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.openssh import free_port, make_key, sshd
from tests.support.program import Program, ssh_config
from tests.unit.metrics.exposition import read_exposition

DEMO_HOSTS = ["bastion", "cluster", "db-2", "edge-3", "gpu-7", "mirror-au", "web-1"]


def test_the_demo_begins_with_a_past_that_is_always_the_same(tmp_path: Path) -> None:
    ran = [Program(tmp_path).run("--demo", "health", "--json").json["hosts"] for _ in range(2)]
    assert [one["host"] for one in ran[0]] == DEMO_HOSTS
    assert [one["successes"] for one in ran[0]] == [one["successes"] for one in ran[1]]
    health = {one["host"]: one for one in ran[0]}
    assert {name for name, one in health.items() if not one["healthy"]} == {"edge-3"}
    assert all(len(one["latency"]["hours"]) > 30 for one in health.values())
    assert health["web-1"]["success_rate"] > health["mirror-au"]["success_rate"]


def test_prometheus_can_read_it(tmp_path: Path) -> None:
    ran = Program(tmp_path).run("--demo", "health", "--prometheus")
    families = read_exposition(ran.out.decode())
    healthy = families["fairlead_ssh_healthy"].samples
    assert {dict(labels)["host"]: value for (_, labels), value in healthy.items()} == {
        name: float(name != "edge-3") for name in DEMO_HOSTS
    }


def test_a_look_at_a_host_is_told_with_its_history(tmp_path: Path) -> None:
    ran = Program(tmp_path).run("--demo", "health", "web-1", "--json")
    (told,) = ran.json["hosts"]
    assert ran.status == 0
    assert told["live"]["ok"]
    assert 0.01 < told["live"]["round_trip"] < 0.2
    assert list(told["live"]["phases"]) == ["name", "tcp", "banner", "kex", "host_key", "auth"]
    assert told["last_failure"]["code"] == "TCP_TIMEOUT"


@pytest.mark.parametrize(
    ("arguments", "status", "begins"),
    [
        (("web-1",), 0, "SSH OK - web-1: round trip"),
        (("--critical", "0.001", "web-1"), 2, "SSH CRITICAL - web-1: round trip"),
        (("edge-3",), 2, "SSH CRITICAL - edge-3: HOST_KEY_CHANGED"),
        (("mirror-au",), 3, "SSH UNKNOWN - mirror-au: NEEDS_PERSON"),
        ((), 2, "SSH CRITICAL - 1 of 7 hosts: edge-3"),
    ],
)
def test_as_a_plugin_the_status_is_about_the_host(
    arguments: tuple[str, ...], status: int, begins: str, tmp_path: Path
) -> None:
    ran = Program(tmp_path).run("--demo", "--batch", "health", "--nagios", *arguments)
    assert ran.out.decode().startswith(begins)
    assert ran.status == status


def test_as_a_plugin_a_mistake_in_the_configuration_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[hosts\n")
    ran = Program(tmp_path).run("--config", str(tmp_path / "config.toml"), "health", "--nagios")
    assert (ran.status, ran.out[:26]) == (3, b"SSH UNKNOWN - CONFIG_INVAL")


def test_the_forms_exclude_each_other(tmp_path: Path) -> None:
    assert Program(tmp_path).run("--demo", "health", "--nagios", "--prometheus").status == 2
    assert Program(tmp_path).run("--demo", "health", "--forget").status == 2


@pytest.mark.sshd
def test_what_other_commands_saw_is_in_the_history_and_can_be_forgotten(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    program = Program(tmp_path)
    with sshd(tmp_path / "sshd") as server:
        config = ssh_config(tmp_path / "config", {"box": server}, key)
        for _ in range(3):
            assert program.run("-F", str(config), "--batch", "run", "box", "--", "true").status == 0
    assert program.run("-F", str(config), "--batch", "run", "box", "--", "true").status == 255
    (told,) = program.run("health", "--json").json["hosts"]
    assert (told["host"], told["successes"], told["consecutive_failures"]) == ("box", 3, 1)
    assert told["kinds"] == {"TCP_REFUSED": 1}
    forgot = program.run("health", "--forget", "box", "nobody")
    assert (forgot.status, forgot.out) == (0, b"")
    box, nobody = forgot.err.decode().splitlines()
    assert box.startswith("box: forgotten: 3 logins, 1 failure, 0 losses, since 2")
    assert nobody == "nobody: nothing was known of it"
    assert program.run("health", "--json").json["hosts"] == []


@pytest.mark.sshd
def test_a_state_directory_that_cannot_be_used_does_not_stop_a_connection(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    (tmp_path / "file").write_text("in the way")
    program = Program(tmp_path, env={"FAIRLEAD_STATE_DIR": str(tmp_path / "file" / "state")})
    with sshd(tmp_path / "sshd") as server:
        config = ssh_config(tmp_path / "config", {"box": server}, key)
        ran = program.run("-F", str(config), "--batch", "run", "box", "--", "echo", "there")
        assert (ran.status, ran.out) == (0, b"there\n")
        told = program.run("-F", str(config), "--batch", "health", "--json", "box").json
    assert told["trouble"]["code"] == "CONFIG_INVALID"
    assert told["hosts"][0]["successes"] == 1
    shown = json.dumps(told)
    assert os.fspath(tmp_path / "file") in shown


def test_a_host_that_is_not_reached_gives_the_status_of_its_failure(tmp_path: Path) -> None:
    ran = Program(tmp_path).run("--batch", "health", "-p", str(free_port()), "127.0.0.1")
    assert ran.status == 255
    assert b"TCP_REFUSED" in ran.out
