"""What fail2ban's default sshd jail makes of us: nothing that a person does in good faith gets their address banned.

fail2ban itself judges, with the filter and the jail that Debian ships, over the log of a real sshd.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.commands.values import CommandSpec
from backend.connection.state import SessionState
from backend.errors import Code, FairleadError
from backend.files.model import Direction, TransferRequest
from mocks.relay import Relay
from tests.support.connecting import connected, refused
from tests.support.desk import Desk, desk_at
from tests.support.fail2ban import MOST, Jail, failures, jail, logging_sshd
from tests.support.openssh import Sshd, make_key, ssh_agent, target, throw_away_user
from tests.support.person import Person
from tests.support.waiting import until

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
    key: Path

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
        key = make_key(tmp_path / "key")
        yield Watch(server, running, user, key)


async def test_it_would_notice_wrong_passwords(watch: Watch, tmp_path: Path) -> None:
    """What the other tests rely on: somebody who guesses is banned."""
    known = watch.server.known_hosts(tmp_path / "known")
    hop = watch.server.hop(known=known, user=watch.user)
    for _ in range(2):
        error = await refused(target(hop), Person(passwords=["guess", "another", "third"]))
        assert error.code is Code.AUTH_DENIED
    found, _ = await watch.verdict()
    assert found >= MOST
    await until(lambda: watch.jail.banned == 1, seconds=20)


@pytest.mark.parametrize("opens", [True, False], ids=["with-the-right-one", "none-opens"])
async def test_an_agent_with_twelve_keys(watch: Watch, tmp_path: Path, *, opens: bool) -> None:
    keys = [make_key(tmp_path / f"key{number}") for number in range(12)]
    if opens:
        watch.server.authorize(keys[-1])
    known = watch.server.known_hosts(tmp_path / "known")
    with ssh_agent(tmp_path / "agent", *keys) as socket:
        named = keys[-1:] if opens else ()
        hop = watch.server.hop(known=known, user=watch.user, keys=named, agent_socket=socket)
        for _ in range(TURNS):
            if opens:
                async with connected(target(hop)):
                    pass
            else:
                assert (await refused(target(hop))).code is Code.AUTH_DENIED
    assert await watch.verdict() == (0, 0), watch.server.log


async def test_a_stored_password_that_is_no_longer_right(watch: Watch, tmp_path: Path) -> None:
    """It was changed on the server while we were connected; then the link breaks, and everything asks for it."""
    person = Person(passwords=["right"])
    async with Relay("127.0.0.1", watch.server.port) as relay:
        config = config_for(watch, relay, tmp_path, key=None)
        async with desk_at("far", config, tmp_path / "state", person) as desk:
            await desk.session.link()
            await asyncio.to_thread(change_password, watch.user)
            relay.cut()
            await until(lambda: S.RECONNECTING in desk.states)
            (tmp_path / "file").write_bytes(b"content")
            request = TransferRequest(Direction.PUT, "far", (str(tmp_path / "file"),), "file")
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
    found, banned = await watch.verdict()
    assert (found <= 1, banned) == (True, 0), watch.server.log


def change_password(user: str) -> None:
    subprocess.run(["chpasswd"], input=f"{user}:another".encode(), check=True)


async def test_a_link_that_flaps(watch: Watch, tmp_path: Path) -> None:
    """Cut while it is up, and again in the middle of the next handshake, twenty times."""
    watch.server.authorize(watch.key)
    async with Relay("127.0.0.1", watch.server.port) as relay:
        config = config_for(watch, relay, tmp_path, key=watch.key)
        async with desk_at("far", config, tmp_path / "state", Person()) as desk:
            await desk.session.link()
            for number in range(FLAPS):
                relay.cut()
                await until(lambda: desk.session.state is S.RECONNECTING)
                if number % 2:
                    relay.cut_after(down=300 + 70 * number)
                await back(desk)
            assert (await desk.run(CommandSpec(b"true"))).succeeded
        assert relay.counters.connections > FLAPS
    assert await watch.verdict() == (0, 0), watch.server.log


async def back(desk: Desk) -> None:
    """Somebody who presses "retry now" until the link is there."""
    async with asyncio.timeout(30):
        while desk.session.state is not S.READY:
            assert desk.session.state is not S.FAILED
            desk.session.retry_now()
            await asyncio.sleep(0.02)


def config_for(watch: Watch, relay: Relay, tmp_path: Path, *, key: Path | None) -> Path:
    known = watch.server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
    config = tmp_path / "config"
    config.write_text(
        f"Host far\n  HostName 127.0.0.1\n  Port {relay.port}\n  User {watch.user}\n  IdentityFile {key or 'none'}\n"
        f"  IdentityAgent none\n  UserKnownHostsFile {known}\n"
    )
    return config
