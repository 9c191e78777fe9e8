"""Requests for a host that is away: carried out once, when it is there, over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import cast

import pytest

from backend.clock import SystemClock
from backend.connection.interaction import Nobody
from backend.connection.session import Session
from backend.connection.ssh.connector import SshConnector
from backend.connection.target import Keepalive
from backend.connection.vault import Vault
from backend.container import Container, open_container
from backend.errors import ConnectError
from backend.files.model import Direction
from backend.hosts.book import HostBook
from backend.priority import Priority
from backend.requests.model import Action, CopyFiles, Request, RequestState, RunCommand
from mocks.relay import Relay
from tests.support.openssh import Sshd, make_key, sshd, target
from tests.support.transfer_world import OneHost
from tests.support.waiting import until

pytestmark = pytest.mark.sshd

HOST = "server"
OPEN = {RequestState.WAITING, RequestState.RUNNING}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    root = tmp_path_factory.mktemp("server")
    with sshd(root) as running:
        running.authorize(make_key(root / "key"))
        yield running


@dataclass
class Bench:
    """The services, and the line to the one host."""

    container: Container
    relay: Relay
    there: Path
    """A directory of the host."""

    @property
    def session(self) -> Session:
        return self.container.sessions.get(HOST)

    async def ask(self, action: Action | str, *, repeatable: bool = False, urgent: bool = False) -> int:
        action = RunCommand(action.encode()) if isinstance(action, str) else action
        priority = Priority.HIGH if urgent else Priority.NORMAL
        return (await self.container.requests.submit(HOST, action, priority=priority, repeatable=repeatable)).number

    async def of(self, number: int) -> Request:
        return next(request for request in await self.container.requests.all() if request.number == number)

    async def ended(self, *numbers: int) -> list[Request]:
        async with asyncio.timeout(20):
            while True:
                found = [await self.of(number) for number in numbers]
                if all(request.state not in OPEN for request in found):
                    return found
                await asyncio.sleep(0.02)

    def lines(self, name: str) -> list[str]:
        path = self.there / name
        return path.read_text().splitlines() if path.exists() else []


@asynccontextmanager
async def bench(server: Sshd, tmp_path: Path) -> AsyncIterator[Bench]:
    there = tmp_path / "there"
    there.mkdir(exist_ok=True)
    async with Relay("127.0.0.1", server.port) as relay:
        known = server.known_hosts(tmp_path / "known", f"[127.0.0.1]:{relay.port}")
        hop = server.hop(keys=[server.root / "key"], known=known, port=relay.port, keepalive=Keepalive(0.5, 0.5, 4))
        vault = Vault()
        async with open_container(
            connector=SshConnector(vault=vault, clock=SystemClock()),
            book=cast(HostBook, OneHost(target(hop))),
            interaction=Nobody(),
            state_dir=tmp_path / "state",
            vault=vault,
            chance=Random(3),
        ) as container:
            yield Bench(container, relay, there)


async def test_what_was_asked_of_an_absent_host_is_done_in_order_when_it_comes(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        here.relay.refuse()
        with pytest.raises(ConnectError):
            await here.session.link()
        (tmp_path / "report.csv").write_text("1,2\n")
        log = here.there / "log"
        first = await here.ask(f"echo first >> {log}; echo said; exit 3")
        copy = await here.ask(CopyFiles(Direction.PUT, (str(tmp_path / "report.csv"),), f"{here.there}/"))
        urgent = await here.ask(f"echo urgent >> {log}", urgent=True)
        assert (await here.of(first)).state is RequestState.WAITING
        here.relay.listen()
        await here.session.link()
        told = await here.ended(first, copy, urgent)
        assert [request.state for request in told] == [RequestState.DONE] * 3
        assert told[0].result is not None and told[0].result.exit_status == 3
        assert here.lines("log") == ["urgent", "first"]
        assert here.lines("report.csv") == ["1,2"]
        assert here.container.requests.output_of(told[0]).read_bytes() == b"said\n"


async def test_what_is_asked_of_a_host_that_is_there_is_done_at_once(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        await here.session.link()
        (done,) = await here.ended(await here.ask("true"))
        assert done.state is RequestState.DONE


async def test_a_command_that_was_cut_off_is_unknown_and_not_done_twice(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        await here.session.link()
        number = await here.ask(f"echo begun >> {here.there}/once; sleep 1000")
        await until(lambda: here.lines("once") == ["begun"])
        here.relay.cut()
        (told,) = await here.ended(number)
        assert told.state is RequestState.UNKNOWN
        assert told.result is not None and told.result.code == "CONNECTION_LOST"
        await here.session.link()
        await here.ended(await here.ask("true"))
        assert here.lines("once") == ["begun"]


async def test_a_repeatable_command_that_was_cut_off_is_done_again(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        await here.session.link()
        again = f"echo begun >> {here.there}/again; test $(wc -l < {here.there}/again) -ge 2 || exec sleep 1000"
        number = await here.ask(again, repeatable=True)
        await until(lambda: here.lines("again") == ["begun"])
        here.relay.cut()
        (told,) = await here.ended(number)
        assert (told.state, told.attempts) == (RequestState.DONE, 2)
        assert here.lines("again") == ["begun", "begun"]


async def test_a_request_under_way_can_be_stopped(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        await here.session.link()
        number = await here.ask(f"echo begun >> {here.there}/stop; exec sleep 1000")
        behind = await here.ask("true")
        await until(lambda: here.lines("stop") == ["begun"])
        assert await here.container.requests.cancel((number,)) == (number,)
        stopped, done = await here.ended(number, behind)
        assert stopped.state in {RequestState.CANCELLED, RequestState.UNKNOWN}  # root's sshd may ignore signals
        assert done.state is RequestState.DONE


async def test_what_waits_outlives_the_program(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        here.relay.refuse()
        await here.ask(f"echo late >> {here.there}/late")
    async with bench(server, tmp_path) as here:
        (kept,) = await here.container.requests.all()
        await here.session.link()
        (done,) = await here.ended(kept.number)
        assert done.state is RequestState.DONE
        assert here.lines("late") == ["late"]


async def test_ending_the_program_in_the_middle_of_a_command_is_told(server: Sshd, tmp_path: Path) -> None:
    async with bench(server, tmp_path) as here:
        await here.session.link()
        await here.ask(f"echo begun >> {here.there}/ending; exec sleep 1000")
        await until(lambda: here.lines("ending") == ["begun"])
    async with bench(server, tmp_path) as here:
        (told,) = await here.container.requests.all()
        assert told.state in {RequestState.FAILED, RequestState.UNKNOWN}
        assert told.result is not None and told.result.code == "INTERRUPTED"
