"""Hosts that only a bastion reaches, in network namespaces: everything goes through it, and failures name the hop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.netns import BASTION, INNER, Network, network
from tests.support.openssh import Sshd, make_key, sshd
from tests.support.program import Program

pytestmark = [pytest.mark.netns, pytest.mark.sshd]


@dataclass(frozen=True)
class Lab:
    """Client, bastion and one inner host, each with its own key, and the program in the client's network."""

    net: Network
    bastion: Sshd
    inner: Sshd
    program: Program
    config: Path

    def call(self, *arguments: str) -> tuple[str, ...]:
        return ("-F", str(self.config), "--batch", *arguments)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    outer_key, inner_key = make_key(tmp_path / "outer"), make_key(tmp_path / "inner")
    with (
        network() as net,
        sshd(tmp_path / "bastion", address=BASTION, inside=net.run_in(net.bastion)) as bastion,
        sshd(tmp_path / "target", address=INNER[0], inside=net.run_in(net.inner[0])) as inner,
    ):
        bastion.authorize(outer_key)
        inner.authorize(inner_key)
        known = [server.known_hosts(server.root / "known") for server in (bastion, inner)]
        config = tmp_path / "ssh_config"
        config.write_text(
            f"Host bastion\n  HostName {BASTION}\n  Port {bastion.port}\n  IdentityFile {outer_key}\n"
            f"  UserKnownHostsFile {known[0]}\n"
            f"Host inner\n  HostName {INNER[0]}\n  Port {inner.port}\n  IdentityFile {inner_key}\n"
            f"  UserKnownHostsFile {known[1]}\n  ProxyJump bastion\n"
            f"Host *\n  User {bastion.user}\n  IdentitiesOnly yes\n"
        )
        home = tmp_path / "home"
        home.mkdir()
        yield Lab(net, bastion, inner, Program(home, inside=net.run_in(net.client)), config)


def test_the_inner_host_is_not_reached_directly(lab: Lab) -> None:
    ran = lab.program.run(*lab.call("diagnose", "inner", "--json", "-J", "none"))
    assert ran.json["code"] == "TCP_UNREACHABLE", ran
    assert ran.status == 255


def test_commands_and_files_go_through_the_bastion(lab: Lab, tmp_path: Path) -> None:
    ran = lab.program.run(*lab.call("run", "inner", "--", "ip -o addr"))
    assert (ran.status, INNER[0].encode() in ran.out) == (0, True)
    source = tmp_path / "letter.txt"
    source.write_bytes(b"through the fairlead\n" * 50_000)
    there = tmp_path / "there.txt"
    put = lab.program.run(*lab.call("put", str(source), f"inner:{there}", "--json"))
    assert (put.status, put.json["verified"]) == (0, 1)
    back = tmp_path / "back.txt"
    get = lab.program.run(*lab.call("get", f"inner:{there}", str(back), "--json"))
    assert (get.status, back.read_bytes()) == (0, source.read_bytes())


def test_the_ladder_has_both_hops_and_is_all_well(lab: Lab) -> None:
    ran = lab.program.run(*lab.call("diagnose", "inner", "--json"))
    told = ran.json
    assert (ran.status, told["verdict"], told["code"]) == (0, "ok", None)
    hops = [rung["hop"] for rung in told["rungs"] if rung["id"] == "host_key"]
    assert hops == ["bastion", "inner"]


def test_an_unknown_key_of_the_bastion_is_told_as_the_bastions(lab: Lab) -> None:
    (lab.bastion.root / "known").write_text("")
    ran = lab.program.run(*lab.call("run", "inner", "--json", "--", "true"))
    error = ran.json["error"]
    assert (ran.status, error["code"], error["host"], error["hop"]) == (255, "HOST_KEY_UNKNOWN", "inner", "bastion")
    assert "Accepted" not in lab.bastion.log
    assert "Connection from" not in lab.inner.log


def test_a_closed_port_behind_the_bastion_is_a_failed_jump(lab: Lab) -> None:
    lab.inner.stop()
    ran = lab.program.run(*lab.call("run", "inner", "--json", "--", "true"))
    error = ran.json["error"]
    assert (ran.status, error["code"], error["hop"]) == (255, "JUMP_FAILED", "bastion")
