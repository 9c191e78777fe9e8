"""What fail2ban's default sshd jail makes of us: nothing that a person does in good faith gets their address banned.

fail2ban itself judges, with the filter and the jail that Debian ships, over the log of a real sshd.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.commands.values import CommandSpec
from backend.connection.state import SessionState
from backend.connection.target import Hop, KnownHostsFiles
from backend.errors import Code, FairleadError
from backend.files.model import Direction, TransferRequest
from mocks.relay import Relay
from tests.support.connecting import connected, refused
from tests.support.desk import Desk, desk_at
from tests.support.fail2ban import MOST, Jail, count_of, failures, jail, logging_sshd
from tests.support.netns import FIRST, entered
from tests.support.openssh import Sshd, make_key, ssh_agent, target, throw_away_user
from tests.support.person import Person
from tests.support.waiting import until
from tests.support.whole_host import WholeHost, make_tree, whole_host

pytestmark = [pytest.mark.sshd, pytest.mark.netns]

S = SessionState
TURNS = 8
"""More than the jail allows: one failure in each would be too many."""
FLAPS = 20


@dataclass(frozen=True)
class Watch:
    """A server with fail2ban over its log."""

    server: Sshd
    jail: Jail
    user: str

    def scene(self, directory: Path) -> Scene:
        host_key = self.server.host_keys[0].with_name(f"{self.server.host_keys[0].name}.pub").read_text()

        def change_password() -> None:
            subprocess.run(["chpasswd"], input=f"{self.user}:another".encode(), check=True)

        return Scene(
            self.server.address,
            self.server.port,
            self.user,
            host_key,
            directory,
            self.server.authorize,
            change_password,
        )

    async def verdict(self) -> tuple[int, int]:
        """Failures and bans, once fail2ban has read what was logged; both of its programs must agree."""
        log = self.server.root / "sshd.log"
        await until(lambda: self.server.processes == [], seconds=20)
        found = len(await asyncio.to_thread(failures, log))
        deadline = time.monotonic() + 20
        while (counted := await asyncio.to_thread(lambda: self.jail.failed)) < found and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        assert counted == found, self.server.log
        return found, await asyncio.to_thread(lambda: self.jail.banned)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    root = tmp_path / "server"
    with (
        logging_sshd(root, "PasswordAuthentication yes") as server,
        throw_away_user(tmp_path / "home", password="right") as user,
        jail(tmp_path / "fail2ban", root / "sshd.log") as running,
    ):
        root.chmod(0o755)
        server.authorized_keys.chmod(0o644)
        yield Watch(server, running, user)


async def test_it_would_notice_wrong_passwords(watch: Watch, tmp_path: Path) -> None:
    """What the other tests rely on: somebody who guesses is banned."""
    await guessing(watch.scene(tmp_path))
    found, _ = await watch.verdict()
    assert found >= MOST
    await until(lambda: watch.jail.banned == 1, seconds=20)


@pytest.mark.parametrize("opens", [True, False], ids=["with-the-right-one", "none-opens"])
async def test_an_agent_with_twelve_keys(watch: Watch, tmp_path: Path, *, opens: bool) -> None:
    await twelve_keys(watch.scene(tmp_path), opens=opens)
    assert await watch.verdict() == (0, 0), watch.server.log


async def test_a_stored_password_that_is_no_longer_right(watch: Watch, tmp_path: Path) -> None:
    await stale_password(watch.scene(tmp_path))
    found, banned = await watch.verdict()
    assert (found <= 1, banned) == (True, 0), watch.server.log


async def test_a_link_that_flaps(watch: Watch, tmp_path: Path) -> None:
    await flapping_link(watch.scene(tmp_path))
    assert await watch.verdict() == (0, 0), watch.server.log


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_whole_host_with_its_default_jail(tmp_path: Path) -> None:
    """Debian as it is installed: systemd, its sshd, its journal, its fail2ban with its firewall."""
    with whole_host(await asyncio.to_thread(make_tree, tmp_path), tmp_path) as host:
        await asyncio.to_thread(host.run, "useradd -m -s /bin/sh far && echo far:right | chpasswd")
        for name, happens in HAPPENINGS.items():
            await asyncio.to_thread(host.run, "echo far:right | chpasswd; rm -rf ~far/.ssh")
            with entered(host.net.client):
                (tmp_path / name).mkdir()
                await happens(scene_on(host, tmp_path / name))
            told = await asyncio.to_thread(host.run, "sleep 2; fail2ban-client status sshd")
            assert (count_of("banned", told), count_of("failed", told) < MOST) == (0, True), (name, told)
        with entered(host.net.client):
            await guessing(scene_on(host, tmp_path))
            await until(lambda: not answers(FIRST, 22), seconds=30)


# --- what happens ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """A server that fail2ban watches, whichever kind it is."""

    address: str
    port: int
    user: str
    """The password is `right`."""
    host_key: str
    directory: Path
    authorize: Callable[[Path], None]
    change_password: Callable[[], None]

    def known(self, name: str) -> Path:
        path = self.directory / "known"
        path.write_text(f"{name} {' '.join(self.host_key.split()[:2])}\n")
        return path

    def hop(self, **more: Any) -> Hop:
        name = self.address if self.port == 22 else f"[{self.address}]:{self.port}"
        known = KnownHostsFiles(user=(self.known(name),))
        return Hop("far", self.address, self.port, self.user, known_hosts=known, **more)

    def config(self, relay: Relay, key: Path | None) -> Path:
        """For OpenSSH, by way of `relay`."""
        config, known = self.directory / "config", self.known(f"[127.0.0.1]:{relay.port}")
        config.write_text(
            f"Host far\n  HostName 127.0.0.1\n  Port {relay.port}\n  User {self.user}\n"
            f"  IdentityFile {key or 'none'}\n  IdentityAgent none\n  UserKnownHostsFile {known}\n"
        )
        return config


async def guessing(scene: Scene) -> None:
    for _ in range(2):
        error = await refused(target(scene.hop()), Person(passwords=["guess", "another", "third"]))
        assert error.code is Code.AUTH_DENIED


async def twelve_keys(scene: Scene, *, opens: bool) -> None:
    keys = [make_key(scene.directory / f"key{number}") for number in range(12)]
    if opens:
        await asyncio.to_thread(scene.authorize, keys[-1])
    with ssh_agent(scene.directory / "agent", *keys) as socket:
        hop = scene.hop(identity_files=tuple(keys[-1:]) if opens else (), identities_named=opens, agent_socket=socket)
        for _ in range(TURNS):
            if opens:
                async with connected(target(hop)):
                    pass
            else:
                assert (await refused(target(hop))).code in (Code.AUTH_DENIED, Code.NEEDS_PERSON)


async def stale_password(scene: Scene) -> None:
    """It is changed on the server while we are connected; then the link breaks, and everything asks for it."""
    directory = scene.directory
    async with Relay(scene.address, scene.port) as relay:
        person = Person(passwords=["right"])
        async with desk_at("far", scene.config(relay, None), directory / "state", person) as desk:
            await desk.session.link()
            await asyncio.to_thread(scene.change_password)
            relay.cut()
            await until(lambda: S.RECONNECTING in desk.states)
            (directory / "file").write_bytes(b"content")
            request = TransferRequest(Direction.PUT, "far", (str(directory / "file"),), "file")
            asks: list[Callable[[], Awaitable[object]]] = [
                desk.session.link,
                desk.session.bulk,
                lambda: desk.run(CommandSpec(b"true")),
                lambda: desk.copy(request).wait(),
            ]
            for _ in range(TURNS):
                await asyncio.gather(*(ask() for ask in asks), return_exceptions=True)
            with pytest.raises(FairleadError):
                await desk.session.link()


async def flapping_link(scene: Scene) -> None:
    """Cut while it is up, and again in the middle of the next handshake, twenty times."""
    key = make_key(scene.directory / "key")
    await asyncio.to_thread(scene.authorize, key)
    async with Relay(scene.address, scene.port) as relay:
        async with desk_at("far", scene.config(relay, key), scene.directory / "state", Person()) as desk:
            await desk.session.link()
            for number in range(FLAPS):
                relay.cut()
                await until(lambda: desk.session.state is S.RECONNECTING)
                if number % 2:
                    relay.cut_after(down=300 + 70 * number)
                await back(desk)
            assert (await desk.run(CommandSpec(b"true"))).succeeded
        assert relay.counters.connections > FLAPS


HAPPENINGS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "twelve-keys-one-opens": lambda scene: twelve_keys(scene, opens=True),
    "twelve-keys-none-opens": lambda scene: twelve_keys(scene, opens=False),
    "stale-password": stale_password,
    "flapping-link": flapping_link,
}


def scene_on(host: WholeHost, directory: Path) -> Scene:
    def authorize(key: Path) -> None:
        line = key.with_name(f"{key.name}.pub").read_text().strip()
        host.run(f"install -d -o far -m 700 ~far/.ssh && echo '{line}' >> ~far/.ssh/authorized_keys")

    def change_password() -> None:
        host.run("echo far:another | chpasswd")

    return Scene(host.address, 22, "far", host.host_key, directory, authorize, change_password)


def answers(address: str, port: int) -> bool:
    """Whether a connection is accepted: fail2ban's firewall refuses those of who is banned."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


async def back(desk: Desk) -> None:
    """Somebody who presses "retry now" until the link is there."""
    async with asyncio.timeout(30):
        while desk.session.state is not S.READY:
            assert desk.session.state is not S.FAILED
            desk.session.retry_now()
            await asyncio.sleep(0.02)
