"""What is told of many hosts from two answers of ssh is what ssh itself says of each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from backend.hosts.alike import alike
from backend.hosts.config_files import read_config
from backend.hosts.names import Spec
from backend.hosts.openssh import OpenSsh
from backend.hosts.options import Question

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs the OpenSSH client")

HOSTS = [f"node-{number}" for number in range(1, 7)]


def blocks(*lines: str) -> str:
    """A `Host` block for each host; `#` stands for its number in the lines."""
    return "".join(f"Host {name}\n" + "".join(f"  {line}\n".replace("#", name[5:]) for line in lines) for name in HOSTS)


class Counting:
    """ssh, whose calls are counted, over one file."""

    def __init__(self, directory: Path, config: str) -> None:
        self._calls = directory / "calls"
        self._calls.touch()
        program, file = directory / "ssh", directory / "config"
        program.write_text(f'#!/bin/sh\necho "$@" >> {self._calls}\nexec {shutil.which("ssh")} "$@"\n')
        program.chmod(0o700)
        file.write_text(config)
        self.ssh = OpenSsh(str(program), file, directory, os.environ)

    @property
    def calls(self) -> int:
        """Questions about hosts."""
        return sum("unconfigured.invalid" not in line for line in self._calls.read_text().splitlines())


def _questions(*, user: str | None = None, jump: str | None = None) -> list[Question]:
    return [(Spec(name, user), jump) for name in HOSTS]


ALIKE = {
    "nothing about them": "Host *\n  User mara\n",
    "addresses and ports": blocks("HostName 10.0.0.#", "Port 220#") + "Host node-*\n  User mara\n  Compression yes\n",
    "aliases, users, keys": blocks("HostKeyAlias n#.example", "User user#", "IdentityFile /keys/k#", "HostName h#.lan"),
    "an earlier line wins": "Host *\n  Port 2200\n" + blocks("Port 220#", "HostName 10.0.0.#"),
    "a default for what is left out": blocks("HostName 10.0.0.#") + "Host *\n  ProxyJump bastion\n  Port 2022\n",
    "keys of all and of each": blocks("IdentityFile /keys/k#") + "Host *\n  IdentityFile /keys/all\n",
    "other things, the same for each": blocks("HostName h#", "ServerAliveInterval 1m", "ForwardAgent yes"),
}
APART = {
    "a line that only ssh can judge": blocks("HostName 10.0.0.#") + "Match exec true\n  User root\n",
    "names that are looked up again": "CanonicalizeHostname yes\n" + blocks("HostName localhost"),
    "what ssh fills in": blocks("HostName %h.node-#.example"),
    "other values of other words": blocks("HostName 10.0.0.#", "ServerAliveInterval #"),
    "keys below the home directory": blocks("IdentityFile ~/.ssh/k#"),
    "capitals": blocks("HostName Node#.Example"),
    "a file that depends on the host": "Include %h.conf\n" + blocks("Port 220#"),
}


@pytest.mark.parametrize("config", [*ALIKE.values(), *APART.values()], ids=[*ALIKE, *APART])
@pytest.mark.parametrize("user", [None, "root"])
async def test_the_answers_are_those_of_ssh(config: str, user: str | None, tmp_path: Path) -> None:
    counting = Counting(tmp_path, config)
    questions = _questions(user=user)
    async with counting.ssh.expecting(questions):
        told = [await counting.ssh.options(*question) for question in questions]
    assert told == [await counting.ssh.options(*question) for question in questions]


@pytest.mark.parametrize("config", ALIKE.values(), ids=ALIKE)
async def test_hosts_that_are_written_down_alike_cost_two_answers(config: str, tmp_path: Path) -> None:
    counting = Counting(tmp_path, config)
    await _ask_all(counting.ssh, _questions(jump="bastion"))
    assert counting.calls == 2


@pytest.mark.parametrize("config", APART.values(), ids=APART)
async def test_what_may_differ_otherwise_is_asked_for_each(config: str, tmp_path: Path) -> None:
    counting = Counting(tmp_path, config)
    await _ask_all(counting.ssh, _questions())
    assert counting.calls >= len(HOSTS)


async def test_a_host_that_differs_where_the_two_do_not_is_asked_about(tmp_path: Path) -> None:
    numbered = blocks("HostName 10.0.0.#", "Port 22").replace("10.0.0.6\n  Port 22", "10.0.0.6\n  Port 2200")
    numbered = numbered.replace("10.0.0.2\n  Port 22", "10.0.0.2\n  Port 2200\n  User mara")
    counting = Counting(tmp_path, numbered)
    await _ask_all(counting.ssh, _questions())
    assert counting.calls == 3  # the first, node-6 as the most different, and node-2, which has a line more


async def test_an_answer_is_used_once_and_not_after_the_run(tmp_path: Path) -> None:
    counting = Counting(tmp_path, ALIKE["addresses and ports"])
    async with counting.ssh.expecting(_questions()):
        await counting.ssh.options(Spec("node-3"), None)
        assert counting.calls == 2
        await counting.ssh.options(Spec("node-3"), None)
        assert counting.calls == 3
    await counting.ssh.options(Spec("node-4"), None)
    assert counting.calls == 4


async def test_a_broken_file_is_told_of_by_each_host(tmp_path: Path) -> None:
    counting = Counting(tmp_path, "NoSuchWord yes\n" + blocks("Port 220#"))
    async with counting.ssh.expecting(_questions()):
        with pytest.raises(Exception, match="Bad configuration option"):
            await counting.ssh.options(Spec("node-3"), None)


def test_a_thousand_hosts_are_read_in_one_go(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("".join(f"Host n{n}\n  HostName 10.1.{n // 250}.{n % 250}\n" for n in range(1000)))
    (group,) = alike(list(read_config(file, tmp_path, {})), [(Spec(f"n{n}"), None) for n in range(1000)])
    assert len(group) == 1000


async def _ask_all(ssh: OpenSsh, questions: Sequence[Question]) -> None:
    async with ssh.expecting(questions):
        for question in questions:
            await ssh.options(*question)
