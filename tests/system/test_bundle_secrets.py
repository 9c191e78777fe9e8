"""A bundle made after a session in which everything secret was used holds none of it, in any form.

Planted: a password, a one-time code, a passphrase, a key file, a sudo password, a token among a host's variables,
passwords of proxy commands and addresses, one that was typed into a command line, and one that a host says back.
"""

from __future__ import annotations

import base64
import io
import json
import tarfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from urllib.parse import quote

import pytest

from backend.commands.values import CommandSpec, Elevate
from backend.errors import FairleadError
from backend.log import configure_logging, reset_logging
from backend.reports.bundle.gathering import Gathered, Wanted, gather
from backend.reports.bundle.packing import packed
from cli.library import Fairlead
from mocks.host import Question, SimulatedHost, User
from mocks.server import HostServer
from tests.support.openssh import make_key
from tests.support.person import Person
from tests.support.program import Program
from tests.support.sudoers import sudoer

PASSWORD, CODE, PASSPHRASE = "pw-Kx7vQ2mZ", "735192640817", "phrase-Wd9rT4bL"
SUDO, TOKEN, PROXY = "sudo-Hn3pX8cV", "tok-Zr5yM1kJ0aBq", "prx-Lw6uE9dS"
ADDRESS, TYPED, OTHER = "url-Ck2jF7gA", "typed-Vb4nR8tY", "opt-Qs1hD5wU"
PLANTED = (PASSWORD, CODE, PASSPHRASE, SUDO, TOKEN, PROXY, ADDRESS, TYPED, OTHER)


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), secret.encode("utf-16-le"), quote(secret).encode())
    yield quote("".join(f"%{byte:02x}" for byte in raw)).encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
        yield from (encoded, encoded.replace(b"+", b"-").replace(b"/", b"_"))


def _found(content: bytes) -> list[str]:
    return [secret for secret in PLANTED for form in _forms(secret) if form in content]


def _members(raw: bytes, name: str) -> dict[str, bytes]:
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return {one: archive.read(one) for one in archive.namelist()}
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        return {one.name: file.read() for one in archive if (file := archive.extractfile(one)) is not None}


def _assert_clean(gathered: Gathered, key: Path) -> dict[str, bytes]:
    body = "".join(key.read_text().splitlines()[1:-1])
    for name in ("a.tar.gz", "a.zip"):
        raw = packed(gathered.bundle, PurePath(name))
        members = _members(raw, name)
        assert _found(raw) == []
        for path, content in members.items():
            assert _found(path.encode() + content) == [], path
            assert b"PRIVATE KEY" not in content
            assert body[40:80].encode() not in content
    return members


@contextmanager
def _logged(fairlead: Fairlead, path: Path) -> Iterator[None]:
    configure_logging(file=path, verbosity=3, vault=fairlead.services.vault, on_stderr=False)
    try:
        yield
    finally:
        reset_logging()


@pytest.fixture
async def where(tmp_path: Path) -> AsyncIterator[Path]:
    """A directory with the configuration of a person who wrote secrets into every place that takes them."""
    key = make_key(tmp_path / "key", passphrase=PASSPHRASE)
    host = SimulatedHost(
        "vault-1",
        users=(
            User("asked", 1001, challenge=((Question("Password: ", PASSWORD), Question("Code: ", CODE)),)),
            User("keyed", 1003, keys=(key.with_name("key.pub").read_text().strip(),)),
        ),
    )
    async with HostServer(host) as server:
        (tmp_path / "known").write_text(f"[127.0.0.1]:{server.port} {host.host_key.public_line}\n")
        shared = f'address = "127.0.0.1"\nport = {server.port}\nagent = false\nknown_hosts = "{tmp_path}/known"\n'
        (tmp_path / "config.toml").write_text(
            f'[hosts.asked]\nuser = "asked"\n{shared}note = "password {TYPED}"\nenv = {{ API_TOKEN = "{TOKEN}" }}\n'
            f'[hosts.keyed]\nuser = "keyed"\nidentity_files = ["{key}"]\nenv = {{ LEVEL = "{TOKEN}" }}\n{shared}'
            f'[hosts.piped]\naddress = "10.0.0.9"\nproxy_command = "nosuch --via {OTHER} %h"\n'
        )
        (tmp_path / "ssh_config").write_text(
            f"Host wrapped\n  ProxyCommand sshpass -p {PROXY} nosuch %h %p\n"
            f"Host addressed\n  ProxyCommand nosuch https://mara:{ADDRESS}@proxy.example:3128 %h\n  SetEnv X={TOKEN}\n"
        )
        yield tmp_path


def _fairlead(where: Path, person: Person) -> Fairlead:
    return Fairlead(
        config=where / "config.toml", ssh_config=where / "ssh_config", state_dir=where / "state", interaction=person
    )


async def test_nothing_that_was_planted_is_in_the_bundle(where: Path) -> None:
    person = Person(answers=[[PASSWORD, CODE], [PASSWORD, CODE]], passphrases=[PASSPHRASE] * 4)
    async with _fairlead(where, person) as fairlead:
        with _logged(fairlead, where / "log"):
            await fairlead.run("asked", f"echo mysql -p{TYPED} {PASSWORD} {base64.b64encode(CODE.encode()).decode()}")
            await fairlead.run("keyed", ["echo", TOKEN, f"--password={TYPED}"])
            with suppress(FairleadError):
                await fairlead.run("wrapped", "true")
        services = fairlead.services
        await services.history.begin("asked", f"mysql -p{TYPED}")
        await services.sessions.get("asked").disconnect()
        hosts = ("asked", "keyed", "piped", "wrapped", "addressed")
        wanted = Wanted(hosts=hosts, log=where / "log")
        gathered = await gather(services, wanted)
    assert TYPED in (where / "log").read_text(), "asyncssh logs commands: the log must be worth cleaning"
    members = _assert_clean(gathered, where / "key")
    manifest = json.loads(next(content for name, content in members.items() if name.endswith("/manifest.json")))
    assert manifest["hosts"] == list(hosts)
    assert manifest["left_out_by_design"]["value of env"] == 2
    assert manifest["left_out_by_design"]["value of proxycommand"] == 2
    assert manifest["left_out_by_design"]["value of note"] == 1
    assert manifest["left_out_by_design"]["log message"] > 0
    assert {file["name"] for file in manifest["files"]} >= {"settings.json", "log.jsonl", "hosts/1-asked/report.html"}


async def test_words_of_a_host_that_repeat_a_secret_are_taken_out_and_counted(where: Path) -> None:
    """By design nothing of what hosts print goes in; should a text slip in all the same, it is cleaned."""
    async with _fairlead(where, Person(answers=[[PASSWORD, CODE]])) as fairlead:
        await fairlead.run("asked", "true")
        services = fairlead.services
        for text in (PASSWORD, base64.b64encode(f"x:{PASSWORD}".encode()).decode(), PASSWORD.encode().hex()):
            record = {"logger": "fairlead.events", "message": "phase_seen", "evidence": {"banner": text}}
            services.recent._kept.append(record)
        gathered = await gather(services, Wanted())
    _assert_clean(gathered, where / "key")
    assert gathered.bundle.taken_out == {"secret of this session": 3}
    assert gathered.bundle.left_out["value of env"] == 2


@pytest.mark.sshd
async def test_the_password_of_sudo(tmp_path: Path) -> None:
    with sudoer(tmp_path, "{user} ALL=(ALL) ALL", password=SUDO) as target:
        hop = target.host
        (tmp_path / "config.toml").write_text(
            f'[hosts.box]\naddress = "{hop.address}"\nport = {hop.port}\nuser = "{hop.user}"\nagent = false\n'
            f'identity_files = ["{hop.identity_files[0]}"]\nknown_hosts = "{hop.known_hosts.user[0]}"\n'
        )
        (tmp_path / "ssh_config").touch()
        async with _fairlead(tmp_path, Person(passphrases=[SUDO])) as fairlead:
            with _logged(fairlead, tmp_path / "log"):
                spec = CommandSpec(f"id -u; echo {TYPED} >/dev/null".encode(), elevate=Elevate())
                outcome = await fairlead.services.commands.run("box", spec)
                assert outcome.exit is not None
                assert outcome.exit.status == 0
            gathered = await gather(fairlead.services, Wanted(hosts=("box",), log=tmp_path / "log"))
        members = _assert_clean(gathered, hop.identity_files[0])
        assert any(b"command_changed" in content for content in members.values())


def test_from_the_command_line_with_the_log_of_another_run(where: Path) -> None:
    program = Program(where)
    flags = ("--config", "config.toml", "-F", "ssh_config", "--batch")
    ran = program.run(*flags, "-vvv", "--log-file", "log", "run", "wrapped", "--", f"mysql -p{TYPED}")
    assert ran.status == 2
    made = program.run(*flags, "bundle", "wrapped", "addressed", "--log", "log", "-o", "b.zip")
    assert (made.status, made.out) == (0, b"b.zip\n")
    members = _members((where / "b.zip").read_bytes(), "b.zip")
    assert (where / "b.zip").stat().st_mode & 0o777 == 0o600
    for path, content in members.items():
        assert _found(content) == [], path
    assert _found(made.err) == []
